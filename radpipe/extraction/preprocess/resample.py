"""Image and mask on a grid of another voxel size."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from pydantic import Field

from radpipe.errors import ExtractionError, GeometryMismatchError, SettingsError
from radpipe.extraction.image import check_geometry
from radpipe.extraction.preprocess.bspline import resample_bspline
from radpipe.extraction.preprocess.check import check_inside, check_not_empty
from radpipe.extraction.preprocess.crop import cropped
from radpipe.extraction.preprocess.stage import Stage
from radpipe.extraction.preprocess.target_grid import target_grid
from radpipe.extraction.section import Index, NotNegative, Section

Interpolator = Literal[
    "sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian", "sitkLabelGaussian",
    "sitkHammingWindowedSinc", "sitkCosineWindowedSinc", "sitkWelchWindowedSinc",
    "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc",
]  # fmt: skip


# 8 GiB in double precision.
_MOST_VOXELS = 2**30


class ResampleSetting(Section):
    """The new voxel size, 0 where it stays, and how much is kept around the ROI."""

    resampledPixelSpacing: (
        Annotated[list[NotNegative], Field(min_length=2, max_length=3)] | None
    ) = None
    interpolator: Interpolator | Annotated[int, Field(ge=1, le=10)] | None = "sitkBSpline"
    padDistance: Index = 5
    preCrop: bool = False


def resampled(stage: Stage, setting: ResampleSetting, label: int) -> Stage:
    """Resample image and mask around the ROI.

    Parameters
    ----------
    stage : Stage
        Image and mask; the mask may have a grid of its own, if the ROI lies inside the image.
    setting : ResampleSetting
        Settings.
    label : int
        The ROI's label.

    Returns
    -------
    Stage
        The ROI's box and ``padDistance`` voxels around it on the new grid; the stage itself if
        the settings do not ask for resampling.

    Raises
    ------
    SettingsError
        ``resampledPixelSpacing`` has not one number for each of the image's axes.
    EmptyRoiError
        There is no ROI.
    GeometryMismatchError
        The ROI reaches beyond the image.
    ExtractionError
        The new grid would have more voxels than fit in memory.
    """
    if setting.resampledPixelSpacing is None or setting.interpolator is None:
        return stage
    check_inside(stage)
    spacing_mm = _spacing(stage, setting.resampledPixelSpacing)
    if np.allclose(stage.image.GetSpacing(), spacing_mm):
        fitted = _mask_to_image(stage, label)
        check_not_empty(fitted)
        return cropped(fitted, setting.padDistance)
    grid = target_grid(stage, spacing_mm, setting.padDistance)
    _refuse_huge(grid.size)
    interpolator = _number_of(setting.interpolator)
    if interpolator == sitk.sitkBSpline:
        image = resample_bspline(stage.image, grid)
    else:
        image = grid.resample(stage.image, interpolator)
    mask = grid.resample(stage.mask, sitk.sitkNearestNeighbor)
    return Stage.of("interpolated", image, mask, label)


def _refuse_huge(size: list[int]) -> None:
    voxels = math.prod(size)
    if voxels > _MOST_VOXELS:
        raise ExtractionError(
            "the resampled image would be too large",
            found=f"{' x '.join(map(str, size))} = {voxels:.3g} voxels around the ROI",
            expected=f"at most {_MOST_VOXELS:.3g}",
            remedy="`resampledPixelSpacing` is in mm: ask for larger voxels",
        )


def _spacing(stage: Stage, wanted: list[Any]) -> npt.NDArray[np.float64]:
    old_mm = np.array(stage.mask.GetSpacing())
    if len(wanted) != len(old_mm):
        raise SettingsError(
            "`resampledPixelSpacing` does not fit the image",
            found=f"{wanted}",
            expected=f"{len(old_mm)} numbers (x, y, z; mm), 0 where the voxel size stays",
        )
    one_voxel = [part.stop - part.start == 1 for part in stage.box[::-1]]
    stays = (np.array(wanted) == 0) | one_voxel
    return np.where(stays, old_mm, wanted)


def _mask_to_image(stage: Stage, label: int) -> Stage:
    try:
        check_geometry(stage.image, stage.mask, None)
    except GeometryMismatchError:
        mask = sitk.Resample(stage.mask, stage.image, sitk.Transform(), sitk.sitkNearestNeighbor)
        return Stage.of("interpolated", stage.image, mask, label)
    return replace(stage, name="interpolated")


def _number_of(interpolator: str | int) -> int:
    # The numbers of PyRadiomics' documentation: SimpleITK has since given B-splines another.
    names = get_args(Interpolator)
    name = names[interpolator - 1] if isinstance(interpolator, int) else interpolator
    return int(getattr(sitk, name))
