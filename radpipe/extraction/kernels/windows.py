"""Matrices of windows, which are the small boxes around each voxel (feature maps).

A window is read once: its voxels' grey levels become ranks from 1 among those that it holds, in
ascending order, 0 outside the ROI; a matrix over ranks is small enough to be dense. What it holds
leaves as entries (group, row's value, column's value, number), sorted by them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

Entries = tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]
]


@kernel
def read_window(
    levels: npt.NDArray[np.uint16],
    place: int,
    steps: npt.NDArray[np.int64],
    rank_of: npt.NDArray[np.int64],
    ranks: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
) -> int:
    """Read the grey levels of a window.

    Parameters
    ----------
    levels : ndarray of uint16
        Flat padded grid of grey levels; 0 outside the ROI.
    place : int
        Centre of the window.
    steps : ndarray of int64, shape (voxels of a window,)
        Distance from the centre to each voxel.
    rank_of : ndarray of int64, shape (levels + 1,)
        All 0, and again afterwards.
    ranks : ndarray of int64, shape (voxels of a window,)
        Overwritten by each voxel's rank.
    found : ndarray of int64, shape (voxels of a window,)
        Overwritten by the levels that the window holds, ascending.

    Returns
    -------
    int
        How many levels those are.
    """
    n = 0
    for k in range(steps.size):
        level = levels[place + steps[k]]
        ranks[k] = level
        if level and not rank_of[level]:
            rank_of[level] = 1
            at = n
            while at and found[at - 1] > level:
                found[at] = found[at - 1]
                at -= 1
            found[at] = level
            n += 1
    for r in range(n):
        rank_of[found[r]] = r + 1
    for k in range(steps.size):
        ranks[k] = rank_of[ranks[k]]
    for r in range(n):
        rank_of[found[r]] = 0
    return n


@kernel
def empty_entries(most: int) -> Entries:
    """Make room for entries.

    Parameters
    ----------
    most : int
        As many as there can be.

    Returns
    -------
    tuple of ndarray, shape (most,)
        Group, row, column, number; not filled in.
    """
    return (
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.float64),
    )


@kernel
def empty_into(
    table: npt.NDArray[np.float64],
    n_rows: int,
    n_columns: int,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    group: int,
    entries: Entries,
    at: int,
) -> int:
    """Move what a table holds to the entries.

    Parameters
    ----------
    table : ndarray of float64
        Numbers, row by row; all 0 afterwards.
    n_rows, n_columns : int
        Its size.
    rows, columns : ndarray of int64
        What the rows and columns stand for.
    group : int
        What the table stands for.
    entries : tuple of ndarray
        As of :func:`empty_entries`.
    at : int
        Place of the first entry.

    Returns
    -------
    int
        Place behind the last.
    """
    groups, i, j, n = entries
    for r in range(n_rows):
        for c in range(n_columns):
            number = table[r * n_columns + c]
            if number != 0:
                groups[at], i[at], j[at], n[at] = group, rows[r], columns[c], number
                table[r * n_columns + c] = 0
                at += 1
    return at


@kernel
def directions_in_use(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Tell which directions have a pair of voxels in any window.

    Parameters
    ----------
    levels : ndarray of uint16
        Flat padded grid of grey levels; 0 outside the ROI.
    places : ndarray of int64, shape (windows,)
        Centres of the windows.
    steps : ndarray of int64, shape (voxels of a window,)
        Distance from the centre to each voxel of a window.
    first : ndarray of int64, shape (directions + 1,)
        Where each direction's pairs start.
    a, b : ndarray of int64, shape (pairs,)
        Places within the window of voxel and neighbour.

    Returns
    -------
    ndarray of bool, shape (directions,)
        True where a window has a pair.
    """
    used = np.zeros(first.size - 1, np.bool_)
    for d in range(used.size):
        for place in places:
            for q in range(first[d], first[d + 1]):
                if levels[place + steps[a[q]]] and levels[place + steps[b[q]]]:
                    used[d] = True
                    break
            if used[d]:
                break
    return used


@kernel
def window_pairs(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    symmetrical: bool,
    top: int,
) -> Entries:
    """Count the pairs of grey levels in each window, by direction or all together.

    Parameters
    ----------
    levels, places, steps, first, a, b
        As for :func:`directions_in_use`.
    weights : ndarray of float64, shape (directions,) or (0,)
        What a pair of each direction counts in one matrix a window; none: a matrix a direction.
    symmetrical : bool
        Count each pair both ways.
    top : int
        The largest grey level.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        Window times number of directions plus direction, or window; levels of voxel and neighbour.
    n : ndarray of float64, shape (entries,)
        Number of pairs; none is 0.
    """
    directions = first.size - 1
    rank_of = np.zeros(top + 1, np.int64)
    ranks, found = np.empty(steps.size, np.int64), np.empty(steps.size, np.int64)
    table = np.zeros(min(steps.size, top) ** 2)
    entries = empty_entries(places.size * 2 * a.size)
    at = 0
    for p in range(places.size):
        n = read_window(levels, places[p], steps, rank_of, ranks, found)
        for d in range(directions):
            weight = weights[d] if weights.size else 1.0
            for q in range(first[d], first[d + 1]):
                i, j = ranks[a[q]] - 1, ranks[b[q]] - 1
                if i >= 0 and j >= 0:
                    table[i * n + j] += weight
                    if symmetrical:
                        table[j * n + i] += weight
            if not weights.size:
                at = empty_into(table, n, n, found, found, p * directions + d, entries, at)
        if weights.size:
            at = empty_into(table, n, n, found, found, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]


@kernel
def window_intensities(
    intensities: npt.NDArray[np.float64],
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    top: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Read the intensities of each window and count its grey levels.

    Parameters
    ----------
    intensities : ndarray of float64
        Flat padded grid; NaN outside the ROI.
    levels, places, steps
        As for :func:`directions_in_use`.
    top : int
        The largest grey level.

    Returns
    -------
    values : ndarray of float64, shape (windows, voxels of a window)
        Intensities; NaN outside the ROI.
    counts : ndarray of float64, shape (windows, voxels of a window)
        Voxels of each grey level that the window holds, ascending; 0 behind the last.
    """
    rank_of = np.zeros(top + 1, np.int64)
    ranks, found = np.empty(steps.size, np.int64), np.empty(steps.size, np.int64)
    values = np.empty((places.size, steps.size))
    counts = np.zeros((places.size, steps.size))
    for p in range(places.size):
        read_window(levels, places[p], steps, rank_of, ranks, found)
        for k in range(steps.size):
            values[p, k] = intensities[places[p] + steps[k]]
            if ranks[k]:
                counts[p, ranks[k] - 1] += 1
    return values, counts
