"""The ROI without voxels whose intensities lie outside a range (IBSI IFBP)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from radpipe.errors import RoiTooSmallError
from radpipe.extraction.boxes import beyond, bounding_box
from radpipe.extraction.grid import Array
from radpipe.extraction.preprocess.stage import Stage
from radpipe.extraction.section import Number, Section


class ResegmentSetting(Section):
    """The range: a lower limit, or a lower and an upper one, both inside.

    In ``relative`` mode in units of the ROI's maximum, in ``sigma`` mode in the ROI's standard
    deviations from its mean.
    """

    resegmentRange: Annotated[list[Number], Field(min_length=1, max_length=2)] | None = None
    resegmentMode: Literal["absolute", "relative", "sigma"] = "absolute"
    resegmentShape: bool = False


def resegmented(stage: Stage, setting: ResegmentSetting) -> Stage:
    """Take voxels outside the range out of the ROI.

    Parameters
    ----------
    stage : Stage
        Image and mask on one grid.
    setting : ResegmentSetting
        Settings.

    Returns
    -------
    Stage
        The smaller ROI.

    Raises
    ------
    RoiTooSmallError
        Fewer than two voxels are left.
    """
    values = stage.intensities[stage.box][stage.inside]
    limits = _limits(values, setting)
    kept = values >= limits[0]
    if len(limits) == 2:
        kept &= values <= limits[1]
    if np.count_nonzero(kept) < 2:
        raise _too_small(values, limits, int(np.count_nonzero(kept)))
    inside = np.zeros_like(stage.inside)
    inside[stage.inside] = kept
    box = bounding_box(inside)
    return Stage("resegmented", stage.image, stage.mask, beyond(box, stage.box), inside[box])


def _limits(values: Array, setting: ResegmentSetting) -> list[Any]:
    # In the image's own type, as PyRadiomics computes: in float32 the last bits decide.
    wanted = sorted(setting.resegmentRange or [])
    if setting.resegmentMode == "relative":
        maximum = np.max(values)
        if values.dtype.kind in "iu":
            # An unsigned maximum cannot be multiplied by a negative limit.
            maximum = maximum.item()
        return [maximum * limit for limit in wanted]
    if setting.resegmentMode == "sigma":
        mean, deviation = np.mean(values), np.std(values)
        return [mean + deviation * limit for limit in wanted]
    return list(wanted)


def _too_small(values: Array, limits: list[Any], kept: int) -> RoiTooSmallError:
    above = f"from {limits[0]:g}" + (f" to {limits[1]:g}" if len(limits) == 2 else "")
    return RoiTooSmallError(
        "resegmentation leaves too little of the ROI",
        found=f"{kept} of {values.size} voxels {above}; the ROI's intensities go from "
        f"{np.min(values):g} to {np.max(values):g}",
        expected="at least 2 voxels",
        remedy="widen `resegmentRange`, or check the image's units",
    )
