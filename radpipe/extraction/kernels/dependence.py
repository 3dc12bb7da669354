"""How many neighbours have about a voxel's grey level (GLDM)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

_BLOCK = 4096


@kernel
def count_dependences(
    levels: npt.NDArray[np.uint16],
    steps: npt.NDArray[np.int64],
    alpha: int,
    top: int,
) -> npt.NDArray[np.int64]:
    """Count voxels by grey level and number of dependent neighbours.

    Parameters
    ----------
    levels : ndarray of uint16, shape (voxels,)
        Flat padded grid of grey levels; 0 outside the ROI.
    steps : ndarray of int64, shape (neighbours,)
        Distances to all neighbours, behind and ahead.
    alpha : int
        Largest difference of grey levels of a dependent neighbour.
    top : int
        The largest grey level.

    Returns
    -------
    ndarray of int64, shape (top + 1, neighbours + 1)
        Voxels by grey level and number of dependent neighbours; row 0 is empty.
    """
    reach = 0
    for step in steps:
        reach = max(reach, abs(step))
    counts = np.zeros((top + 1, steps.size + 1), np.int64)
    dependent = np.zeros(_BLOCK, np.uint16)
    start, end = reach, levels.size - reach
    while start < end:
        size = min(_BLOCK, end - start)
        here = levels[start : start + size]
        dependent[:] = 0
        for a in range(steps.size):
            there = levels[start + steps[a] : start + steps[a] + size]
            for x in range(size):
                other = np.int32(there[x])
                near = abs(np.int32(here[x]) - other) <= alpha
                dependent[x] += np.uint16(near & (other != 0))
        for x in range(size):
            if here[x]:
                counts[here[x], dependent[x]] += 1
        start += size
    return counts
