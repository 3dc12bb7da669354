"""Image type ``Original``: the image itself."""

from __future__ import annotations

from radpipe.extraction.filters.base import Derived
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
        ``original``.
    """
    return ["original"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """Pass the intensities on.

    Parameters
    ----------
    image : Grid
        The prepared image.
    roi : ndarray of bool
        Not used.
    box : tuple of slice
        The part wanted.
    setting : Section
        Nothing is read from it.

    Yields
    ------
    tuple of str and ndarray
        The image inside the box, a view of it.
    """
    yield "original", image.array[box]
