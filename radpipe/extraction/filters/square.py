"""Image type ``Square``: squared intensities in the range of the image."""

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
        ``square``.
    """
    return ["square"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """Square the intensities.

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
        x² / M, where M is the largest magnitude in the image; undefined in an image
        of zeros.
    """
    largest = largest_magnitude(image)
    if largest == 0:
        yield "square", Undefined("the image is zero everywhere")
        return
    scale = 1 / np.sqrt(largest)
    yield "square", (scale * image.array[box].astype(np.float64)) ** 2
