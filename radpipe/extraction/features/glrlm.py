"""Grey level run length matrix: voxels in a row with one grey level, in each direction.

Galloway 1975, doi:10.1016/S0146-664X(75)80008-6.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features import sizes
from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.neighbours import (
    Offsets,
    WeightingSetting,
    equal_behind,
    lengths_mm,
    offsets_ahead,
    plane_of,
)
from radpipe.extraction.features.sizes import SizeMatrix
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.runs import count_places_in_runs
from radpipe.extraction.kernels.window_sizes import window_runs


def _matrix(roi: Roi, setting: WeightingSetting) -> SizeMatrix:
    """Count the runs of an ROI."""
    offsets = offsets_ahead(roi.mask.shape, plane=plane_of(setting))
    runs = _runs(roi, offsets)
    if setting.weightingNorm is not None:
        weights = _run_weights(offsets, roi.spacing_mm, setting.weightingNorm)
        runs = np.sum(np.moveaxis(runs, 0, -1) * weights, axis=-1)[None]
    return SizeMatrix.of(runs, roi.grey_levels)


def _of_windows(windows: Windows, setting: WeightingSetting) -> SizeMatrix:
    """Count the runs of windows: a matrix a direction, or one if directions are weighted."""
    whole, norm = windows.whole, setting.weightingNorm
    lines = whole.lines
    weights = np.zeros(0)
    if norm is not None:
        weights = _run_weights(lines.offsets, whole.roi.spacing_mm, norm)
    group, i, j, n = window_runs(
        whole.flat.levels, windows.places, whole.steps, lines.first, lines.line_first, lines.line,
        weights, whole.top, 2 * whole.radius + 1,
    )  # fmt: skip
    count = len(windows) * (1 if norm else len(lines.offsets))
    return SizeMatrix(group, count, len(windows), i.astype(float), j.astype(float), n)


def _run_weights(
    offsets: Offsets, spacing_mm: tuple[float, ...], norm: str
) -> npt.NDArray[np.float64]:
    """Weigh directions by the length of a step in mm."""
    if norm == "no_weighting":
        return np.ones(len(offsets))
    return lengths_mm(offsets, spacing_mm, norm)


def _runs(roi: Roi, offsets: Offsets) -> npt.NDArray[np.float64]:
    """Count runs by direction, grey level and length."""
    flat, equal = roi.flat, equal_behind(roi, offsets)
    counted = count_places_in_runs(
        flat.codes, flat.voxels, offsets @ flat.strides, equal,
        len(roi.grey_levels), max(roi.mask.shape),
    )  # fmt: skip
    at_place = counted[:, 1:, 1:]
    at_place[:, :, 0] = roi.level_counts[roi.grey_levels] - at_place[:, :, 1:].sum(axis=2)
    runs = (at_place[:, :, :-1] - at_place[:, :, 1:]).astype(float)
    for direction, offset in enumerate(offsets):
        if not at_place[direction, :, 1:].any() and not _two_in_line(roi, offset):
            # A direction across a flat ROI: every voxel would be a run of its own.
            runs[direction] = 0
    return runs


def _two_in_line(roi: Roi, offset: npt.NDArray[np.int64]) -> bool:
    """Tell whether any line in a direction meets two voxels of the ROI, however far apart."""
    voxels = np.argwhere(roi.mask)
    axis = int(np.flatnonzero(offset)[0])
    start = voxels - voxels[:, [axis]] * offset[axis] * offset
    return len(np.unique(start, axis=0)) < len(voxels)


GLRLM = FeatureClass(
    "glrlm",
    _matrix,
    of_windows=_of_windows,
    undefined="no line meets two voxels of the ROI",
)
GLRLM.feature("GrayLevelNonUniformity", "R5YN")(sizes.level_non_uniformity)
GLRLM.feature("GrayLevelNonUniformityNormalized", "OVBL")(sizes.level_non_uniformity_normalised)
GLRLM.feature("GrayLevelVariance", "8CE5")(sizes.level_variance)
GLRLM.feature("HighGrayLevelRunEmphasis", "G3QZ")(sizes.high_level_emphasis)
GLRLM.feature("LongRunEmphasis", "W4KF")(sizes.large_emphasis)
GLRLM.feature("LongRunHighGrayLevelEmphasis", "3KUM")(sizes.large_high_emphasis)
GLRLM.feature("LongRunLowGrayLevelEmphasis", "IVPO")(sizes.large_low_emphasis)
GLRLM.feature("LowGrayLevelRunEmphasis", "V3SW")(sizes.low_level_emphasis)
GLRLM.feature("RunEntropy", "HJ9O")(sizes.entropy)
GLRLM.feature("RunLengthNonUniformity", "W92Y")(sizes.size_non_uniformity)
GLRLM.feature("RunLengthNonUniformityNormalized", "IC23")(sizes.size_non_uniformity_normalised)
GLRLM.feature("RunPercentage", "9ZK5")(sizes.percentage)
GLRLM.feature("RunVariance", "SXLW")(sizes.size_variance)
GLRLM.feature("ShortRunEmphasis", "22OV")(sizes.small_emphasis)
GLRLM.feature("ShortRunHighGrayLevelEmphasis", "GD3A")(sizes.small_high_emphasis)
GLRLM.feature("ShortRunLowGrayLevelEmphasis", "HTZT")(sizes.small_low_emphasis)
