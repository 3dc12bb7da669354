"""Image type ``Square``: squared intensities in the range of the image."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.filters.base import Derived, largest_magnitude
from radpipe.extraction.grid import Box, Grid, Mask, Undefined
from radpipe.extraction.section import Section


def names(setting: Section) -> list[str]:
    """``square``."""
    return ["square"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """x² / M as float64, where M is the image's largest magnitude."""
    largest = largest_magnitude(image)
    if largest == 0:
        yield "square", Undefined("the image is zero everywhere")
        return
    scale = 1 / np.sqrt(largest)
    yield "square", (scale * image.array[box].astype(np.float64)) ** 2
