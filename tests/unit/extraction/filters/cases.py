"""Images and boxes that every filter is tried on."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.grid import Box, Grid

DTYPES = (np.int16, np.uint8, np.int32, np.float32, np.float64)
ODD, EVEN = (9, 11, 13), (8, 12, 14)
SPACING_MM = (2.5, 1.1, 0.7)


def noise(shape: tuple[int, ...], dtype: type, centre: float = 100) -> Grid:
    array = np.random.default_rng(sum(shape)).normal(centre, 40, shape)
    if np.issubdtype(dtype, np.unsignedinteger):
        array = array.clip(0, 250)
    return Grid(array.astype(dtype), SPACING_MM[-len(shape) :])


def boxes(shape: tuple[int, ...]) -> list[Box]:
    """Give all of it, a part at the near border, one inside, one at the far border."""
    return [
        tuple(slice(0, size) for size in shape),
        tuple(slice(0, min(4, size)) for size in shape),
        tuple(slice(min(2, size - 1), min(6, size)) for size in shape),
        tuple(slice(max(size - 3, 0), size) for size in shape),
    ]


def some_roi(shape: tuple[int, ...], box: Box) -> np.ndarray:
    roi = np.zeros(shape, bool)
    roi[box] = np.random.default_rng(1).random(roi[box].shape) < 0.6
    return roi
