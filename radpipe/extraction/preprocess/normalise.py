"""Intensities in units of the image's own standard deviation."""

from __future__ import annotations

import SimpleITK as sitk

from radpipe.extraction.section import Positive, Section


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
        limit = setting.removeOutliers
        image = sitk.Clamp(image, lowerBound=-limit, upperBound=limit)
    # In place: each copy of a whole image counts.
    image *= setting.normalizeScale
    return image
