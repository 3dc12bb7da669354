"""Drop columns that can tell nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from radpipe.prognosis.tables.steps.base import Selector, numbers_of

# Differences this small beside the values are those of arithmetic.
_ROUNDING = 1e-12


class DropUninformative(Selector):
    """Drop what is constant, or missing in too many training patients.

    Parameters
    ----------
    most_missing : float
        The greatest share of training rows in which a kept column is missing.
    """

    def __init__(self, most_missing: float = 0.2) -> None:
        self.most_missing = most_missing

    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        present = np.asarray(X.isna().to_numpy().mean(axis=0) <= self.most_missing)
        return present & _varies(X)


def _varies(X: pd.DataFrame) -> NDArray[np.bool_]:
    of_numbers = numeric_columns(X)
    varies = np.empty(X.shape[1], dtype=bool)
    varies[of_numbers] = _range_matters(X.loc[:, of_numbers])
    varies[~of_numbers] = [len(X[name].dropna().unique()) > 1 for name in X.columns[~of_numbers]]
    return varies


def _range_matters(X: pd.DataFrame) -> NDArray[np.bool_]:
    values = numbers_of(X)
    present = ~np.isnan(values)
    low = values.min(axis=0, where=present, initial=np.inf)
    high = values.max(axis=0, where=present, initial=-np.inf)
    # Infinity less infinity is no number; what is infinite is refused by Encode, not dropped here.
    with np.errstate(invalid="ignore"):
        spread = high - low
        constant = spread <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))
    return np.asarray(present.any(axis=0) & ~(constant & np.isfinite(spread)))


def numeric_columns(X: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell columns of numbers from columns of text.

    Parameters
    ----------
    X : DataFrame, shape (n, p)
        Any table.

    Returns
    -------
    ndarray of bool, shape (p,)
        True for numbers and for booleans.
    """
    kinds = {dtype: is_numeric_dtype(dtype) for dtype in X.dtypes.unique()}
    return np.array([kinds[dtype] for dtype in X.dtypes], dtype=bool)
