"""Image type ``Gradient``: magnitude of the gradient, by central differences."""

from __future__ import annotations

import SimpleITK as sitk

from radpipe.extraction.boxes import padded, within
from radpipe.extraction.filters.base import Derived
from radpipe.extraction.grid import Box, Grid, Mask
from radpipe.extraction.section import Section


class GradientSetting(Section):
    """Whether the gradient is per millimetre or per voxel."""

    gradientUseSpacing: bool = True


def names(setting: GradientSetting) -> list[str]:
    """``gradient``."""
    return ["gradient"]


def apply(image: Grid, roi: Mask, box: Box, setting: GradientSetting) -> Derived:
    """Intensity per mm, or per voxel, as float32; half of one-sided at the image's border."""
    wide = padded(box, 1, image.array.shape)
    part = sitk.GetImageFromArray(image.array[wide])
    part.SetSpacing(image.spacing_mm[::-1])
    gradient = sitk.GradientMagnitude(part, useImageSpacing=setting.gradientUseSpacing)
    yield "gradient", sitk.GetArrayFromImage(gradient)[within(box, wide)]
