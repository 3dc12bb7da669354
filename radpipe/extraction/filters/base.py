"""What a filter is: a module with the functions below, named in the room's table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from radpipe.extraction.grid import Array, Box, Grid, Mask, Undefined

Derived = Iterator[tuple[str, Array | Undefined]]


class Filter(Protocol):
    """One image type: how its results are called, and how they are made."""

    def names(self, setting: Any) -> list[str]:
        """List the names that its results have in columns, in order.

        Parameters
        ----------
        setting : Section
            The settings that the filter declares.

        Returns
        -------
        list of str
            Such as ``wavelet-LLH``.
        """

    def apply(self, image: Grid, roi: Mask, box: Box, setting: Any) -> Derived:
        """Make the derived images, one after the other.

        Parameters
        ----------
        image : Grid
            The prepared image, all of it: a filter may look beyond the ROI.
        roi : ndarray of bool
            The ROI on the same grid.
        box : tuple of slice
            The part wanted.
        setting : Section
            The settings that the filter declares.

        Yields
        ------
        tuple of str and ndarray
            Each of :meth:`names` with the derived image inside the box; or with the reason why it
            is undefined.
        """


def largest_magnitude(image: Grid) -> np.float64:
    """Find what the pointwise filters scale by.

    Parameters
    ----------
    image : Grid
        The whole image.

    Returns
    -------
    float64
        The largest absolute intensity.
    """
    low, high = np.float64(image.array.min()), np.float64(image.array.max())
    return max(abs(low), abs(high))


def widened(box: Box, margin: int, shape: tuple[int, ...]) -> tuple[Box, Box]:
    """Add a margin to a box, as far as the image reaches.

    Parameters
    ----------
    box : tuple of slice
        A part of the image.
    margin : int
        Voxels on each side.
    shape : tuple of int
        Size of the image.

    Returns
    -------
    wide : tuple of slice
        The box with its margin.
    inside : tuple of slice
        Where the box lies in it.
    """
    starts = [max(part.start - margin, 0) for part in box]
    stops = [min(part.stop + margin, size) for part, size in zip(box, shape, strict=True)]
    wide = tuple(slice(start, stop) for start, stop in zip(starts, stops, strict=True))
    inside = tuple(
        slice(part.start - start, part.stop - start)
        for part, start in zip(box, starts, strict=True)
    )
    return wide, inside
