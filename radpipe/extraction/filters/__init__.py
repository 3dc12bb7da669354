"""Filters: one image type a file, each declares its settings."""

from __future__ import annotations

from collections.abc import Iterable

from radpipe.extraction.filters import (
    exponential,
    gradient,
    lbp2d,
    lbp3d,
    log,
    logarithm,
    original,
    square,
    square_root,
    wavelet,
)
from radpipe.extraction.filters.base import Derived, Filter

__all__ = ["FILTERS", "Derived", "Filter", "check"]

FILTERS: dict[str, Filter] = {
    "Original": original,
    "Wavelet": wavelet,
    "LoG": log,
    "Square": square,
    "SquareRoot": square_root,
    "Logarithm": logarithm,
    "Exponential": exponential,
    "Gradient": gradient,
    "LBP2D": lbp2d,
    "LBP3D": lbp3d,
}


def check(image_types: Iterable[str]) -> None:
    """See whether what the image types need is installed.

    Parameters
    ----------
    image_types : iterable of str
        Keys of :data:`FILTERS`.

    Raises
    ------
    SettingsError
        A package is missing.
    """
    for image_type in image_types:
        getattr(FILTERS[image_type], "check", lambda: None)()
