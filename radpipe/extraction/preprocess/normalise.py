"""Intensities in units of the image's own standard deviation."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from radpipe.extraction.section import Number, Positive, Section


class NormaliseSetting(Section):
    """Whether and how the image is normalised; outliers are clipped before it is scaled."""

    normalize: bool = False
    normalizeScale: Positive = 1
    removeOutliers: Positive | None = None


def normalised(image: sitk.Image, setting: NormaliseSetting) -> sitk.Image:
    """Normalise an image by mean and standard deviation of all its voxels.

    Parameters
    ----------
    image : SimpleITK.Image
        The whole image: what lies outside the ROI counts too.
    setting : NormaliseSetting
        Settings.

    Returns
    -------
    SimpleITK.Image
        Real numbers; the image itself if ``normalize`` is off.
    """
    if not setting.normalize:
        return image
    image = sitk.Normalize(image)
    if setting.removeOutliers is not None:
        image = _clipped(image, setting.removeOutliers)
    return image * setting.normalizeScale


def _clipped(image: sitk.Image, limit: Number) -> sitk.Image:
    clipped = sitk.GetImageFromArray(np.clip(sitk.GetArrayViewFromImage(image), -limit, limit))
    clipped.CopyInformation(image)
    return clipped
