"""Maximal correlation of many small co-occurrence matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

# Squared singular values below this are rounding.
_ROUNDING = 1e-14


@kernel
def _in_one_piece(
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    n_rows: int,
    n_columns: int,
    parent: npt.NDArray[np.int64],
) -> bool:
    """Tell whether entries link every row and column, directly or through others."""
    pieces = n_rows + n_columns
    for k in range(pieces):
        parent[k] = k
    for k in range(rows.size):
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
def _step_down(
    diagonal: npt.NDArray[np.float64], squared: npt.NDArray[np.float64], n: int, x: float
) -> float:
    """Return how far Newton's method goes down from x; -1 if x is not above all eigenvalues.

    The characteristic polynomial is the product of the pivots.
    """
    pivot, slope, total = 1.0, 0.0, 0.0
    for k in range(n):
        share = squared[k - 1] / pivot if k else 0.0
        slope = share * slope - 1
        pivot = diagonal[k] - x - share
        if pivot >= 0:
            return -1.0
        slope /= pivot
        total += slope
    return 1 / total


@kernel
def _largest_eigenvalue(
    diagonal: npt.NDArray[np.float64], squared: npt.NDArray[np.float64], n: int
) -> float:
    """Find the largest eigenvalue of a tridiagonal matrix, none of whose is below 0."""
    high = 0.0
    for k in range(n):
        high += diagonal[k] * diagonal[k] + (2 * squared[k] if k < n - 1 else 0.0)
    # From the root of all squared eigenvalues; steps from above pass the largest by rounding only.
    high = float(np.sqrt(high)) * (1 + 1e-12)
    step = _step_down(diagonal, squared, n, high)
    while step > 0 and high - step < high:
        low = high - step
        step = _step_down(diagonal, squared, n, low)
        if step > 0:
            high = low
            continue
        while low < (low + high) / 2 < high:
            middle = (low + high) / 2
            if _step_down(diagonal, squared, n, middle) > 0:
                high = middle
            else:
                low = middle
    return high


@kernel
def _square_without_first(
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    p: npt.NDArray[np.float64],
    px: npt.NDArray[np.float64],
    py: npt.NDArray[np.float64],
    s: npt.NDArray[np.float64],
) -> None:
    """Fill in B B' of the scaled matrix B, from which the first singular vectors are taken."""
    root_x, root_y = np.sqrt(px), np.sqrt(py)
    b = np.empty((px.size, py.size))
    for r in range(px.size):
        for c in range(py.size):
            b[r, c] = -root_x[r] * root_y[c]
    for k in range(p.size):
        b[rows[k], columns[k]] += p[k] / (root_x[rows[k]] * root_y[columns[k]])
    for r in range(px.size):
        for q in range(r, px.size):
            total = 0.0
            for c in range(py.size):
                total += b[r, c] * b[q, c]
            s[r, q] = s[q, r] = total


@kernel
def second_singular_values(
    first: npt.NDArray[np.int64],
    p: npt.NDArray[np.float64],
    row_first: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    px: npt.NDArray[np.float64],
    column_first: npt.NDArray[np.int64],
    column: npt.NDArray[np.int64],
    py: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Compute maximal correlations: the second singular value of p(i, j) / sqrt(px(i) py(j)).

    It is the root of the second largest eigenvalue of Q. The largest singular value is 1, with
    the vectors sqrt(px) and sqrt(py); without it the second is the largest. Where the levels fall
    into two sets that never meet there is a second 1.

    Parameters
    ----------
    first : ndarray of int64, shape (matrices + 1,)
        Where each matrix's entries start.
    p : ndarray of float64, shape (entries,)
        Probabilities; none is 0.
    row_first : ndarray of int64, shape (matrices + 1,)
        Where each matrix's rows start.
    row : ndarray of int64, shape (entries,)
        Place of an entry's row among all.
    px : ndarray of float64, shape (rows,)
        Sums of rows.
    column_first : ndarray of int64, shape (matrices + 1,)
        Where each matrix's columns start.
    column : ndarray of int64, shape (entries,)
        Place of an entry's column among all.
    py : ndarray of float64, shape (columns,)
        Sums of columns.

    Returns
    -------
    ndarray of float64, shape (matrices,)
        From 0 to 1; 0 below 1e-7, which is rounding; NaN without entries.
    """
    count = first.size - 1
    most_rows = most_columns = 0
    for g in range(count):
        most_rows = max(most_rows, row_first[g + 1] - row_first[g])
        most_columns = max(most_columns, column_first[g + 1] - column_first[g])
    parent = np.empty(most_rows + most_columns, np.int64)
    diagonal, squared = np.empty(most_rows), np.empty(most_rows)
    v, w, s = np.empty(most_rows), np.empty(most_rows), np.empty((most_rows, most_rows))
    second = np.zeros(count)
    for g in range(count):
        start, end = first[g], first[g + 1]
        r0, r1, c0, c1 = row_first[g], row_first[g + 1], column_first[g], column_first[g + 1]
        if start == end:
            second[g] = np.nan
        if r1 - r0 < 2 or c1 - c0 < 2:
            continue
        rows, columns = row[start:end] - r0, column[start:end] - c0
        if not _in_one_piece(rows, columns, r1 - r0, c1 - c0, parent):
            second[g] = 1.0
            continue
        _square_without_first(rows, columns, p[start:end], px[r0:r1], py[c0:c1], s)
        _make_tridiagonal(s, r1 - r0, diagonal, squared, v, w)
        square = _largest_eigenvalue(diagonal, squared, r1 - r0)
        if square > _ROUNDING:
            second[g] = np.sqrt(square)
    return second
