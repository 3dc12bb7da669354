"""What every step has in common: it is fitted on training rows, and remembers which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from radpipe.errors import TableError
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.columns import listed


class Step(TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn transformer of a table with one row a patient.

    Missing values pass unless a step says otherwise; columns keep their order.

    Attributes
    ----------
    learned : tuple of str
        Attributes that ``fit`` sets and :meth:`write` writes: arrays of floats, or whatever JSON
        can hold.
    rows_ : Index
        The ``case_id`` of all rows that ``fit`` saw. Not written: a model that leaves the hospital
        names no patient.
    columns_ : Index
        Columns that ``fit`` saw, in order.
    """

    learned: ClassVar[tuple[str, ...]] = ()

    def fit(self, X: pd.DataFrame, y: NDArray[Any] | None = None) -> Self:
        """Learn from training patients.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            One row a patient.
        y : ndarray, shape (n,), optional
            The endpoint: structured with ``event`` and ``time``, or of bool.

        Returns
        -------
        Step
            Itself.
        """
        self.rows_, self.columns_ = X.index, X.columns
        self._learn(X, y)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Apply what was learned.

        Parameters
        ----------
        X : DataFrame, shape (m, p)
            The columns of ``fit``, in any order; further ones are left out.

        Returns
        -------
        DataFrame, shape (m, q)
            With the index of ``X``, which stays as it was.

        Raises
        ------
        TableError
            A column is missing.
        """
        if not hasattr(self, "columns_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted")
        if not X.columns.equals(self.columns_):
            _require(X, self.columns_)
            X = X[self.columns_]
        return self._apply(X)

    @abstractmethod
    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        """Set the learned attributes."""

    @abstractmethod
    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        """Transform a table that has the columns of training."""

    def write(self) -> dict[str, Any]:
        """Write parameters and what was learned.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        return {
            "step": type(self).__name__,
            "parameters": {key: _plain(each) for key, each in self.get_params(deep=False).items()},
            "columns": self.columns_.tolist(),
            "learned": {name: _plain(getattr(self, name)) for name in self.learned},
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back what :meth:`write` wrote.

        Parameters
        ----------
        state : dict
            What it returned.

        Returns
        -------
        Step
            Itself, fitted, without ``rows_``.
        """
        self.set_params(**state["parameters"])
        self.columns_ = pd.Index(state["columns"])
        for name in self.learned:
            setattr(self, name, _restored(state["learned"][name]))
        return self


_Kind = TypeVar("_Kind", bound=Step)


class Selector(Step):
    """A step that keeps some columns as they are.

    Attributes
    ----------
    kept_ : list of str
        Their names, in the table's order.
    """

    learned: ClassVar[tuple[str, ...]] = ("kept_",)
    kept_: list[str]

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        self.kept_ = X.columns[self._choose(X, y)].tolist()

    @abstractmethod
    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        """Tell for each column whether it is kept."""

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        return X[self.kept_]


class Steps(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Steps one after the other, each fitted on what the one before gave.

    Parameters
    ----------
    steps : sequence of Step
        In order.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps

    def fit(self, X: pd.DataFrame, y: NDArray[Any] | None = None) -> Self:
        """Fit every step.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training rows.
        y : ndarray, shape (n,), optional
            The endpoint.

        Returns
        -------
        Steps
            Itself.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: NDArray[Any] | None = None) -> pd.DataFrame:
        """Fit every step, and transform the training rows.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training rows.
        y : ndarray, shape (n,), optional
            The endpoint.

        Returns
        -------
        DataFrame, shape (n, q)
            What the last step gave.
        """
        self.rows_ = X.index
        for step in self.steps:
            X = step.fit(X, y).transform(X)
        return X

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Apply every step.

        Parameters
        ----------
        X : DataFrame, shape (m, p)
            The columns of ``fit``.

        Returns
        -------
        DataFrame, shape (m, q)
            What the last step gives.
        """
        for step in self.steps:
            X = step.transform(X)
        return X

    def find(self, kind: type[_Kind]) -> _Kind | None:
        """Find a step.

        Parameters
        ----------
        kind : type
            Its class.

        Returns
        -------
        Step or None
            The first of this class; None where there is none.
        """
        return next((step for step in self.steps if isinstance(step, kind)), None)

    def write(self) -> dict[str, Any]:
        """Write every step.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        return {"steps": [step.write() for step in self.steps]}

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back what :meth:`write` wrote into steps of the same kinds.

        Parameters
        ----------
        state : dict
            What it returned.

        Returns
        -------
        Steps
            Itself, fitted.

        Raises
        ------
        ValueError
            The steps written are of other kinds.
        """
        kinds = [type(step).__name__ for step in self.steps]
        written = [each["step"] for each in state["steps"]]
        if kinds != written:
            raise ValueError(f"steps {kinds} cannot take the state of {written}")
        for step, each in zip(self.steps, state["steps"], strict=True):
            step.restore(each)
        return self


def numbers_of(X: pd.DataFrame) -> Floats:
    """Take a table of numbers as a matrix.

    Parameters
    ----------
    X : DataFrame, shape (n, p)
        Numbers only.

    Returns
    -------
    ndarray of float64, shape (n, p)
        NaN where missing. Perhaps the table's own memory: not to be written to.

    Raises
    ------
    TableError
        A column holds something else.
    """
    if not all(is_numeric_dtype(dtype) for dtype in X.dtypes.unique()):
        text = [name for name in X.columns if not is_numeric_dtype(X[name].dtype)]
        raise TableError(
            "columns without numbers",
            where=listed(text),
            found=f"{X[text[0]].dtype} in {text[0]}",
            expected="numbers, or empty where undefined",
            remedy="put the step Encode first",
        )
    if all(isinstance(dtype, np.dtype) for dtype in X.dtypes.unique()):
        return np.asarray(X.to_numpy(np.float64))
    return np.asarray(X.to_numpy(np.float64, na_value=np.nan))


def table_of(values: Floats, like: pd.DataFrame, columns: list[str] | None = None) -> pd.DataFrame:
    """Make a table of a matrix.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
        Its numbers.
    like : DataFrame, shape (n, ...)
        Whose rows these are.
    columns : list of str, optional
        Their names; None: those of ``like``.

    Returns
    -------
    DataFrame, shape (n, p)
        With the index of ``like``.
    """
    return pd.DataFrame(values, like.index, like.columns if columns is None else pd.Index(columns))


def _require(X: pd.DataFrame, columns: pd.Index) -> None:
    missing = columns.difference(X.columns, sort=False)
    if len(missing):
        raise TableError(
            "columns are missing",
            where="the table",
            found=f"missing: {listed(missing)}",
            expected=f"{len(columns)} columns: {listed(columns, 3)}",
            remedy="give the table all columns of training",
        )


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"floats": value.tolist()}
    if isinstance(value, Mapping):
        # NaN is no JSON; a step takes None for it.
        return {key: None if each != each else each for key, each in value.items()}
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"floats"}:
        return np.array(value["floats"], dtype=np.float64)
    return value
