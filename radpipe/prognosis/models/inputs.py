"""From table columns to the numbers that xgboost takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from radpipe.errors import TableError
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.columns import listed

Categories = dict[str, list[str]]


def find_categories(X: pd.DataFrame) -> Categories:
    """List the categories of every column of text.

    Parameters
    ----------
    X : DataFrame
        Training table.

    Returns
    -------
    dict of str to list of str
        Sorted, so that the order of patients does not matter; columns of numbers are left out.
    """
    text = [name for name in X.columns if not _is_number(X[name])]
    return {str(name): sorted(X[name].dropna().astype("str").unique()) for name in text}


def encode(X: pd.DataFrame, categories: Categories) -> Floats:
    """Make one matrix of floats.

    Parameters
    ----------
    X : DataFrame, shape (n, p)
        Numbers, booleans and columns of text.
    categories : dict
        Of :func:`find_categories`. What is not among them becomes missing: a rare category may
        stand in a test fold only.

    Returns
    -------
    ndarray of float64, shape (n, p)
        Categories as their places; NaN where missing.

    Raises
    ------
    TableError
        A column holds infinity, or text where the training table had numbers.
    """
    columns = [_encoded(X[name], categories.get(str(name))) for name in X.columns]
    matrix = np.column_stack(columns) if columns else np.empty((len(X), 0))
    infinite = np.asarray(np.isinf(matrix))
    if infinite.any():
        raise TableError(
            "infinity in the table",
            where=listed(X.columns[np.flatnonzero(infinite.any(axis=0))]),
            found=f"rows {listed(X.index[np.flatnonzero(infinite.any(axis=1))])}",
            expected="numbers, or empty where undefined",
            remedy="correct these cells, or leave them empty",
        )
    return matrix


def _encoded(column: pd.Series, categories: list[str] | None) -> Floats:
    if categories is not None:
        text = column.astype("str").where(column.notna())
        places = {name: float(place) for place, name in enumerate(categories)}
        return np.asarray(text.map(places), dtype=np.float64)
    if not _is_number(column):
        raise TableError(
            "a column holds text where the training table had numbers",
            where=str(column.name),
            found=listed(column.dropna().unique(), 3),
            expected="numbers, or empty where undefined",
            remedy="write this column as in the training table",
        )
    return np.asarray(column.to_numpy(np.float64, na_value=np.nan))


def _is_number(column: pd.Series) -> bool:
    return bool(is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype))
