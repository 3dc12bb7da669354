"""Boxes in an image: one slice an axis."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.grid import Array, Box


def bounding_box(roi: Array) -> Box:
    """Find the smallest box around an ROI.

    Parameters
    ----------
    roi : ndarray, shape (z, y, x) or (y, x)
        The ROI: True, or any number but 0.

    Returns
    -------
    tuple of slice
        One an axis; empty if there is no ROI.
    """
    box: list[slice] = []
    for axis in range(roi.ndim):
        inside = roi[tuple(box)]
        others = tuple(other for other in range(roi.ndim) if other != axis)
        found = np.flatnonzero(inside.any(axis=others))
        box.append(slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0))
    return tuple(box)


def padded(box: Box, distance: int, shape: tuple[int, ...]) -> Box:
    """Widen a box on every side as far as the image goes.

    Parameters
    ----------
    box : tuple of slice
        The box.
    distance : int
        How many voxels wider on every side.
    shape : tuple of int
        The image's size, in the order of the box.

    Returns
    -------
    tuple of slice
        The wider box.
    """
    return tuple(
        slice(max(part.start - distance, 0), min(part.stop + distance, size))
        for part, size in zip(box, shape, strict=True)
    )


def within(box: Box, wide: Box) -> Box:
    """Tell where a box lies in a wider one.

    Parameters
    ----------
    box, wide : tuple of slice
        Both in the image.

    Returns
    -------
    tuple of slice
        The box, counted from the wider one's corner.
    """
    return tuple(
        slice(part.start - around.start, part.stop - around.start)
        for part, around in zip(box, wide, strict=True)
    )


def beyond(box: Box, wide: Box) -> Box:
    """Tell where a box that lies in a wider one lies in the image.

    Parameters
    ----------
    box : tuple of slice
        Counted from the wider one's corner.
    wide : tuple of slice
        In the image.

    Returns
    -------
    tuple of slice
        The box in the image.
    """
    return tuple(
        slice(part.start + around.start, part.stop + around.start)
        for part, around in zip(box, wide, strict=True)
    )
