"""Gradient-boosted Cox regression: xgboost with a Breslow baseline."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import ArrayLike

from radpipe.errors import ModelError
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.inputs import encode, find_categories
from radpipe.prognosis.survival.breslow import baseline_hazard, survival_curves
from radpipe.prognosis.survival.endpoint import Endpoint, Floats
from radpipe.prognosis.survival.splits import stratified_folds

# Few patients and many correlated features: small trees, small steps, strong shrinkage.
FIXED = {
    "objective": "survival:cox",
    "eval_metric": "cox-nloglik",
    "tree_method": "hist",
    "max_bin": 32,
    "eta": 0.1,
    "subsample": 0.8,
    "lambda": 10.0,
    # One thread: sums split over threads would change the last bits.
    "nthread": 1,
    "verbosity": 0,
}
GRID: dict[str, tuple[float, ...]] = {
    "max_depth": (1, 2),
    "colsample_bytree": (0.1, 0.4),
}
MAX_ROUNDS = 60
BOOSTER_FILE = "model.ubj"


class XgbCox(Model):
    """Boosted trees on the Cox partial likelihood, tuned inside ``fit``.

    Depth and share of columns are chosen by the partial likelihood of held-out inner folds, and so
    is the number of trees, for which no further fit is needed. Then all rows are fitted again.

    Parameters
    ----------
    inner_folds : int
        Folds for tuning, stratified by event; fewer where events are fewer.
    max_rounds : int
        Most trees to consider.
    seed : int
        Of the inner folds and of the columns and rows that each tree sees.

    Attributes
    ----------
    parameters_ : dict
        What was chosen: ``max_depth``, ``colsample_bytree``, ``rounds``.
    baseline_ : tuple of ndarray
        Event times and cumulative hazards where the log-hazard is zero.
    categories_ : dict of str to list of str
        Of the columns that hold text.

    Notes
    -----
    The baseline is Breslow's on the training patients' own log-hazards, which boosting separates
    too well: survival curves are somewhat too extreme, their order is that of the risk score.
    """

    def __init__(self, inner_folds: int = 3, max_rounds: int = MAX_ROUNDS, seed: int = 0) -> None:
        self.inner_folds = inner_folds
        self.max_rounds = max_rounds
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Endpoint) -> Self:
        """Tune, and fit to all rows.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            One row a patient; numbers, booleans and text, missing values allowed.
        y : ndarray, shape (n,)
            Structured array with ``event`` and ``time``.

        Returns
        -------
        XgbCox
            Itself.

        Raises
        ------
        ModelError
            No column, or fewer than two events.
        TableError
            A column holds infinity.
        """
        _check_trainable(X, y)
        self.learn_columns(X.columns)
        self.categories_ = find_categories(X)
        matrix = encode(X, self.categories_)
        self.parameters_ = self._tune(matrix, y)
        self.booster_ = xgb.train(
            self._settings(self.parameters_),
            self._data(matrix, y),
            num_boost_round=self.parameters_["rounds"],
        )
        self.baseline_ = baseline_hazard(y, self._margins(matrix))
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return log-hazards.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        ndarray of float64, shape (n,)
            Risk scores; their zero has no meaning of its own.

        Raises
        ------
        ModelError
            Other columns than in ``fit``.
        """
        return self._margins(self._encode(X))

    def predict_survival(self, X: pd.DataFrame, times: ArrayLike) -> Floats:
        """Return survival probabilities.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.
        times : array-like of float, shape (k,)
            Horizons in the unit of the training times.

        Returns
        -------
        ndarray of float64, shape (n, k)
            Probability that the event has not happened by then.
        """
        return survival_curves(self.baseline_, self.predict(X), times)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Split each risk score into what each column adds to it.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        DataFrame, shape (n, p)
            Shapley values by xgboost's TreeSHAP (Lundberg et al. 2020,
            doi 10.1038/s42256-019-0138-9), in log-hazard. The constant part is left out.
        """
        values = self.booster_.predict(self._data(self._encode(X)), pred_contribs=True)
        columns = self.feature_names_in_.tolist()
        return pd.DataFrame(values[:, :-1].astype(np.float64), index=X.index, columns=columns)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the trees in xgboost's own binary JSON.

        Parameters
        ----------
        folder : Path
            Where the file goes.

        Returns
        -------
        dict
            Categories, baseline, what was chosen.
        """
        self.booster_.save_model(folder / BOOSTER_FILE)
        times, hazard = self.baseline_
        return {
            "categories": self.categories_,
            "chosen": self.parameters_,
            "baseline": {"times": times.tolist(), "cumulative_hazard": hazard.tolist()},
            "files": [BOOSTER_FILE],
        }

    def restore(self, folder: Path, state: dict[str, Any]) -> Self:
        """Take back what :meth:`write` wrote.

        Parameters
        ----------
        folder : Path
            Where the trees lie.
        state : dict
            Of :meth:`write`.

        Returns
        -------
        XgbCox
            Itself, fitted.
        """
        self.booster_ = xgb.Booster({"nthread": 1})
        self.booster_.load_model(folder / BOOSTER_FILE)
        self.categories_, self.parameters_ = state["categories"], state["chosen"]
        baseline = state["baseline"]
        self.baseline_ = (np.array(baseline["times"]), np.array(baseline["cumulative_hazard"]))
        return self

    def _encode(self, X: pd.DataFrame) -> Floats:
        self._check_columns(X)
        return encode(X, self.categories_)

    def _margins(self, matrix: Floats) -> Floats:
        margins = self.booster_.predict(self._data(matrix), output_margin=True)
        return np.asarray(margins, dtype=np.float64)

    def _data(self, matrix: Floats, y: Endpoint | None = None) -> xgb.DMatrix:
        types = ["c" if name in self.categories_ else "q" for name in self.feature_names_in_]
        # xgboost's convention: the time, negative where censored.
        label = None if y is None else np.where(y["event"], y["time"], -y["time"])
        return xgb.DMatrix(
            matrix, label=label, feature_types=types, enable_categorical=True, nthread=1
        )

    def _settings(self, chosen: dict[str, Any]) -> dict[str, Any]:
        return {**FIXED, "seed": self.seed, **{name: chosen[name] for name in GRID}}

    def _tune(self, matrix: Floats, y: Endpoint) -> dict[str, Any]:
        folds = min(self.inner_folds, int(y["event"].sum()))
        parts = [
            (self._data(matrix[train], y[train]), self._data(matrix[test], y[test]))
            for train, test in stratified_folds(y["event"], folds, self.seed)
        ]
        candidates = [dict(zip(GRID, values, strict=True)) for values in product(*GRID.values())]
        losses = np.array([self._held_out_loss(parts, one) for one in candidates])
        best, rounds = np.unravel_index(np.argmin(losses), losses.shape)
        return {**candidates[best], "rounds": int(rounds) + 1}

    def _held_out_loss(
        self, parts: list[tuple[xgb.DMatrix, xgb.DMatrix]], candidate: dict[str, float]
    ) -> Floats:
        losses = []
        for train, test in parts:
            record: dict[str, Any] = {}
            xgb.train(
                self._settings(candidate),
                train,
                num_boost_round=self.max_rounds,
                evals=[(test, "inner")],
                evals_result=record,
                verbose_eval=False,
            )
            losses.append(record["inner"]["cox-nloglik"])
        mean: Floats = np.mean(losses, axis=0)
        return mean


def _check_trainable(X: pd.DataFrame, y: Endpoint) -> None:
    if X.shape[1] == 0:
        raise ModelError(
            "no column to learn from",
            expected="at least one feature",
            remedy="columns named as extraction names them are features; name all others",
        )
    events = int(y["event"].sum())
    if events < 2:
        raise ModelError(
            "too few events to learn from",
            found=events,
            expected="at least 2",
            remedy="take a larger cohort or a longer follow-up",
        )
