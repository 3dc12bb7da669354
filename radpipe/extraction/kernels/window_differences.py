"""Tone differences inside windows (feature maps)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel
from radpipe.extraction.kernels.windows import read_window


@kernel
def _sum_neighbours(
    ranks: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    neighbours: npt.NDArray[np.int64],
) -> None:
    """Fill in, for each voxel of a window, the sum of its neighbours' levels and their number."""
    total[:] = 0
    neighbours[:] = 0
    for q in range(a.size):
        one, other = ranks[a[q]], ranks[b[q]]
        if one and other:
            total[a[q]] += found[other - 1]
            total[b[q]] += found[one - 1]
            neighbours[a[q]] += 1
            neighbours[b[q]] += 1


@kernel
def window_differences(
    levels: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
    top: int,
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]
]:
    """Sum, for each window and grey level, the distances from the mean of the neighbours.

    Parameters
    ----------
    levels, places, steps, a, b
        As for :func:`windows.directions_in_use`.
    top : int
        The largest grey level.

    Returns
    -------
    group, i : ndarray of int64, shape (entries,)
        Window and grey level.
    n, s : ndarray of float64, shape (entries,)
        Number of voxels and sum of distances; a voxel without neighbours counts as no distance.
    """
    voxels = steps.size
    rank_of = np.zeros(top + 1, np.int64)
    ranks, found = np.empty(voxels, np.int64), np.empty(voxels, np.int64)
    total, neighbours = np.empty(voxels, np.int64), np.empty(voxels, np.int64)
    most = places.size * voxels
    group, i = np.empty(most, np.int64), np.empty(most, np.int64)
    n, s = np.zeros(most), np.zeros(most)
    at = 0
    for p in range(places.size):
        n_found = read_window(levels, places[p], steps, rank_of, ranks, found)
        _sum_neighbours(ranks, found, a, b, total, neighbours)
        for r in range(n_found):
            group[at + r], i[at + r] = p, found[r]
        for k in range(voxels):
            if ranks[k]:
                entry = at + ranks[k] - 1
                n[entry] += 1
                if neighbours[k]:
                    s[entry] += abs(i[entry] - total[k] / neighbours[k])
        at += n_found
    return group[:at], i[:at], n[:at], s[:at]
