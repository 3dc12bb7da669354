"""Sums over a mask from which its mesh and its axes are computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def sum_cubes(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Count cubes of eight voxels by which of them belong to the ROI, and add up their places.

    Parameters
    ----------
    mask : ndarray of uint8, shape (z, y, x)
        1 in the ROI, 0 outside; with a margin of 0.

    Returns
    -------
    ndarray of int64, shape (256, 4)
        For every configuration: cubes, sums of z, y and x of their first voxels. Bits 0 to 7 are
        the corners (0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), and the same at z = 1. Cubes that
        lie wholly inside or outside are left out.
    """
    sums = np.zeros((256, 4), np.int64)
    depth, height, width = mask.shape
    configuration = np.zeros(width - 1, np.uint8)
    for z in range(depth - 1):
        for y in range(height - 1):
            near, far = mask[z, y], mask[z, y + 1]
            near_above, far_above = mask[z + 1, y], mask[z + 1, y + 1]
            for x in range(width - 1):
                below = near[x] | near[x + 1] << 1 | far[x + 1] << 2 | far[x] << 3
                above = near_above[x] | near_above[x + 1] << 1
                above |= far_above[x + 1] << 2 | far_above[x] << 3
                configuration[x] = below | above << 4
            for x in range(width - 1):
                c = configuration[x]
                if 0 < c < 255:
                    sums[c, 0] += 1
                    sums[c, 1] += z
                    sums[c, 2] += y
                    sums[c, 3] += x
    return sums


@kernel
def sum_coordinates(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Add up the ROI's coordinates and their products.

    Parameters
    ----------
    mask : ndarray of uint8, shape (z, y, x)
        1 in the ROI, 0 outside.

    Returns
    -------
    ndarray of int64, shape (4, 4)
        Sums over voxels of the products of (1, z, y, x) with itself.
    """
    sums = np.zeros((4, 4), np.int64)
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            row = mask[z, y]
            count = along = squared = np.int64(0)
            for x in range(row.size):
                inside = np.int64(row[x])
                count += inside
                along += inside * x
                squared += inside * x * x
            if count:
                place = (1, z, y)
                for i in range(3):
                    for j in range(3):
                        sums[i, j] += count * place[i] * place[j]
                    sums[i, 3] += along * place[i]
                    sums[3, i] += along * place[i]
                sums[3, 3] += squared
    return sums
