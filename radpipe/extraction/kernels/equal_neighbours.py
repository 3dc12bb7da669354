"""Which neighbours of a voxel have its grey level, as bits of one number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

# A block stays in the processor's first cache while all neighbours pass over it.
_BLOCK = 4096


@kernel
def equal_neighbours(
    codes: npt.NDArray[np.uint16], steps: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint16]:
    """Compare every voxel with its neighbours behind.

    Parameters
    ----------
    codes : ndarray of uint16, shape (voxels,)
        Flat padded grid; 0 outside the ROI.
    steps : ndarray of int64, shape (at most 16,)
        Distances in the flat grid from a neighbour behind to the voxel.

    Returns
    -------
    ndarray of uint16, shape (voxels,)
        Bit a: the voxel ``steps[a]`` behind has the same code. Without meaning outside the ROI.
    """
    reach = 0
    for step in steps:
        reach = max(reach, abs(step))
    equal = np.zeros(codes.size, np.uint16)
    start, end = reach, codes.size - reach
    while start < end:
        size = min(_BLOCK, end - start)
        here = codes[start : start + size]
        bits = equal[start : start + size]
        for a in range(steps.size):
            behind = codes[start - steps[a] : start - steps[a] + size]
            bit = np.uint16(1 << a)
            for x in range(size):
                bits[x] |= np.uint16(here[x] == behind[x]) * bit
        start += size
    return equal


@kernel
def one_of_each_cluster(offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint16]:
    """Find, for every set of neighbours, a smallest set that touches all of them.

    Neighbours that are each other's neighbours belong to one zone already: it is enough to join
    one of them.

    Parameters
    ----------
    offsets : ndarray of int64, shape (n, 3)
        The neighbours behind a voxel.

    Returns
    -------
    ndarray of uint16, shape (2 ** n,)
        For every set, as bits, the subset with one neighbour of each cluster.
    """
    n = len(offsets)
    adjacent = np.zeros(n, np.int64)
    for p in range(n):
        for q in range(n):
            if np.abs(offsets[p] - offsets[q]).max() <= 1:
                adjacent[p] |= 1 << q
    chosen = np.zeros(1 << n, np.uint16)
    for members in range(1 << n):
        left = members
        while left:
            lowest = left & -left
            chosen[members] |= np.uint16(lowest)
            cluster, before = lowest, 0
            while cluster != before:
                before = cluster
                for p in range(n):
                    if (cluster >> p) & 1:
                        cluster |= adjacent[p] & members
            left &= ~cluster
    return chosen
