"""Runs, zones, dependences and tone differences inside small boxes (feature maps)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel
from radpipe.extraction.kernels.local import Entries, empty_entries, empty_into, read_box


@kernel
def _count_runs(
    ranks: npt.NDArray[np.int64],
    line_first: npt.NDArray[np.int64],
    line: npt.NDArray[np.int64],
    start: int,
    end: int,
    n_lengths: int,
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
                table[(rank - 1) * n_lengths + length - 1] += 1
            rank, length = here, 1
        if rank:
            table[(rank - 1) * n_lengths + length - 1] += 1
        several |= voxels > 1
    return several


@kernel
def local_runs(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    line_first: npt.NDArray[np.int64],
    line: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    n_levels: int,
    n_lengths: int,
) -> Entries:
    """Count the runs in each box, by direction or all together.

    Parameters
    ----------
    levels, places, steps
        As for :func:`local.directions_in_use`.
    first : ndarray of int64, shape (directions + 1,)
        Where each direction's lines start.
    line_first : ndarray of int64, shape (lines + 1,)
        Where each line's voxels start.
    line : ndarray of int64
        Places within the box, line by line.
    weights : ndarray of float64, shape (directions,) or (0,)
        What a run of each direction counts in one matrix a box; none: a matrix a direction.
    n_levels, n_lengths : int
        The largest grey level and the length of the longest line.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        As of :func:`local.local_pairs`; grey level and length.
    n : ndarray of float64, shape (entries,)
        Number of runs; a direction none of whose lines meets two voxels has none.
    """
    directions = first.size - 1
    rank_of = np.zeros(n_levels + 1, np.int64)
    ranks, found = np.empty(steps.size, np.int64), np.empty(steps.size, np.int64)
    lengths = np.arange(1, n_lengths + 1)
    runs, total = (
        np.zeros(min(steps.size, n_levels) * n_lengths),
        np.zeros(min(steps.size, n_levels) * n_lengths),
    )
    entries = empty_entries(places.size * line.size)
    at = 0
    for p in range(places.size):
        n = read_box(levels, places[p], steps, rank_of, ranks, found)
        for d in range(directions):
            several = _count_runs(ranks, line_first, line, first[d], first[d + 1], n_lengths, runs)
            if several and not weights.size:
                at = empty_into(runs, n, n_lengths, found, lengths, p * directions + d, entries, at)
                continue
            for k in range(n * n_lengths):
                if several:
                    total[k] += weights[d] * runs[k]
                runs[k] = 0
        if weights.size:
            at = empty_into(total, n, n_lengths, found, lengths, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]


@kernel
def _root(parent: npt.NDArray[np.int64], k: int) -> int:
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@kernel
def local_zones(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    n_levels: int,
) -> Entries:
    """Count the zones in each box.

    Parameters
    ----------
    levels, places, steps, a, b
        As for :func:`local.directions_in_use`.
    n_levels : int
        The largest grey level.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        Box, grey level and size.
    n : ndarray of float64, shape (entries,)
        Number of zones.
    """
    box = steps.size
    rank_of = np.zeros(n_levels + 1, np.int64)
    ranks, found = np.empty(box, np.int64), np.empty(box, np.int64)
    parent, size = np.empty(box, np.int64), np.empty(box, np.int64)
    sizes, table = np.arange(1, box + 1), np.zeros(min(box, n_levels) * box)
    entries = empty_entries(places.size * box)
    at = 0
    for p in range(places.size):
        n = read_box(levels, places[p], steps, rank_of, ranks, found)
        for k in range(box):
            parent[k], size[k] = k, 1
        for q in range(a.size):
            if ranks[a[q]] and ranks[a[q]] == ranks[b[q]]:
                one, other = _root(parent, a[q]), _root(parent, b[q])
                if one != other:
                    parent[other] = one
                    size[one] += size[other]
        for k in range(box):
            if ranks[k] and parent[k] == k:
                table[(ranks[k] - 1) * box + size[k] - 1] += 1
        at = empty_into(table, n, box, found, sizes, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]


@kernel
def local_dependences(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    alpha: int,
    n_levels: int,
) -> Entries:
    """Count the voxels of each box by grey level and number of dependent neighbours.

    Parameters
    ----------
    levels, places, steps, a, b
        As for :func:`local.directions_in_use`.
    alpha : int
        Largest difference of grey levels of a dependent neighbour.
    n_levels : int
        The largest grey level.

    Returns
    -------
    group, i, j : ndarray of int64, shape (entries,)
        Box, grey level and one more than the dependent neighbours.
    n : ndarray of float64, shape (entries,)
        Number of voxels.
    """
    box = steps.size
    rank_of = np.zeros(n_levels + 1, np.int64)
    ranks, found = np.empty(box, np.int64), np.empty(box, np.int64)
    dependent = np.empty(box, np.int64)
    sizes, table = np.arange(1, box + 1), np.zeros(min(box, n_levels) * box)
    entries = empty_entries(places.size * box)
    at = 0
    for p in range(places.size):
        n = read_box(levels, places[p], steps, rank_of, ranks, found)
        dependent[:] = 0
        for q in range(a.size):
            one, other = ranks[a[q]], ranks[b[q]]
            if one and other and abs(found[one - 1] - found[other - 1]) <= alpha:
                dependent[a[q]] += 1
                dependent[b[q]] += 1
        for k in range(box):
            if ranks[k]:
                table[(ranks[k] - 1) * box + dependent[k]] += 1
        at = empty_into(table, n, box, found, sizes, p, entries, at)
    return entries[0][:at], entries[1][:at], entries[2][:at], entries[3][:at]


@kernel
def local_differences(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    n_levels: int,
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]
]:
    """Sum, for each box and grey level, the distances from the mean of the neighbours.

    Parameters
    ----------
    levels, places, steps, a, b
        As for :func:`local.directions_in_use`.
    n_levels : int
        The largest grey level.

    Returns
    -------
    group, i : ndarray of int64, shape (entries,)
        Box and grey level.
    n, s : ndarray of float64, shape (entries,)
        Number of voxels and sum of distances; a voxel without neighbours counts as no distance.
    """
    box = steps.size
    rank_of = np.zeros(n_levels + 1, np.int64)
    ranks, found = np.empty(box, np.int64), np.empty(box, np.int64)
    total, neighbours = np.empty(box, np.int64), np.empty(box, np.int64)
    most = places.size * box
    group, i, n, s = (
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.zeros(most),
        np.zeros(most),
    )
    at = 0
    for p in range(places.size):
        n_found = read_box(levels, places[p], steps, rank_of, ranks, found)
        total[:] = 0
        neighbours[:] = 0
        for q in range(a.size):
            one, other = ranks[a[q]], ranks[b[q]]
            if one and other:
                total[a[q]] += found[other - 1]
                total[b[q]] += found[one - 1]
                neighbours[a[q]] += 1
                neighbours[b[q]] += 1
        for r in range(n_found):
            group[at + r], i[at + r] = p, found[r]
        for k in range(box):
            if ranks[k]:
                entry = at + ranks[k] - 1
                n[entry] += 1
                if neighbours[k]:
                    s[entry] += abs(i[entry] - total[k] / neighbours[k])
        at += n_found
    return group[:at], i[:at], n[:at], s[:at]
