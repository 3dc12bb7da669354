"""What a filter is: a module with the functions below, named in the room's table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from radpipe.extraction.grid import Array, Box, Grid, Mask, Undefined

Derived = Iterator[tuple[str, Array | Undefined]]


class Filter(Protocol):
    """One image type: how its results are called, and how they are made.

    A module that needs a package of an extra has a function ``check()`` as well, which raises
    SettingsError where the package is missing; see :func:`filters.check`.
    """

    def names(self, setting: Any) -> list[str]:
        """List the names that its results have in columns, in order.

        Parameters
        ----------
        setting : Section
            The settings that the filter declares; ``Section`` where it has none.

        Returns
        -------
        list of str
            Such as ``wavelet-LLH``: of a 3D image.
        """

    def apply(self, image: Grid, roi: Mask, box: Box, setting: Any) -> Derived:
        """Make the derived images, one after the other.

        Parameters
        ----------
        image : Grid
            The prepared image, all of it: a filter may look beyond the ROI.
        roi : ndarray of bool
            The ROI on the same grid; only LBP3D looks at it, and gives 0 elsewhere.
        box : tuple of slice
            The part wanted.
        setting : Section
            The settings that the filter declares; ``Section`` where it has none.

        Yields
        ------
        tuple of str and ndarray
            Each of :meth:`names` with the derived image inside the box; or with the reason why it
            is undefined. The wavelets of a 2D image have two letters: ``wavelet-LH``.
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
