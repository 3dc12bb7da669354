"""Adding up entries of many matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def add_equal_values(
    group: npt.NDArray[np.int64],
    value: npt.NDArray[np.int64],
    p: npt.NDArray[np.float64],
    top: int,
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]
]:
    """Add up, within each matrix, the probabilities of equal values, in the order of the entries.

    Parameters
    ----------
    group : ndarray of int64, shape (entries,)
        Which matrix an entry belongs to, ascending.
    value : ndarray of int64, shape (entries,)
        Values from 0.
    p : ndarray of float64, shape (entries,)
        Probabilities.
    top : int
        The largest value.

    Returns
    -------
    group, value : ndarray of int64, shape (values,)
        The values of each matrix, ascending.
    p : ndarray of float64, shape (values,)
        Their probabilities.
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
            sums[v] += p[end]
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
    row_group: npt.NDArray[np.int64],
    row: npt.NDArray[np.float64],
    column_group: npt.NDArray[np.int64],
    column: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Multiply every entry of a matrix with every entry of another over the same group.

    Parameters
    ----------
    row_group : ndarray of int64, shape (rows,)
        Which group an entry belongs to, ascending.
    row : ndarray of float64, shape (rows,)
        Factors.
    column_group : ndarray of int64, shape (columns,)
        As ``row_group``; the same groups occur.
    column : ndarray of float64, shape (columns,)
        Factors.

    Returns
    -------
    group : ndarray of int64, shape (products,)
        Which group a product belongs to, ascending.
    product : ndarray of float64, shape (products,)
        Row by row.
    """
    size = 0
    for fill in range(2):
        if fill:
            group, product = np.empty(size, np.int64), np.empty(size)
        else:
            group, product = np.empty(0, np.int64), np.empty(0)
        size, start = 0, 0
        r = 0
        while r < row_group.size:
            while column_group[start] < row_group[r]:
                start += 1
            end = start
            while end < column_group.size and column_group[end] == row_group[r]:
                end += 1
            first = r
            while r < row_group.size and row_group[r] == row_group[first]:
                if fill:
                    for c in range(start, end):
                        group[size + c - start] = row_group[r]
                        product[size + c - start] = row[r] * column[c]
                size += end - start
                r += 1
            start = end
    return group, product
