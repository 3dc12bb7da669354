"""Image type ``SquareRoot``: roots of the magnitudes, with the sign of the intensity."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.filters.base import Derived, largest_magnitude
from radpipe.extraction.grid import Box, Grid, Mask
from radpipe.extraction.section import Section


def names(setting: Section) -> list[str]:
    """Name the result.

    Parameters
    ----------
    setting : Section
        Nothing is read from it.

    Returns
    -------
    list of str
        ``squareroot``.
    """
    return ["squareroot"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """Take the root of the scaled magnitudes.

    Parameters
    ----------
    image : Grid
        The prepared image; its largest magnitude sets the scale.
    roi : ndarray of bool
        Not used.
    box : tuple of slice
        The part wanted.
    setting : Section
        Nothing is read from it.

    Yields
    ------
    tuple of str and ndarray of float64
        sign(x) sqrt(|x| M), where M is the largest magnitude in the image.
    """
    derived = image.array[box].astype(np.float64)
    roots = np.sqrt(np.abs(derived) * largest_magnitude(image))
    yield "squareroot", np.copysign(roots, derived)
