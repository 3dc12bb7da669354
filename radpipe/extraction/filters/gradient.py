"""Image type ``Gradient``: magnitude of the gradient, by central differences."""

from __future__ import annotations

import SimpleITK as sitk

from radpipe.extraction.filters.base import Derived, widened
from radpipe.extraction.grid import Box, Grid, Mask
from radpipe.extraction.section import Section


class GradientSetting(Section):
    """Whether the gradient is per millimetre or per voxel."""

    gradientUseSpacing: bool = True


def names(setting: GradientSetting) -> list[str]:
    """Name the result.

    Parameters
    ----------
    setting : GradientSetting
        Nothing is read from it.

    Returns
    -------
    list of str
        ``gradient``.
    """
    return ["gradient"]


def apply(image: Grid, roi: Mask, box: Box, setting: GradientSetting) -> Derived:
    """Take the gradient's magnitude.

    Parameters
    ----------
    image : Grid
        The prepared image.
    roi : ndarray of bool
        Not used.
    box : tuple of slice
        The part wanted.
    setting : GradientSetting
        Whether the voxel's size counts.

    Yields
    ------
    tuple of str and ndarray of float32
        Intensity per mm, or per voxel. The difference at the image's border is half of one-sided.
    """
    wide, inside = widened(box, 1, image.array.shape)
    part = sitk.GetImageFromArray(image.array[wide])
    part.SetSpacing(image.spacing_mm[::-1])
    gradient = sitk.GradientMagnitude(part, useImageSpacing=setting.gradientUseSpacing)
    yield "gradient", sitk.GetArrayFromImage(gradient)[inside]
