"""Runs: voxels in a row with one grey level (GLRLM)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def count_places_in_runs(
    codes: npt.NDArray[np.uint16],
    voxels: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    equal: npt.NDArray[np.uint16],
    top: int,
    longest: int,
) -> npt.NDArray[np.int64]:
    """Count, for each direction, voxels that are the second, third, … of their run.

    A run of length n has exactly one voxel at each place from 1 to n: the differences of these
    counts are the numbers of runs, and voxels that continue no run need not be looked at.

    Parameters
    ----------
    codes : ndarray of uint16, shape (voxels of the grid,)
        Flat padded grid; 0 outside the ROI.
    voxels : ndarray of int64
        Places of the ROI's voxels, ascending.
    steps : ndarray of int64, shape (directions,)
        Distance from the neighbour behind to a voxel; positive.
    equal : ndarray of uint16
        As of :func:`equal_neighbours` for these steps.
    top : int
        The largest code.
    longest : int
        Length of the longest run that the grid has room for.

    Returns
    -------
    ndarray of int64, shape (directions, top + 1, longest + 2)
        Voxels by code and place; places 0 and 1 are left at 0.
    """
    counts = np.zeros((steps.size, top + 1, longest + 2), np.int64)
    place = np.ones(codes.size, np.uint16)
    going_on = np.empty(voxels.size + 1, np.int64)
    equal_here = equal[voxels]
    for a in range(steps.size):
        of_direction, step = counts[a], steps[a]
        n = 0
        for k in range(voxels.size):
            # Written always and kept by chance: no branch for the processor to guess wrong.
            going_on[n] = voxels[k]
            n += int((equal_here[k] >> a) & 1)
        for k in range(n):
            v = going_on[k]
            place[v] = place[v - step] + 1
            of_direction[codes[v], place[v]] += 1
        for k in range(n):
            place[going_on[k]] = 1
    return counts
