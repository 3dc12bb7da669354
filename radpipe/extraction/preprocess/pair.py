"""Image and mask read and checked before anything is computed from them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import SimpleITK as sitk

from radpipe.errors import ImageError
from radpipe.extraction.image import check_pair, extents_of
from radpipe.extraction.io import read_image, read_mask
from radpipe.extraction.io.read import as_label_map
from radpipe.extraction.preprocess.check import RoiSetting
from radpipe.extraction.shared import Scope, Shared

# The name under which a mask's labels are kept.
EXTENTS = "extents"


def checked_pair(
    image: str | Path | sitk.Image,
    mask: str | Path | sitk.Image,
    setting: RoiSetting,
    label: int | None = None,
    label_channel: int | None = None,
    shared: Shared | None = None,
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
    shared : Shared, optional
        What other ROIs of the image have read.

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
    shared = shared or Shared()
    read = shared.once(Scope.IMAGE, "read", partial(_image, image))
    labels = shared.once(Scope.MASK, "read", partial(_labels, mask, channel))
    check_pair(
        read,
        labels,
        setting.label if label is None else label,
        tolerance=setting.geometryTolerance,
        may_differ=setting.correctMask,
        extents=shared.once(Scope.MASK, EXTENTS, partial(extents_of, labels)),
    )
    return read, labels


def _image(image: str | Path | sitk.Image) -> sitk.Image:
    return read_image(image) if isinstance(image, str | Path) else image


def _labels(mask: str | Path | sitk.Image, channel: int) -> sitk.Image:
    return read_mask(mask, channel) if isinstance(mask, str | Path) else as_label_map(mask, channel)
