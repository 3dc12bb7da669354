"""Shapes of synthetic ROIs, in integers alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Size = tuple[int, ...]
# From an image's size to how deep each voxel lies inside the ROI: above 0 is inside.
Roi = Callable[[Size], np.ndarray]


def roughened(roi: Roi, size: Size, noise: np.ndarray) -> np.ndarray:
    """Return the ROI as booleans; up to 12 of its depth is taken away at random."""
    return roi(size) > noise // 20


def _from(size: Size, *centre: int) -> np.ndarray:
    """Squared distance to a voxel, in voxels; slices lie twice as far apart."""
    grid = np.indices(size)
    apart = [2] * (len(size) == 3) + [1, 1]
    return sum((a * (g - c)) ** 2 for a, g, c in zip(apart, grid, centre, strict=True))


def _certain(inside: np.ndarray) -> np.ndarray:
    return np.where(inside, 100, 0)


def ball(size: Size) -> np.ndarray:
    return 55 - _from(size, *(n // 2 for n in size))


def wide_ball(size: Size) -> np.ndarray:
    """Return a ball in a box of more voxels than kernels take in one block."""
    return 220 - _from(size, *(n // 2 for n in size))


def small_ball(size: Size) -> np.ndarray:
    return 17 - _from(size, *(n // 2 for n in size))


def touching(size: Size) -> np.ndarray:
    return 70 - _from(size, 0, size[1] - 1, 2)


def all_but_one(size: Size) -> np.ndarray:
    """Return everything but the last voxel: PyRadiomics finds no ROI in a mask without zeros."""
    return _certain(np.arange(np.prod(size)).reshape(size) < np.prod(size) - 1)


def hollow(size: Size) -> np.ndarray:
    return np.minimum(ball(size), 50 - ball(size))


def two_parts(size: Size) -> np.ndarray:
    first = 30 - _from(size, 4, size[1] // 3, size[2] // 3)
    second = 24 - _from(size, 10, 2 * size[1] // 3, 3 * size[2] // 4)
    return np.maximum(first, second)


def slab(axis: int) -> Roi:
    """Return the middle slice across an axis."""

    def roi(size: Size) -> np.ndarray:
        return np.where(np.indices(size)[axis] == size[axis] // 2, ball(size), 0)

    return roi


def line(size: Size) -> np.ndarray:
    z, y, x = np.indices(size)
    return _certain((z == 6) & (y == 9) & (x >= 4) & (x < 15))


def diagonal(size: Size) -> np.ndarray:
    z, y, x = np.indices(size)
    return _certain((z == y) & (y == x) & (x >= 3) & (x < 11))


def two_voxels(size: Size) -> np.ndarray:
    z, y, x = np.indices(size)
    return _certain((z == 6) & (y == 9) & ((x == 7) | (x == 8)))


def three_voxels(size: Size) -> np.ndarray:
    z, y, x = np.indices(size)
    return np.maximum(two_voxels(size), _certain((z == 6) & (y == 10) & (x == 8)))
