"""Image type ``Exponential``: exponentials of the intensities in the range of the image."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.filters.base import Derived, largest_magnitude
from radpipe.extraction.grid import Box, Grid, Mask, Undefined
from radpipe.extraction.section import Section


def names(setting: Section) -> list[str]:
    """``exponential``."""
    return ["exponential"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """exp(x log(M) / M) as float64, where M is the image's largest magnitude."""
    largest = largest_magnitude(image)
    if largest == 0:
        yield "exponential", Undefined("the image is zero everywhere")
        return
    scale = np.log(largest) / largest
    yield "exponential", np.exp(scale * image.array[box].astype(np.float64))
