"""From columns of any kind to complete numbers of one scale."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import TableError
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.columns import id_text, listed
from radpipe.prognosis.tables.steps.base import Step, numbers_of, table_of
from radpipe.prognosis.tables.steps.clean import numeric_columns
from radpipe.prognosis.tables.steps.order import quantiles

_ROUNDING = 1e-12


class Encode(Step):
    """Turn columns of text into indicators, ``column=category``, 1 for who is of that category.

    The commonest category of training has no indicator: it is what the others are compared with,
    and columns stay independent of each other even for a model without penalty. A category that
    training lacked counts as it; a missing one is missing in all indicators.
    Numbers stay; true and false become 1 and 0.

    Attributes
    ----------
    categories_ : dict of str to list of str
        For each column of text the categories that have an indicator, sorted.
    """

    learned: ClassVar[tuple[str, ...]] = ("categories_",)
    categories_: dict[str, list[str]]

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        self.categories_ = {}
        for name in X.columns[~numeric_columns(X)]:
            counts = _text(X[name]).value_counts()
            categories = sorted(counts.index)
            # The first of the sorted where several are as common.
            reference = max(categories, key=lambda category: counts[category], default="")
            self.categories_[name] = [each for each in categories if each != reference]
        taken = [name for name in self.sources() if name in X.columns]
        if taken:
            raise TableError(
                "a column is named like an indicator of another",
                where=listed(taken),
                found=f"{taken[0]}, and {self.sources()[taken[0]]} with this category",
                expected="names that say one thing",
                remedy="rename the column",
            )

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        if not self.categories_:
            return table_of(_checked(X), X)
        names = [new for old in X.columns for new in self._names(old)]
        columns = pd.Index(names)
        values = np.empty((len(X), len(names)))
        numbers = X.columns[~X.columns.isin(list(self.categories_))]
        values[:, columns.get_indexer(numbers)] = _checked(X[numbers])
        for name in self.categories_:
            values[:, columns.get_indexer(pd.Index(self._names(name)))] = self._indicators(X[name])
        return table_of(values, X, names)

    def _names(self, column: str) -> list[str]:
        if column not in self.categories_:
            return [column]
        return [f"{column}={category}" for category in self.categories_[column]]

    def _indicators(self, column: pd.Series) -> Floats:
        text, categories = _text(column), np.array(self.categories_[str(column.name)], dtype=object)
        is_one = text.to_numpy(object)[:, np.newaxis] == categories
        return np.where(text.isna().to_numpy()[:, np.newaxis], np.nan, is_one.astype(np.float64))

    def sources(self) -> dict[str, str]:
        """Tell which column each indicator is of.

        Returns
        -------
        dict of str to str
            Column of the table by indicator.
        """
        return {new: old for old in self.categories_ for new in self._names(old)}


def parameters(X: pd.DataFrame) -> int:
    """Count the coefficients that a model without selection would have.

    Parameters
    ----------
    X : DataFrame, shape (n, p)
        Predictors; of text each category but one is a parameter.

    Returns
    -------
    int
        Their number.
    """
    numbers = numeric_columns(X)
    text = X.columns[~numbers]
    return int(numbers.sum() + sum(max(_text(X[name]).nunique() - 1, 0) for name in text))


class Impute(Step):
    """Fill what is missing with the median of training.

    Attributes
    ----------
    medians_ : ndarray of float64, shape (p,)
        0 where training had no value.
    """

    learned: ClassVar[tuple[str, ...]] = ("medians_",)
    medians_: Floats

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        self.medians_ = quantiles(numbers_of(X), 0.5)

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        values = numbers_of(X)
        return table_of(np.where(np.isnan(values), self.medians_, values), X)


class Scale(Step):
    """Bring every column to mean 0 and standard deviation 1 of training.

    A column that is constant in training becomes 0.

    Attributes
    ----------
    means_, deviations_ : ndarray of float64, shape (p,)
        Of training; the deviation over n, not n - 1, and 0 where constant.
    """

    learned: ClassVar[tuple[str, ...]] = ("means_", "deviations_")
    means_: Floats
    deviations_: Floats

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        values = numbers_of(X)
        present = ~np.isnan(values)
        count = np.maximum(present.sum(axis=0), 1)
        self.means_ = np.where(present, values, 0.0).sum(axis=0) / count
        centred = np.where(present, values - self.means_, 0.0)
        deviations = np.sqrt((centred**2).sum(axis=0) / count)
        constant = deviations <= _ROUNDING * np.abs(self.means_)
        self.deviations_ = np.where(constant, 0.0, deviations)

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        varies = self.deviations_ > 0
        factors = np.where(varies, 1.0 / np.where(varies, self.deviations_, 1.0), 0.0)
        return table_of((numbers_of(X) - self.means_) * factors, X)


def _text(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.StringDtype):
        return column
    return id_text(column).where(column.notna())


def _checked(X: pd.DataFrame) -> Floats:
    text = X.columns[~numeric_columns(X)]
    if len(text):
        raise TableError(
            "columns hold text where the training table had numbers",
            where=listed(text),
            found=listed(X[text[0]].dropna().unique(), 3),
            expected="numbers, or empty where undefined",
            remedy="write these columns as in the training table",
        )
    values = numbers_of(X)
    infinite = np.asarray(np.isinf(values))
    if infinite.any():
        raise TableError(
            "infinity in the table",
            where=listed(X.columns[np.flatnonzero(infinite.any(axis=0))]),
            found=f"rows {listed(X.index[np.flatnonzero(infinite.any(axis=1))])}",
            expected="numbers, or empty where undefined",
            remedy="correct these cells, or leave them empty",
        )
    return values
