"""Whether there is an ROI from which features can be computed."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import SimpleITK as sitk
from pydantic import Field

from radpipe.errors import EmptyRoiError, GeometryMismatchError, RoiTooSmallError
from radpipe.extraction.image import check_geometry
from radpipe.extraction.preprocess.stage import Stage
from radpipe.extraction.section import Count, Index, Positive, Section

_BEYOND = 1e-3
_REMEDY = "check the mask, or leave the case out of the cohort"


class RoiSetting(Section):
    """Which label is the ROI, how small it may be, and how well its grid must fit the image's."""

    minimumROIDimensions: Annotated[int, Field(ge=1, le=3)] = 2
    minimumROISize: Count | None = None
    geometryTolerance: Positive | None = None
    correctMask: bool = False
    label: Count = 1
    label_channel: Index = 0


def check_size(stage: Stage, setting: RoiSetting) -> None:
    """Refuse an ROI that is too small.

    Parameters
    ----------
    stage : Stage
        Image and mask.
    setting : RoiSetting
        Settings.

    Raises
    ------
    EmptyRoiError
        No voxel is left.
    RoiTooSmallError
        It is one voxel, has fewer extended axes than ``minimumROIDimensions``, or not more voxels
        than ``minimumROISize``.
    """
    voxels = check_not_empty(stage)
    lengths = [part.stop - part.start for part in stage.box]
    extended = sum(length > 1 for length in lengths)
    needed = (setting.minimumROISize or 1) + 1
    size = f"the {stage.name} mask has {voxels} voxel(s) in a box of {lengths} (z, y, x)"
    if voxels < needed:
        raise RoiTooSmallError(
            "the ROI is too small", found=size, expected=f"at least {needed}", remedy=_REMEDY
        )
    if extended < setting.minimumROIDimensions:
        raise RoiTooSmallError(
            "the ROI is too thin",
            found=size,
            expected=f"more than one voxel along at least {setting.minimumROIDimensions} axes",
            remedy=f"{_REMEDY}; or set `minimumROIDimensions: {extended}`",
        )


def check_not_empty(stage: Stage) -> int:
    """Refuse a mask without an ROI.

    Parameters
    ----------
    stage : Stage
        Image and mask.

    Returns
    -------
    int
        Number of the ROI's voxels.

    Raises
    ------
    EmptyRoiError
        It has none.
    """
    voxels = np.count_nonzero(stage.inside)
    if not voxels:
        raise EmptyRoiError(
            "the mask does not hold the ROI",
            found=f"no voxel in the {stage.name} mask",
            expected="at least 2",
            remedy="check the label; resampling loses an ROI that is smaller than the new voxels",
        )
    return int(voxels)


def check_inside(stage: Stage) -> None:
    """Refuse an ROI that reaches beyond the image, where the mask has a grid of its own.

    Parameters
    ----------
    stage : Stage
        Image and mask.

    Raises
    ------
    EmptyRoiError
        There is no ROI.
    GeometryMismatchError
        A corner of its bounding box lies outside, by more than a thousandth of a voxel.
    """
    check_not_empty(stage)
    if stage.image.GetDimension() != stage.mask.GetDimension():
        # Its message names both grids.
        check_geometry(stage.image, stage.mask, None)
    edges = np.array([[part.start - 0.5, part.stop - 0.5] for part in stage.box[::-1]])
    corners = [
        stage.image.TransformPhysicalPointToContinuousIndex(
            stage.mask.TransformContinuousIndexToPhysicalPoint(corner.tolist())
        )
        for corner in edges.T
    ]
    low, high = np.min(corners, axis=0) + 0.5, np.max(corners, axis=0) + 0.5
    size = np.array(stage.image.GetSize())
    if (low < -_BEYOND).any() or (high > size + _BEYOND).any():
        raise GeometryMismatchError(
            "the ROI reaches beyond the image",
            found=f"its box goes from {low.round(3)} to {high.round(3)} (x, y, z; voxels)",
            expected=f"inside 0 to {size}",
            remedy="check that image and mask belong together",
        )


def on_one_grid(stage: Stage, setting: RoiSetting) -> Stage:
    """Bring the mask to the image's grid, if it is not there.

    Parameters
    ----------
    stage : Stage
        Image and mask.
    setting : RoiSetting
        Settings.

    Returns
    -------
    Stage
        The stage itself where the grids agree within ``geometryTolerance``; else, under
        ``correctMask``, the mask resampled, called ``corrected``.

    Raises
    ------
    EmptyRoiError
        There is no ROI.
    GeometryMismatchError
        The grids differ and ``correctMask`` is off, or the ROI reaches beyond the image.
    """
    try:
        check_geometry(stage.image, stage.mask, setting.geometryTolerance)
    except GeometryMismatchError:
        if not setting.correctMask:
            raise
        check_inside(stage)
        mask = sitk.Resample(stage.mask, stage.image, sitk.Transform(), sitk.sitkNearestNeighbor)
        return Stage.of("corrected", stage.image, mask, setting.label)
    return stage
