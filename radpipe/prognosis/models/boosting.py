"""Gradient-boosted trees by xgboost: what the Cox and the classifying model have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from radpipe.prognosis.models.features import FeatureModel
from radpipe.prognosis.survival.endpoint import Floats

# Few patients and many correlated features: small trees, small steps, strong shrinkage.
FIXED = {
    "tree_method": "hist",
    "max_bin": 32,
    "eta": 0.1,
    "subsample": 0.8,
    "colsample_bynode": 0.5,
    # One thread: sums split over threads would change the last bits.
    "nthread": 1,
    "verbosity": 0,
}
BOOSTER_FILE = "model.ubj"


class Trees(NamedTuple):
    """What was learnt.

    Attributes
    ----------
    booster : xgboost.Booster
        The trees, which know columns by their place.
    columns : list of str
        Their names.
    """

    booster: xgb.Booster
    columns: list[str]


class Boosting(FeatureModel):
    """Boosted trees, an xgboost booster as learner.

    Settings: ``max_depth``, ``colsample_bytree``, ``lambda``, ``min_child_weight`` and ``rounds``,
    xgboost's own words. Parameters are those of
    :class:`~radpipe.prognosis.models.features.FeatureModel`.
    """

    def defaults(self) -> dict[str, Any]:
        """Return strong regularisation.

        Returns
        -------
        dict
            Settings.
        """
        return {
            "max_depth": 1,
            "colsample_bytree": 0.5,
            "lambda": 10.0,
            "min_child_weight": 3.0,
            "rounds": 80,
        }

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Draw settings.

        Parameters
        ----------
        trial : optuna.Trial
            Where they are drawn from.

        Returns
        -------
        dict
            Settings.
        """
        return {
            "max_depth": trial.suggest_int("max_depth", 1, 3),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.05, 0.8, log=True),
            "lambda": trial.suggest_float("lambda", 1.0, 100.0, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 10.0, log=True),
            "rounds": trial.suggest_int("rounds", 10, 160, log=True),
        }

    def boost(
        self,
        table: pd.DataFrame,
        label: Floats,
        objective: dict[str, Any],
        settings: dict[str, Any],
        weight: Floats | None = None,
    ) -> Trees:
        """Grow the trees.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            What the steps gave.
        label : ndarray of float64, shape (n,)
            As the objective takes it.
        objective : dict
            xgboost's ``objective`` and what belongs to it.
        settings : dict
            A candidate.
        weight : ndarray of float64, shape (n,), optional
            Of each patient.

        Returns
        -------
        Trees
            The booster, and its columns.
        """
        data = xgb.DMatrix(
            _matrix(table),
            label=label,
            weight=weight,
            nthread=1,
        )
        rest = {name: value for name, value in settings.items() if name != "rounds"}
        booster = xgb.train(
            {**FIXED, **objective, **rest, "seed": self.seed % 2**31},
            data,
            num_boost_round=settings["rounds"],
        )
        return Trees(booster, [str(name) for name in table.columns])

    def score(self, learnt: Trees, table: pd.DataFrame) -> Floats:
        """Return the sums over the trees.

        Parameters
        ----------
        learnt : Trees
            The trees.
        table : DataFrame, shape (m, q)
            What the steps gave.

        Returns
        -------
        ndarray of float64, shape (m,)
            Log-hazards or log-odds.
        """
        margins = learnt.booster.predict(_data(table), output_margin=True)
        return np.asarray(margins, dtype=np.float64)

    def split(self, learnt: Trees, table: pd.DataFrame) -> pd.DataFrame:
        """Split scores into what each column adds.

        Parameters
        ----------
        learnt : Trees
            The trees.
        table : DataFrame, shape (m, q)
            What the steps gave.

        Returns
        -------
        DataFrame, shape (m, q)
            Shapley values by xgboost's TreeSHAP (Lundberg et al. 2020,
            doi 10.1038/s42256-019-0138-9). The constant part is left out.
        """
        values = learnt.booster.predict(_data(table), pred_contribs=True)
        return pd.DataFrame(
            values[:, : table.shape[1]].astype(np.float64), table.index, table.columns
        )

    def used_by(self, learnt: Trees) -> list[str]:
        """Name the columns that some tree asks.

        Parameters
        ----------
        learnt : Trees
            The trees.

        Returns
        -------
        list of str
            In the table's order.
        """
        asked = learnt.booster.get_score(importance_type="weight")
        return [name for place, name in enumerate(learnt.columns) if f"f{place}" in asked]

    def write_learnt(self, folder: Path) -> dict[str, Any]:
        """Write the trees in xgboost's own binary JSON.

        Parameters
        ----------
        folder : Path
            Where the file goes.

        Returns
        -------
        dict
            Its name, and the columns.
        """
        self.learnt_.booster.save_model(folder / BOOSTER_FILE)
        return {"columns": self.learnt_.columns, "files": [BOOSTER_FILE]}

    def restore_learnt(self, folder: Path, state: dict[str, Any]) -> Trees:
        """Read the trees.

        Parameters
        ----------
        folder : Path
            Where the file lies.
        state : dict
            Of :meth:`write_learnt`.

        Returns
        -------
        Trees
            As they were.
        """
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(folder / BOOSTER_FILE)
        return Trees(booster, state["columns"])


def _plain(table: pd.DataFrame) -> list[str]:
    # xgboost refuses some characters in names.
    return [f"f{place}" for place in range(max(table.shape[1], 1))]


def _data(table: pd.DataFrame) -> xgb.DMatrix:
    return xgb.DMatrix(_matrix(table), feature_names=_plain(table), nthread=1)


def _matrix(table: pd.DataFrame) -> NDArray[np.float32]:
    # xgboost refuses a table without columns, which steps leave where none tells anything.
    return table.to_numpy(np.float32) if table.shape[1] else np.zeros((len(table), 1), np.float32)
