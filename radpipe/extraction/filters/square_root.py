"""Image type ``SquareRoot``: roots of the magnitudes, with the sign of the intensity."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.filters.base import Derived, largest_magnitude
from radpipe.extraction.grid import Box, Grid, Mask
from radpipe.extraction.section import Section


def names(setting: Section) -> list[str]:
    """``squareroot``."""
    return ["squareroot"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """sign(x) sqrt(|x| M) as float64, where M is the image's largest magnitude."""
    derived = image.array[box].astype(np.float64)
    roots = np.sqrt(np.abs(derived) * largest_magnitude(image))
    yield "squareroot", np.copysign(roots, derived)
