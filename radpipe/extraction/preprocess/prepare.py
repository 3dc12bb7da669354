"""All steps between reading and filtering, in PyRadiomics' order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import SimpleITK as sitk

from radpipe.extraction.grid import Box, Grid, Mask
from radpipe.extraction.io.read import as_label_map
from radpipe.extraction.preprocess.check import RoiSetting, check_size, on_one_grid
from radpipe.extraction.preprocess.crop import cropped
from radpipe.extraction.preprocess.normalise import NormaliseSetting, normalised
from radpipe.extraction.preprocess.pair import EXTENTS
from radpipe.extraction.preprocess.resample import ResampleSetting, resampled
from radpipe.extraction.preprocess.resegment import ResegmentSetting, resegmented
from radpipe.extraction.preprocess.stage import Stage
from radpipe.extraction.shared import Scope, Shared


class PrepareSetting(RoiSetting, NormaliseSetting, ResampleSetting, ResegmentSetting):
    """The settings of all steps."""


@dataclass(frozen=True)
class Prepared:
    """What filters and features start from.

    Attributes
    ----------
    image : Grid
        The image; its array is read-only.
    roi : ndarray of bool, shape (z, y, x)
        Voxels whose intensities count.
    shape_roi : ndarray of bool, shape (z, y, x)
        Voxels whose shape counts, once cropped to the box: resegmentation makes the box smaller
        even where it leaves this ROI alone.
    box : tuple of slice
        Bounding box of ``roi``.
    reference : SimpleITK.Image
        The image again, with origin and direction for feature maps.
    stages : tuple of Stage
        What the steps left that diagnostics tell of; the first is the image as read.
    """

    image: Grid
    roi: Mask
    shape_roi: Mask
    box: Box
    reference: sitk.Image
    stages: tuple[Stage, ...]


def prepare(
    image: sitk.Image, mask: sitk.Image, setting: PrepareSetting, shared: Shared | None = None
) -> Prepared:
    """Normalise, resample, check and resegment an image and its ROI.

    Parameters
    ----------
    image : SimpleITK.Image
        As read.
    mask : SimpleITK.Image
        As read: integer labels, or one channel of labels a component.
    setting : PrepareSetting
        Settings.
    shared : Shared, optional
        What other ROIs of the image have left.

    Returns
    -------
    Prepared
        The ROI in its image.

    Raises
    ------
    ImageError
        The mask is no label map, the ROI is missing, too small or outside the image, or image and
        mask lie on different grids.
    SettingsError
        ``resampledPixelSpacing`` does not fit the image.
    """
    shared = shared or Shared()
    if mask.GetPixelID() != sitk.sitkUInt32:
        mask = as_label_map(mask, setting.label_channel)
    extent = (shared.known(Scope.MASK, EXTENTS) or {}).get(setting.label)
    read = Stage.of("original", image, mask, setting.label, extent.box if extent else None)
    drawn = _placed(read, setting, shared)
    check_size(drawn, setting)
    counted = drawn
    if setting.resegmentRange is not None:
        counted = resegmented(drawn, setting)
        check_size(counted, setting)
    return Prepared(
        image=Grid(drawn.intensities, tuple(drawn.image.GetSpacing()[::-1])),
        roi=counted.roi,
        shape_roi=counted.roi if setting.resegmentShape else drawn.roi,
        box=counted.box,
        reference=drawn.image,
        stages=tuple({stage.name: stage for stage in (counted, drawn, read)}.values())[::-1],
    )


def _placed(read: Stage, setting: PrepareSetting, shared: Shared) -> Stage:
    """Bring image and mask to the grid on which everything is computed."""
    wanted = setting.model_dump_json(include=set(NormaliseSetting.model_fields))
    image = shared.once(Scope.IMAGE, wanted, lambda: normalised(read.image, setting))
    stage = replace(read, image=image)
    moved = resampled(stage, setting, setting.label)
    if moved is not stage or not setting.preCrop:
        return on_one_grid(moved, setting)
    stage = on_one_grid(stage, setting)
    check_size(stage, setting)
    return replace(cropped(stage, setting.padDistance), name=read.name)
