"""How far a voxel's grey level is from the mean of its neighbours (NGTDM)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

_BLOCK = 4096


@kernel
def sum_differences(
    levels: npt.NDArray[np.uint16],
    steps: npt.NDArray[np.int64],
    top: int,
) -> npt.NDArray[np.float64]:
    """Sum, for each grey level, the distances from the mean of the neighbours.

    Parameters
    ----------
    levels : ndarray of uint16, shape (voxels,)
        Flat padded grid of grey levels; 0 outside the ROI.
    steps : ndarray of int64, shape (neighbours,)
        Distances to all neighbours, behind and ahead.
    top : int
        The largest grey level.

    Returns
    -------
    ndarray of float64, shape (top + 1,)
        A voxel without neighbours counts as no difference.
    """
    reach = 0
    for step in steps:
        reach = max(reach, abs(step))
    differences = np.zeros(top + 1)
    total = np.zeros(_BLOCK, np.int32)
    neighbours = np.zeros(_BLOCK, np.int32)
    start, end = reach, levels.size - reach
    while start < end:
        size = min(_BLOCK, end - start)
        total[:] = 0
        neighbours[:] = 0
        for a in range(steps.size):
            there = levels[start + steps[a] : start + steps[a] + size]
            for x in range(size):
                total[x] += np.int32(there[x])
                neighbours[x] += np.int32(there[x] != 0)
        for x in range(size):
            level = levels[start + x]
            if level and neighbours[x]:
                differences[level] += abs(level - total[x] / neighbours[x])
        start += size
    return differences
