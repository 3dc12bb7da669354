"""Adding up entries of many matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def add_equal_values(
    group: npt.NDArray[np.int64],
    value: npt.NDArray[np.int64],
    number: npt.NDArray[np.float64],
    top: int,
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]
]:
    """Add up, within each matrix, the numbers of equal values, in the order of the entries.

    Parameters
    ----------
    group : ndarray of int64, shape (entries,)
        Which matrix an entry belongs to, ascending.
    value : ndarray of int64, shape (entries,)
        Values from 0.
    number : ndarray of float64, shape (entries,)
        Such as counts or probabilities.
    top : int
        The largest value.

    Returns
    -------
    group, value : ndarray of int64, shape (values,)
        The values of each matrix, ascending.
    number : ndarray of float64, shape (values,)
        Their sums.
    place : ndarray of int64, shape (entries,)
        Where each entry's value stands among these.
    """
    sums, places = np.zeros(top + 1), np.full(top + 1, -1, np.int64)
    groups, values = np.empty(group.size, np.int64), np.empty(group.size, np.int64)
    added, place = np.empty(group.size), np.empty(group.size, np.int64)
    at, start = 0, 0
    while start < group.size:
        end, first = start, at
        while end < group.size and group[end] == group[start]:
            v = value[end]
            if places[v] < 0:
                places[v] = k = at
                at += 1
                while k > first and values[k - 1] > v:
                    values[k] = values[k - 1]
                    k -= 1
                values[k] = v
            sums[v] += number[end]
            end += 1
        for k in range(first, at):
            v = values[k]
            groups[k], added[k], places[v] = group[start], sums[v], k
        for k in range(start, end):
            place[k] = places[value[k]]
        for k in range(first, at):
            places[values[k]], sums[values[k]] = -1, 0
        start = end
    return groups[:at], values[:at], added[:at], place


@kernel
def products(
    row_first: npt.NDArray[np.int64],
    row: npt.NDArray[np.float64],
    column_first: npt.NDArray[np.int64],
    column: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Multiply every entry of a matrix with every entry of another over the same group.

    Parameters
    ----------
    row_first : ndarray of int64, shape (groups + 1,)
        Where each group's rows start.
    row : ndarray of float64
        Factors.
    column_first : ndarray of int64, shape (groups + 1,)
        Where each group's columns start.
    column : ndarray of float64
        Factors.

    Returns
    -------
    ndarray of float64, shape (products,)
        By group, row by row.
    """
    size = 0
    for g in range(row_first.size - 1):
        size += (row_first[g + 1] - row_first[g]) * (column_first[g + 1] - column_first[g])
    product = np.empty(size)
    at = 0
    for g in range(row_first.size - 1):
        for r in range(row_first[g], row_first[g + 1]):
            for c in range(column_first[g], column_first[g + 1]):
                product[at] = row[r] * column[c]
                at += 1
    return product


@kernel
def add_products(
    row_first: npt.NDArray[np.int64],
    column_first: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Add up a number for each product, one after the other.

    Parameters
    ----------
    row_first : ndarray of int64, shape (groups + 1,)
        As for :func:`products`.
    column_first : ndarray of int64, shape (groups + 1,)
        As for :func:`products`.
    numbers : ndarray of float64, shape (products,)
        Numbers.

    Returns
    -------
    ndarray of float64, shape (groups,)
        Sums.
    """
    sums = np.zeros(row_first.size - 1)
    at = 0
    for g in range(sums.size):
        size = (row_first[g + 1] - row_first[g]) * (column_first[g + 1] - column_first[g])
        total = 0.0
        for k in range(at, at + size):
            total += numbers[k]
        sums[g] = total
        at += size
    return sums
