"""What every model has in common: its grammar, its inner folds, its calibration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from radpipe.errors import ModelError
from radpipe.parallel import one_blas_thread
from radpipe.prognosis.models.calibration import Places, Recalibration, Target
from radpipe.prognosis.models.parts import Columns
from radpipe.prognosis.models.table import called
from radpipe.prognosis.survival.endpoint import Floats, events_of, is_binary
from radpipe.prognosis.tables.columns import listed

SURVIVAL, BINARY = "survival", "binary"
FEWEST_EVENTS = 2


class Model(BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn estimator of risk.

    ``fit`` is the same for all: in inner folds settings are chosen, and scores made for patients
    that had not been seen; these give the calibration; then all rows are fitted.

    Parameters
    ----------
    columns : Columns, optional
        Which column plays which part, as :meth:`take` sets it; by default all are features.
    inner_folds : int
        Folds for tuning and calibration, stratified by event; fewer where events are fewer.
    trials : int
        Settings to try; 0 takes the defaults.
    seed : int
        Of everything random.

    Attributes
    ----------
    learns : bool
        Whether more than a slope is learnt from outcomes, which takes enough events.
    endpoints : tuple of str
        ``survival``, ``binary`` or both.
    feature_names_in_ : ndarray of str, shape (p,)
        Columns seen by ``fit``, in order.
    n_features_in_ : int
        Their number.
    rows_ : Index
        ``case_id`` of the rows seen by ``fit``.
    out_of_fold_ : ndarray of float64, shape (n,)
        Standardised scores of the training patients, each from an inner fold without it.
    fold_ : ndarray of int, shape (n,)
        That fold.
    calibration_ : Recalibration
        Slope and baseline.
    """

    learns: ClassVar[bool] = True
    endpoints: ClassVar[tuple[str, ...]] = (SURVIVAL, BINARY)

    def __init__(
        self,
        columns: Columns | None = None,
        inner_folds: int = 5,
        trials: int = 0,
        seed: int = 0,
    ) -> None:
        self.columns = columns
        self.inner_folds = inner_folds
        self.trials = trials
        self.seed = seed

    def take(self, columns: Columns) -> list[str]:
        """Choose columns of a cohort, and remember the part that each plays.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            What ``fit`` is to be given; empty where the cohort has nothing for this model.
        """
        self.columns = columns
        return self.wanted(columns)

    def wanted(self, columns: Columns) -> list[str]:
        """Choose columns.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            Features and clinical columns, unless a model says otherwise.
        """
        return columns.predictors

    def settings(self) -> dict[str, Any]:
        """Return what was chosen in training.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        return {"slope": self.calibration_.slope}

    def clusters(self) -> dict[str, list[str]]:
        """Tell which features were taken as one.

        Returns
        -------
        dict of str to list of str
            Members by the one that was kept, itself among them.
        """
        return {}

    @abstractmethod
    def _cross_fit(self, X: pd.DataFrame, y: Target) -> tuple[Floats, Places]:
        """Choose settings; return out-of-fold scores, and the fold of each."""

    @abstractmethod
    def _fit_all(self, X: pd.DataFrame, y: Target) -> tuple[Floats, pd.Series]:
        """Fit to all rows, with what was chosen; return their scores and their mean split."""

    @abstractmethod
    def _scores(self, X: pd.DataFrame) -> Floats:
        """Score patients, in any unit."""

    @abstractmethod
    def _splits(self, X: pd.DataFrame) -> pd.DataFrame:
        """Split these scores, up to a constant, into what each column adds."""

    @abstractmethod
    def _write(self, folder: Path) -> dict[str, Any]:
        """Write what was fitted; its ``files`` name those made in the folder."""

    @abstractmethod
    def _restore(self, folder: Path, state: dict[str, Any]) -> None:
        """Take it back."""

    def fit(self, X: pd.DataFrame, y: Target) -> Self:
        """Fit to training patients.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            One row a patient; numbers, booleans and text, missing values allowed.
        y : ndarray, shape (n,)
            Structured array with ``event`` and ``time``, or bools.

        Returns
        -------
        Model
            Itself.

        Raises
        ------
        ModelError
            No column, too few events, or an endpoint that this model cannot learn.
        TableError
            The table holds what no model can take.
        """
        self._check_trainable(X, y)
        self.learn_columns(X.columns)
        self.rows_ = X.index
        with one_blas_thread():
            self.out_of_fold_, self.fold_ = self._cross_fit(X, y)
            self.calibration_ = Recalibration.fit(y, self.out_of_fold_, self.fold_)
            scores, self.mean_split_ = self._fit_all(X, y)
            self.centre_, self.scale_ = centre_and_scale(scores)
            self.training_scores_ = (scores - self.centre_) / self.scale_
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return risk scores.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        ndarray of float64, shape (n,)
            Calibrated log-hazards against the mean training patient; for a binary endpoint
            log-odds.

        Raises
        ------
        ModelError
            Other columns than in ``fit``.
        """
        score = self.standardised(X)
        return self.calibration_.risk(score)

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
        score = self.standardised(X)
        return self.calibration_.survival(score, times)

    def predict_probability(self, X: pd.DataFrame) -> Floats:
        """Return the probability of the event, for a binary endpoint.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        ndarray of float64, shape (n,)
            Probabilities.
        """
        self._require_learnt(BINARY)
        return np.asarray(expit(self.predict(X)))

    def standardised(self, X: pd.DataFrame) -> Floats:
        """Return scores before calibration.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        ndarray of float64, shape (n,)
            Training patients have mean 0 and standard deviation 1.
        """
        self._check_columns(X)
        with one_blas_thread():
            return (self._scores(X) - self.centre_) / self.scale_

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Split each risk score into what each column adds to it.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        DataFrame, shape (n, q)
            In log-hazard or log-odds, against the mean training patient. All that an embedding
            adds stands under its encoder's name.
        """
        self._check_columns(X)
        split = self._splits(X) - self.mean_split_
        return split * (self.calibration_.slope / self.scale_)

    @abstractmethod
    def used(self) -> list[str]:
        """Name the columns that move the fitted model's scores.

        Returns
        -------
        list of str
            In the table's order; of a cluster of features the one that was kept, and for an
            embedding its encoder's name.
        """

    def write(self, folder: Path) -> dict[str, Any]:
        """Write what was fitted.

        Parameters
        ----------
        folder : Path
            Where large parts may become files.

        Returns
        -------
        dict
            All else, as JSON can hold it; its ``files`` name those files.
        """
        return {
            "calibration": self.calibration_.write(),
            "centre": self.centre_,
            "scale": self.scale_,
            "mean_split": {str(name): float(mean) for name, mean in self.mean_split_.items()},
            **self._write(folder),
        }

    def restore(self, folder: Path, state: dict[str, Any]) -> Self:
        """Take back what :meth:`write` wrote.

        Parameters
        ----------
        folder : Path
            Where the files lie.
        state : dict
            What :meth:`write` returned.

        Returns
        -------
        Model
            Itself, fitted.
        """
        self.centre_, self.scale_ = state["centre"], state["scale"]
        self.mean_split_ = pd.Series(state["mean_split"], dtype=np.float64)
        self.calibration_ = Recalibration.restore(state["calibration"])
        self._restore(folder, state)
        return self

    def learn_columns(self, names: Iterable[object]) -> None:
        """Remember the columns of the training table.

        Parameters
        ----------
        names : iterable of str
            In order.
        """
        self.feature_names_in_ = np.array([str(name) for name in names], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

    def _require_learnt(self, kind: str) -> None:
        if not hasattr(self, "calibration_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted")
        learnt = BINARY if self.calibration_.baseline is None else SURVIVAL
        if learnt != kind:
            raise ModelError(
                f"this model learnt no {kind} endpoint",
                where=called(self),
                found=learnt,
                expected=kind,
                remedy="ask for predict_survival where there are times, else predict_probability",
            )

    def _check_columns(self, X: pd.DataFrame) -> None:
        if not hasattr(self, "feature_names_in_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted")
        names = [str(name) for name in X.columns]
        wanted = self.feature_names_in_.tolist()
        if names == wanted:
            return
        missing = [name for name in wanted if name not in names]
        raise ModelError(
            "the columns are not those that the model was fitted on",
            where=called(self),
            found=f"missing: {listed(missing)}" if missing else "other columns or another order",
            expected=f"{len(wanted)} columns: {listed(wanted, 3)}",
            remedy="select them by name: X[list(model.feature_names_in_)]",
        )

    def _check_trainable(self, X: pd.DataFrame, y: Target) -> None:
        if X.shape[1] == 0:
            raise ModelError(
                "no column to learn from",
                where=called(self),
                found="none",
                expected="at least one feature",
                remedy="columns named as extraction names them are features; name all others",
            )
        kind = BINARY if is_binary(y) else SURVIVAL
        if kind not in self.endpoints:
            raise ModelError(
                f"this model cannot learn a {kind} endpoint",
                where=called(self),
                found=kind,
                expected=", ".join(self.endpoints),
                remedy="take --model fusion; or cox where there are times, logistic where not",
            )
        fewest = fewest_of(y)
        if fewest < FEWEST_EVENTS:
            raise ModelError(
                "too few events to learn from",
                where=called(self),
                found=fewest,
                expected=f"at least {FEWEST_EVENTS}",
                remedy="take a larger cohort or a longer follow-up",
            )


def fewest_of(y: Target) -> int:
    """Count what limits how much can be learnt.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint.

    Returns
    -------
    int
        Events; where there are no times, patients of the rarer outcome.
    """
    event = events_of(y)
    return int(min(event.sum(), (~event).sum()) if is_binary(y) else event.sum())


def centre_and_scale(scores: Floats) -> tuple[float, float]:
    """Return what standardises training scores.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Of the training patients.

    Returns
    -------
    tuple of (float, float)
        Mean and standard deviation; 1 where there is none.
    """
    spread = float(scores.std())
    # A model that tells nobody from anybody gives every patient the same score.
    return float(scores.mean()), spread if spread > 1e-12 else 1.0
