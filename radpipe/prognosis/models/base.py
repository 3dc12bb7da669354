"""What every model has in common: its grammar, and the check of its input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from radpipe.errors import ModelError
from radpipe.prognosis.survival.endpoint import Endpoint, Floats
from radpipe.prognosis.tables.columns import listed

try:
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
except ModuleNotFoundError as error:
    # Everything that fits or evaluates passes here, and the base install has no scikit-learn.
    raise ModelError(
        "models need packages that are not installed",
        found=f"no {error.name}",
        remedy="pip install '.[models]' in the checkout",
    ) from error


class Model(BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn estimator of risk.

    A model that has the parameter ``seed`` is given the user's seed, one that has ``column`` the
    column of the tumour's volume. It may have the methods ``predict_survival(X, times)`` and
    ``contributions(X)``. Its parameter ``inner_folds`` and what it chose, ``parameters_``, go into
    the metrics.

    Attributes
    ----------
    learns : bool
        Whether ``fit`` learns from outcomes, and so needs enough events.
    feature_names_in_ : ndarray of str, shape (p,)
        Columns seen by ``fit``, in order.
    n_features_in_ : int
        Their number.
    """

    learns = True

    def choose_columns(self, predictors: list[str], volume: str | None) -> list[str]:
        """Choose the columns to be fitted on.

        Parameters
        ----------
        predictors : list of str
            Features and named clinical columns.
        volume : str or None
            The column of the tumour's volume.

        Returns
        -------
        list of str
            The predictors, unless a model says otherwise.
        """
        return predictors

    @abstractmethod
    def fit(self, X: pd.DataFrame, y: Endpoint) -> Self:
        """Fit to training patients.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            One row a patient.
        y : ndarray, shape (n,)
            Structured array with ``event`` and ``time``.

        Returns
        -------
        Model
            Itself.
        """

    @abstractmethod
    def predict(self, X: pd.DataFrame) -> Floats:
        """Score patients.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        ndarray of float64, shape (n,)
            Risk scores.
        """

    @abstractmethod
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

    @abstractmethod
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

    def learn_columns(self, names: Iterable[object]) -> None:
        """Remember the columns of the training table.

        Parameters
        ----------
        names : iterable of str
            In order.
        """
        self.feature_names_in_ = np.array([str(name) for name in names], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

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
            found=f"missing: {listed(missing)}" if missing else "other columns or another order",
            expected=f"{len(wanted)} columns: {listed(wanted, 3)}",
            remedy="select them by name: X[list(model.feature_names_in_)]",
        )
