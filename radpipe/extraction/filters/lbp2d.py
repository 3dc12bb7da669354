"""Image type ``LBP2D``: local binary patterns of slices.

Ojala, Pietikäinen, Mäenpää 2002, doi:10.1109/TPAMI.2002.1017623.
"""

from __future__ import annotations

import math
import warnings
from importlib.util import find_spec
from typing import Literal

import numpy as np

from radpipe.errors import SettingsError
from radpipe.extraction.filters.base import Derived
from radpipe.extraction.grid import Array, Box, Grid, Mask
from radpipe.extraction.section import Count, PlaneSetting, Positive


class LBP2DSetting(PlaneSetting):
    """The circle that a voxel is compared with, and how comparisons become a number."""

    lbp2DRadius: Positive = 1
    lbp2DSamples: Count = 8
    lbp2DMethod: Literal["default", "ror", "uniform", "var"] = "uniform"


def check() -> None:
    """See whether what computes the patterns is installed.

    Raises
    ------
    SettingsError
        scikit-image is missing.
    """
    if find_spec("skimage") is None:
        raise SettingsError(
            "needs scikit-image, which is not installed",
            where="imageType.LBP2D",
            remedy="pip install scikit-image, or leave LBP2D out",
        )


def names(setting: LBP2DSetting) -> list[str]:
    """``lbp-2D``."""
    return ["lbp-2D"]


def apply(image: Grid, roi: Mask, box: Box, setting: LBP2DSetting) -> Derived:
    """Patterns of slices in the image's own type, as PyRadiomics keeps them; 2D: float64."""
    check()
    if image.array.ndim == 2:
        yield "lbp-2D", _patterns(image.array, box, setting)
        return
    axis = setting.force2Ddimension
    intensities = image.array.swapaxes(0, axis)
    swapped = list(box)
    swapped[0], swapped[axis] = swapped[axis], swapped[0]
    slices = [_patterns(part, tuple(swapped[1:]), setting) for part in intensities[swapped[0]]]
    with np.errstate(invalid="ignore"):
        yield "lbp-2D", np.stack(slices).astype(image.array.dtype).swapaxes(0, axis)


def _patterns(intensities: Array, box: Box, setting: LBP2DSetting) -> Array:
    from skimage.feature import local_binary_pattern

    # Only what lies beyond the box is cut off: what a voxel's coordinates are added to rounds
    # with their size, and decides between equal intensities.
    margin = math.ceil(setting.lbp2DRadius) + 1
    reached = intensities[tuple(slice(0, part.stop + margin) for part in box)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Applying `local_binary_pattern` to floating-point")
        patterns = local_binary_pattern(
            # scikit-image wants to be able to write, though it does not.
            reached.copy(),
            setting.lbp2DSamples,
            setting.lbp2DRadius,
            setting.lbp2DMethod,
        )
    return np.asarray(patterns[box])
