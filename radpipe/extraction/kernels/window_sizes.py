"""Runs, zones and dependences inside windows (feature maps)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel
from radpipe.extraction.kernels.windows import Entries, empty_entries, empty_into, read_window
from radpipe.extraction.kernels.zones import root_of


@kernel
def _count_runs(
    ranks: npt.NDArray[np.int64],
    line_first: npt.NDArray[np.int64],
    line: npt.NDArray[np.int64],
    start: int,
    end: int,
    longest: int,
    table: npt.NDArray[np.float64],
) -> bool:
    """Count the runs of some lines; tell whether one of these meets two voxels."""
    several = False
    for k in range(start, end):
        voxels, rank, length = 0, 0, 0
        for q in range(line_first[k], line_first[k + 1]):
            here = ranks[line[q]]
            voxels += here > 0
            if here == rank:
                length += 1
                continue
            if rank:
                table[(rank - 1) * longest + length - 1] += 1
            rank, length = here, 1
        if rank:
            table[(rank - 1) * longest + length - 1] += 1
        several |= voxels > 1
    return several


@kernel
def window_runs(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    line_first: npt.NDArray[np.int64],
    line: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    top: int,
    longest: int,
) -> Entries:
    """Count the runs in each window, by direction or all together.

    Parameters
    ----------
    levels, places, steps
        As for :func:`windows.directions_in_use`.
    first : ndarray of int64, shape (directions + 1,)
        Where each direction's lines start.
    line_first : ndarray of int64, shape (lines + 1,)
        Where each line's voxels start.
    line : ndarray of int64
        Places within the window, line by line.
    weights : ndarray of float64, shape (directions,) or (0,)
        What a run of each direction counts in one matrix a window; none: a matrix a direction.
    top, longest : int
        The largest grey level and the length of the longest line.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        As of :func:`windows.window_pairs`; grey level and length.
    n : ndarray of float64, shape (entries,)
        Number of runs; a direction none of whose lines meets two voxels has none.
    """
    directions = first.size - 1
    rank_of = np.zeros(top + 1, np.int64)
    ranks, found = np.empty(steps.size, np.int64), np.empty(steps.size, np.int64)
    lengths = np.arange(1, longest + 1)
    table_size = min(steps.size, top) * longest
    runs, total = np.zeros(table_size), np.zeros(table_size)
    entries = empty_entries(places.size * line.size)
    at = 0
    for p in range(places.size):
        n = read_window(levels, places[p], steps, rank_of, ranks, found)
        for d in range(directions):
            several = _count_runs(ranks, line_first, line, first[d], first[d + 1], longest, runs)
            if several and not weights.size:
                at = empty_into(runs, n, longest, found, lengths, p * directions + d, entries, at)
                continue
            for k in range(n * longest):
                if several:
                    total[k] += weights[d] * runs[k]
                runs[k] = 0
        if weights.size:
            at = empty_into(total, n, longest, found, lengths, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]


@kernel
def window_zones(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    top: int,
) -> Entries:
    """Count the zones in each window.

    Parameters
    ----------
    levels, places, steps, a, b
        As for :func:`windows.directions_in_use`.
    top : int
        The largest grey level.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        Window, grey level and size.
    n : ndarray of float64, shape (entries,)
        Number of zones.
    """
    voxels = steps.size
    rank_of = np.zeros(top + 1, np.int64)
    ranks, found = np.empty(voxels, np.int64), np.empty(voxels, np.int64)
    parent, size = np.empty(voxels, np.int64), np.empty(voxels, np.int64)
    sizes, table = np.arange(1, voxels + 1), np.zeros(min(voxels, top) * voxels)
    entries = empty_entries(places.size * voxels)
    at = 0
    for p in range(places.size):
        n = read_window(levels, places[p], steps, rank_of, ranks, found)
        for k in range(voxels):
            parent[k], size[k] = k, 1
        for q in range(a.size):
            if ranks[a[q]] and ranks[a[q]] == ranks[b[q]]:
                one, other = root_of(parent, a[q]), root_of(parent, b[q])
                if one != other:
                    parent[other] = one
                    size[one] += size[other]
        for k in range(voxels):
            if ranks[k] and parent[k] == k:
                table[(ranks[k] - 1) * voxels + size[k] - 1] += 1
        at = empty_into(table, n, voxels, found, sizes, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]


@kernel
def window_dependences(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    alpha: int,
    top: int,
) -> Entries:
    """Count the voxels of each window by grey level and number of dependent neighbours.

    Parameters
    ----------
    levels, places, steps, a, b
        As for :func:`windows.directions_in_use`.
    alpha : int
        Largest difference of grey levels of a dependent neighbour.
    top : int
        The largest grey level.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        Window, grey level and one more than the dependent neighbours.
    n : ndarray of float64, shape (entries,)
        Number of voxels.
    """
    voxels = steps.size
    rank_of = np.zeros(top + 1, np.int64)
    ranks, found = np.empty(voxels, np.int64), np.empty(voxels, np.int64)
    dependent = np.empty(voxels, np.int64)
    sizes, table = np.arange(1, voxels + 1), np.zeros(min(voxels, top) * voxels)
    entries = empty_entries(places.size * voxels)
    at = 0
    for p in range(places.size):
        n = read_window(levels, places[p], steps, rank_of, ranks, found)
        dependent[:] = 0
        for q in range(a.size):
            one, other = ranks[a[q]], ranks[b[q]]
            if one and other and abs(found[one - 1] - found[other - 1]) <= alpha:
                dependent[a[q]] += 1
                dependent[b[q]] += 1
        for k in range(voxels):
            if ranks[k]:
                table[(ranks[k] - 1) * voxels + dependent[k]] += 1
        at = empty_into(table, n, voxels, found, sizes, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]
