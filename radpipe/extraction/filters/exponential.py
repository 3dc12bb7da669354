"""Image type ``Exponential``: exponentials of the intensities in the range of the image."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.filters.base import Derived, largest_magnitude
from radpipe.extraction.grid import Box, Grid, Mask, Undefined
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
        ``exponential``.
    """
    return ["exponential"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """Raise e to the scaled intensities.

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
        exp(x log(M) / M), where M is the largest magnitude in the image; undefined in an image
        of zeros.
    """
    largest = largest_magnitude(image)
    if largest == 0:
        yield "exponential", Undefined("the image is zero everywhere")
        return
    scale = np.log(largest) / largest
    yield "exponential", np.exp(scale * image.array[box].astype(np.float64))
