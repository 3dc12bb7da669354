"""Image and mask read and checked before anything is computed from them."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from radpipe.errors import ImageError
from radpipe.extraction.image import check_pair
from radpipe.extraction.io import read_image, read_mask
from radpipe.extraction.io.read import as_label_map
from radpipe.extraction.preprocess.check import RoiSetting


def checked_pair(
    image: str | Path | sitk.Image,
    mask: str | Path | sitk.Image,
    setting: RoiSetting,
    label: int | None = None,
    label_channel: int | None = None,
) -> tuple[sitk.Image, sitk.Image]:
    """Read an image and its mask, and refuse what nothing can be computed from.

    Parameters
    ----------
    image, mask : str, Path or SimpleITK.Image
        The pair.
    setting : RoiSetting
        How well their grids must agree.
    label, label_channel : int, optional
        The ROI; the settings' if not given.

    Returns
    -------
    image : SimpleITK.Image
        The image.
    labels : SimpleITK.Image
        The mask as ``uint32`` labels.

    Raises
    ------
    ImageError
        Image or mask cannot be used.
    """
    for given in (image, mask):
        if not isinstance(given, str | Path | sitk.Image):
            raise ImageError(
                "neither a file nor an image",
                found=type(given).__name__,
                expected="a path or a SimpleITK.Image",
                remedy="sitk.GetImageFromArray makes an image of an array; set its spacing",
            )
    channel = setting.label_channel if label_channel is None else label_channel
    if isinstance(image, str | Path):
        image = read_image(image)
    labels = (
        read_mask(mask, channel) if isinstance(mask, str | Path) else as_label_map(mask, channel)
    )
    check_pair(
        image,
        labels,
        setting.label if label is None else label,
        tolerance=setting.geometryTolerance,
        may_differ=setting.correctMask,
    )
    return image, labels
