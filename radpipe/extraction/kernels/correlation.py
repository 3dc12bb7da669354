"""Maximal correlation of many small co-occurrence matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

# Squared singular values below this are rounding.
_ROUNDING = 1e-14


@kernel
def _ranks(
    levels: npt.NDArray[np.int64],
    start: int,
    end: int,
    rank_of: npt.NDArray[np.int64],
    ranks: npt.NDArray[np.int64],
) -> int:
    """Number the levels from 0 as they first occur; return how many there are."""
    n = 0
    for k in range(start, end):
        if rank_of[levels[k]] < 0:
            rank_of[levels[k]] = n
            n += 1
        ranks[k - start] = rank_of[levels[k]]
    for k in range(start, end):
        rank_of[levels[k]] = -1
    return n


@kernel
def _in_one_piece(
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    size: int,
    n_rows: int,
    n_columns: int,
    parent: npt.NDArray[np.int64],
) -> bool:
    """Tell whether entries link every row and column, directly or through others."""
    pieces = n_rows + n_columns
    for k in range(pieces):
        parent[k] = k
    for k in range(size):
        one, other = rows[k], n_rows + columns[k]
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        while parent[other] != other:
            parent[other] = parent[parent[other]]
            other = parent[other]
        if one != other:
            parent[other] = one
            pieces -= 1
            if pieces == 1:
                return True
    return False


@kernel
def _make_tridiagonal(
    s: npt.NDArray[np.float64],
    n: int,
    diagonal: npt.NDArray[np.float64],
    squared: npt.NDArray[np.float64],
    v: npt.NDArray[np.float64],
    w: npt.NDArray[np.float64],
) -> None:
    """Reflect a symmetric matrix until it is tridiagonal (Householder); s is overwritten.

    Fills in the diagonal and the squares beside it.
    """
    for k in range(n - 1):
        diagonal[k] = s[k, k]
        length = 0.0
        for r in range(k + 1, n):
            v[r] = s[r, k]
            length += v[r] * v[r]
        squared[k] = length
        if k == n - 2 or length == 0:
            continue
        root = np.sqrt(length)
        half = length + abs(v[k + 1]) * root
        v[k + 1] += root if v[k + 1] > 0 else -root
        along = 0.0
        for r in range(k + 1, n):
            total = 0.0
            for c in range(k + 1, n):
                total += s[r, c] * v[c]
            w[r] = total / half
            along += w[r] * v[r]
        along /= 2 * half
        for r in range(k + 1, n):
            w[r] -= along * v[r]
        for r in range(k + 1, n):
            for c in range(k + 1, n):
                s[r, c] -= v[r] * w[c] + w[r] * v[c]
    diagonal[n - 1] = s[n - 1, n - 1]


@kernel
def _largest_eigenvalue(
    diagonal: npt.NDArray[np.float64], squared: npt.NDArray[np.float64], n: int
) -> float:
    """Halve the interval of the largest eigenvalue of a tridiagonal matrix, none below 0."""
    low = high = 0.0
    for k in range(n):
        low = max(low, diagonal[k])
        high += max(diagonal[k], 0.0)
    while True:
        middle = (low + high) / 2
        if middle <= low or middle >= high:
            return middle
        above = True
        pivot = 1.0
        for k in range(n):
            pivot = diagonal[k] - middle - (squared[k - 1] / pivot if k else 0.0)
            if pivot >= 0:
                above = False
                break
        if above:
            high = middle
        else:
            low = middle


@kernel
def second_singular_values(
    group: npt.NDArray[np.int64],
    i: npt.NDArray[np.int64],
    j: npt.NDArray[np.int64],
    p: npt.NDArray[np.float64],
    count: int,
    n_levels: int,
) -> npt.NDArray[np.float64]:
    """Compute maximal correlations: the second singular value of p(i, j) / sqrt(px(i) py(j)).

    It is the root of the second largest eigenvalue of Q. The largest singular value is 1, with
    the vectors sqrt(px) and sqrt(py); without it the second is the largest. Where the levels fall
    into two sets that never meet there is a second 1.

    Parameters
    ----------
    group : ndarray of int64, shape (entries,)
        Which matrix an entry belongs to, ascending.
    i, j : ndarray of int64, shape (entries,)
        Grey levels.
    p : ndarray of float64, shape (entries,)
        Probabilities; none is 0.
    count : int
        Number of matrices.
    n_levels : int
        The largest grey level.

    Returns
    -------
    ndarray of float64, shape (matrices,)
        From 0 to 1; 0 below 1e-7, which is rounding; NaN without entries.
    """
    second = np.full(count, np.nan)
    most = 0
    start = 0
    while start < group.size:
        end = start
        while end < group.size and group[end] == group[start]:
            end += 1
        most = max(most, end - start)
        start = end
    most = min(most, n_levels)
    rank_of = np.full(n_levels + 1, -1, np.int64)
    rows, columns = np.empty(most * most, np.int64), np.empty(most * most, np.int64)
    parent = np.empty(2 * most, np.int64)
    px, py, v, w = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    diagonal, squared = np.empty(most), np.empty(most)
    b, s = np.empty((most, most)), np.empty((most, most))
    start = 0
    while start < group.size:
        end = start
        while end < group.size and group[end] == group[start]:
            end += 1
        n_rows = _ranks(i, start, end, rank_of, rows)
        n_columns = _ranks(j, start, end, rank_of, columns)
        here = group[start]
        if n_rows == 1 or n_columns == 1:
            second[here] = 0.0
        elif not _in_one_piece(rows, columns, end - start, n_rows, n_columns, parent):
            second[here] = 1.0
        else:
            px[:n_rows] = 0
            py[:n_columns] = 0
            for k in range(start, end):
                px[rows[k - start]] += p[k]
                py[columns[k - start]] += p[k]
            for r in range(n_rows):
                for c in range(n_columns):
                    b[r, c] = -np.sqrt(px[r] * py[c])
            for k in range(start, end):
                r, c = rows[k - start], columns[k - start]
                b[r, c] += p[k] / -b[r, c]
            for r in range(n_rows):
                for q in range(r, n_rows):
                    total = 0.0
                    for c in range(n_columns):
                        total += b[r, c] * b[q, c]
                    s[r, q] = s[q, r] = total
            _make_tridiagonal(s, n_rows, diagonal, squared, v, w)
            square = _largest_eigenvalue(diagonal, squared, n_rows)
            second[here] = np.sqrt(square) if square > _ROUNDING else 0.0
        start = end
    return second
