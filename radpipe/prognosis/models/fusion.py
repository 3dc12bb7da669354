"""Several models in one, each with the weight that patients it had not seen give it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.models.base import Columns, Model, centre_and_scale
from radpipe.prognosis.models.calibration import Target
from radpipe.prognosis.models.clinical import ClinicalModel
from radpipe.prognosis.models.elastic_net import CoxModel, LogisticModel
from radpipe.prognosis.models.volume import VolumeModel
from radpipe.prognosis.survival.cox import fit_cox
from radpipe.prognosis.survival.endpoint import ENDPOINT_DTYPE, Floats, events_of, is_binary
from radpipe.prognosis.survival.logistic import fit_logistic

RADIOMICS = "radiomics"
# What a further branch must bring, in standard errors of its gradient: noise is kept out, and a
# weak signal with it, since the first branch must never be spoiled.
_THRESHOLD = 1.0
_RIDGE = 1e-2
_SURVIVAL_KIND = np.zeros(1, dtype=ENDPOINT_DTYPE)


class FusionModel(Model):
    """Volume and clinical columns first, and what radiomics adds to them.

    Every branch is a model of its own. Its out-of-fold scores, standardised, are the columns of a
    small regression with weights that cannot be negative. A lasso on all branches but the first
    keeps a branch out whose scores tell no more than chance would: then the fusion *is* the
    clinical model, or volume.

    Parameters
    ----------
    clinical : sequence of str
        Named clinical columns.
    volume : str, optional
        The tumour's volume.
    features : sequence of str
        Columns of the branch ``radiomics``.
    sets : dict of str to sequence of str
        Further branches: embeddings, genomics.
    batch, stability, volume_dependence, correlation, selection, keep
        Of the branches of features; see :class:`~radpipe.prognosis.models.features.FeatureModel`.
    inner_folds, trials, seed
        As of every model; the branches are tuned.

    Attributes
    ----------
    branches_ : dict of str to Model
        Fitted.
    """

    def __init__(
        self,
        clinical: tuple[str, ...] = (),
        volume: str | None = None,
        features: tuple[str, ...] = (),
        sets: dict[str, tuple[str, ...]] | None = None,
        batch: str | None = None,
        stability: dict[str, float] | None = None,
        volume_dependence: float | None = None,
        correlation: float = 0.9,
        selection: str | None = None,
        keep: int = 30,
        inner_folds: int = 5,
        trials: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(inner_folds, trials, seed)
        self.clinical = clinical
        self.volume = volume
        self.features = features
        self.sets = sets
        self.batch = batch
        self.stability = stability
        self.volume_dependence = volume_dependence
        self.correlation = correlation
        self.selection = selection
        self.keep = keep

    def take(self, columns: Columns) -> list[str]:
        """Choose all columns, and remember which branch each belongs to.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            All of them; empty where there is nothing to fuse with.
        """
        further = [name for names in columns.sets.values() for name in names]
        self.clinical, self.volume, self.batch = columns.clinical, columns.volume, columns.batch
        self.features = tuple(name for name in columns.features if name not in set(further))
        self.sets = dict(columns.sets)
        if not self.features or not (self.clinical or self.volume or self.sets):
            return []
        named = [name for name in (self.volume, self.batch) if name is not None]
        return list(dict.fromkeys([*columns.predictors, *further, *named]))

    def used(self) -> list[str]:
        """Name the columns that move the fitted model's scores.

        Returns
        -------
        list of str
            Those of the branches that have a weight.
        """
        weighing = self.weights_.index[self.weights_ > 0]
        parts = [self.branches_[str(name)].used() for name in weighing]
        return list(dict.fromkeys(name for part in parts for name in part))

    def settings(self) -> dict[str, Any]:
        """Return what was chosen in training.

        Returns
        -------
        dict
            Weights, the branches' settings, and the slope.
        """
        branches = {name: branch.settings() for name, branch in self.branches_.items()}
        return {"weights": self.weights_.to_dict(), "branches": branches, **super().settings()}

    def clusters(self) -> dict[str, list[str]]:
        """Tell which features were taken as one.

        Returns
        -------
        dict of str to list of str
            Of all branches.
        """
        parts = [branch.clusters() for branch in self.branches_.values()]
        return {name: members for part in parts for name, members in part.items()}

    def _make_branches(self, y: Target) -> dict[str, tuple[Model, list[str]]]:
        """Make each branch, not fitted, with its columns."""
        common: dict[str, Any] = {"inner_folds": self.inner_folds, "seed": self.seed}
        clinical, volume = list(self.clinical), [name for name in (self.volume,) if name]
        branches: dict[str, tuple[Model, list[str]]] = {}
        if clinical:
            name = "clinical + volume" if volume else "clinical"
            columns = list(dict.fromkeys([*clinical, *volume]))
            branches[name] = (ClinicalModel(volume=self.volume, **common), columns)
        elif volume:
            branches["volume"] = (VolumeModel(**common), volume)
        kind = LogisticModel if is_binary(y) else CoxModel
        for name, features in {RADIOMICS: self.features, **(self.sets or {})}.items():
            model = kind(
                stability=self.stability,
                volume_dependence=self.volume_dependence,
                correlation=self.correlation,
                selection=self.selection,
                keep=self.keep,
                trials=self.trials,
                **common,
            )
            # Volume is offered to the branch where it is a feature, and its slope is in the first.
            branches[name] = (
                model,
                model.take(Columns(tuple(features), (), self.volume, self.batch)),
            )
        return branches

    def _cross_fit(self, X: pd.DataFrame, y: Target) -> tuple[Floats, Any]:
        self.branches_ = {
            name: model.fit(X[columns], y)
            for name, (model, columns) in self._make_branches(y).items()
        }
        scores = np.column_stack([branch.out_of_fold_ for branch in self.branches_.values()])
        # All branches were given the same patients, outcomes and seed, and so the same folds.
        fold = next(iter(self.branches_.values())).fold_
        self.weights_ = pd.Series(_weigh(scores, y, fold), index=[*self.branches_])
        held_out = np.zeros(len(y))
        for number in np.unique(fold):
            test = fold == number
            weighted = scores @ _weigh(scores[~test], y[~test], fold[~test])
            # In the unit of standardised scores, which the slope is applied to.
            centre, scale = centre_and_scale(weighted[~test])
            held_out[test] = (weighted[test] - centre) / scale
        return held_out, fold

    def _fit_all(self, X: pd.DataFrame, y: Target) -> None:
        """Do nothing: the branches are fitted on all rows already."""

    def _scores(self, X: pd.DataFrame) -> Floats:
        weighted = [
            self.weights_[name] * branch.standardised(X[[*branch.feature_names_in_]])
            for name, branch in self.branches_.items()
        ]
        return np.asarray(np.sum(weighted, axis=0))

    def _splits(self, X: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for name, weight in self.weights_[self.weights_ > 0].items():
            branch = self.branches_[str(name)]
            split = branch.contributions(X[[*branch.feature_names_in_]])
            parts.append(split * (weight / branch.calibration_.slope))
        # A column may play a part in two branches.
        return pd.concat(parts, axis=1).T.groupby(level=0, sort=False).sum().T

    def _write(self, folder: Path) -> dict[str, Any]:
        branches, files = {}, []
        for place, (name, branch) in enumerate(self.branches_.items()):
            home = f"branch{place}"
            (folder / home).mkdir()
            state = branch.write(folder / home)
            files += [f"{home}/{file}" for file in state["files"]]
            columns = branch.feature_names_in_.tolist()
            branches[name] = {"home": home, "columns": columns, "state": state}
        return {
            "chosen": {"weights": self.weights_.to_dict()},
            "binary": self.calibration_.baseline is None,
            "branches": branches,
            "files": files,
        }

    def _restore(self, folder: Path, state: dict[str, Any]) -> None:
        self.weights_ = pd.Series(state["chosen"]["weights"], dtype=np.float64)
        kind = np.zeros(1, dtype=bool) if state["binary"] else _SURVIVAL_KIND
        made, self.branches_ = self._make_branches(kind), {}
        for name, written in state["branches"].items():
            branch = made[name][0]
            branch.learn_columns(written["columns"])
            self.branches_[name] = branch.restore(folder / written["home"], written["state"])


def _weigh(scores: Floats, y: Target, fold: Any) -> Floats:
    """Return weights of the branches: none negative, the first not penalised."""
    spread = scores.std(axis=0) * np.sqrt(_information(y))
    lasso = np.where(np.arange(scores.shape[1]) > 0, _THRESHOLD * spread, 0.0)
    if is_binary(y):
        weights = fit_logistic(scores, y, ridge=_RIDGE, lasso=lasso, nonnegative=True).coefficients
    else:
        weights = fit_cox(scores, y, ridge=_RIDGE, lasso=lasso, strata=fold, nonnegative=True)
    if not (weights > 0).any():
        # Nothing speaks for any of them: the first keeps the patients in an order.
        weights = np.eye(len(weights))[0]
    return weights


def _information(y: Target) -> float:
    """Return the variance of the gradient of a standardised column that tells nothing."""
    event = events_of(y)
    return float(len(y) * event.mean() * (1 - event.mean()) if is_binary(y) else event.sum())
