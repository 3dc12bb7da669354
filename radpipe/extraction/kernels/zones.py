"""Zones: connected voxels of one grey level (GLSZM)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def root_of(parent: npt.NDArray[np.signedinteger], zone: int) -> int:
    """Find the zone that a zone has become part of.

    Parameters
    ----------
    parent : ndarray of int32 or int64
        Of each zone the one that it was joined to, or itself; shortened on the way.
    zone : int
        The zone.

    Returns
    -------
    int
        Its root.
    """
    while parent[zone] != zone:
        parent[zone] = parent[parent[zone]]
        zone = parent[zone]
    return zone


@kernel
def find_zones(
    codes: npt.NDArray[np.uint16],
    voxels: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    equal: npt.NDArray[np.uint16],
    joined: npt.NDArray[np.uint16],
    lowest: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32]]:
    """Find zones in one pass, by union and find.

    Parameters
    ----------
    codes : ndarray of uint16, shape (voxels of the grid,)
        Flat padded grid; 0 outside the ROI.
    voxels : ndarray of int64
        Places of the ROI's voxels, ascending.
    steps : ndarray of int64, shape (directions,)
        Distance from the neighbour behind to a voxel.
    equal : ndarray of uint16
        As of :func:`equal_neighbours` for these steps.
    joined : ndarray of uint16
        As of :func:`one_of_each_cluster` for these neighbours.
    lowest : ndarray of uint8
        Number of the lowest bit that is set in each index.

    Returns
    -------
    code : ndarray of uint16
        Code of each zone.
    size : ndarray of int32
        Its number of voxels; 0 for one that became part of another.
    """
    zone = np.zeros(codes.size, np.int32)
    parent = np.empty(voxels.size, np.int32)
    size = np.empty(voxels.size, np.int32)
    code = np.empty(voxels.size, np.uint16)
    n = 0
    for k in range(voxels.size):
        v = voxels[k]
        behind = int(joined[equal[v]])
        if behind == 0:
            zone[v] = n
            parent[n] = n
            size[n] = 1
            code[n] = codes[v]
            n += 1
            continue
        first = root_of(parent, zone[v - steps[lowest[behind]]])
        behind &= behind - 1
        while behind:
            other = root_of(parent, zone[v - steps[lowest[behind]]])
            behind &= behind - 1
            if other != first:
                # The older zone stays, or the chain of parents would not end.
                if other < first:
                    first, other = other, first
                parent[other] = first
                size[first] += size[other]
                size[other] = 0
        zone[v] = first
        size[first] += 1
    return code[:n], size[:n]
