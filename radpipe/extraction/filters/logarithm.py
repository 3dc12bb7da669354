"""Image type ``Logarithm``: logarithms of the magnitudes, with the sign of the intensity."""

from __future__ import annotations

import numpy as np

from radpipe.extraction.filters.base import Derived, largest_magnitude
from radpipe.extraction.grid import Box, Grid, Mask, Undefined
from radpipe.extraction.section import Section


def names(setting: Section) -> list[str]:
    """``logarithm``."""
    return ["logarithm"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """sign(x) log(|x| + 1) M / log(M + 1) as float64, where M is the image's largest magnitude."""
    largest = largest_magnitude(image)
    largest_logarithm = np.log(largest + 1)
    if largest_logarithm == 0:
        yield "logarithm", Undefined("the image is zero everywhere")
        return
    derived = image.array[box].astype(np.float64)
    logarithm = np.copysign(np.log(np.abs(derived) + 1), derived)
    yield "logarithm", logarithm * (largest / largest_logarithm)
