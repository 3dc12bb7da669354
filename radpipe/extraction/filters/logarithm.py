"""Image type ``Logarithm``: logarithms of the magnitudes, with the sign of the intensity."""

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
        ``logarithm``.
    """
    return ["logarithm"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """Take the logarithm of the magnitudes, scaled to the range of the image.

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
        sign(x) log(|x| + 1) M / log(M + 1), where M is the largest magnitude in the image;
        undefined in an image of zeros.
    """
    largest = largest_magnitude(image)
    largest_logarithm = np.log(largest + 1)
    if largest_logarithm == 0:
        yield "logarithm", Undefined("the image is zero everywhere")
        return
    derived = image.array[box].astype(np.float64)
    logarithm = np.copysign(np.log(np.abs(derived) + 1), derived)
    yield "logarithm", logarithm * (largest / largest_logarithm)
