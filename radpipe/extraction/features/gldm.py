"""Grey level dependence matrix: how many neighbours have about a voxel's grey level.

Sun and Wee 1983, doi:10.1016/0734-189X(83)90032-4; IBSI calls it NGLDM.
"""

from __future__ import annotations

from radpipe.extraction.features import sizes
from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.neighbours import DistanceSetting, both_ways, directions_of
from radpipe.extraction.features.sizes import SizeMatrix
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.dependence import count_dependences
from radpipe.extraction.kernels.window_sizes import window_dependences
from radpipe.extraction.section import Index


class GldmSetting(DistanceSetting):
    """How near grey levels are that depend on each other."""

    gldm_a: Index = 0


def _matrix(roi: Roi, setting: GldmSetting) -> SizeMatrix:
    """Count an ROI's voxels by size, which is one more than their dependent neighbours."""
    offsets, flat = directions_of(roi, setting)
    steps = both_ways(offsets) @ flat.strides
    counts = count_dependences(flat.levels, steps, setting.gldm_a, int(roi.grey_levels[-1]))
    return SizeMatrix.of(counts[None, roi.grey_levels].astype(float), roi.grey_levels)


def _of_windows(windows: Windows, setting: GldmSetting) -> SizeMatrix:
    """Count the voxels of windows by their dependent neighbours inside the window."""
    whole = windows.whole
    pairs = whole.pairs(tuple(setting.distances))
    group, i, j, n = window_dependences(
        whole.flat.levels, windows.places, whole.steps, pairs.a, pairs.b,
        setting.gldm_a, whole.top,
    )  # fmt: skip
    return SizeMatrix(group, len(windows), len(windows), i.astype(float), j.astype(float), n)


GLDM = FeatureClass(
    "gldm",
    _matrix,
    of_windows=_of_windows,
    valueless=("DependencePercentage", "GrayLevelNonUniformityNormalized"),
)
GLDM.feature("DependenceEntropy", "FCBV")(sizes.entropy)
GLDM.feature("DependenceNonUniformity", "Z87G")(sizes.size_non_uniformity)
GLDM.feature("DependenceNonUniformityNormalized", "OKJI")(sizes.size_non_uniformity_normalised)
GLDM.feature("DependenceVariance", "DNX2")(sizes.size_variance)
GLDM.feature("GrayLevelNonUniformity", "FP8K")(sizes.level_non_uniformity)
GLDM.feature("GrayLevelVariance", "1PFV")(sizes.level_variance)
GLDM.feature("HighGrayLevelEmphasis", "OAE7")(sizes.high_level_emphasis)
GLDM.feature("LargeDependenceEmphasis", "IMOQ")(sizes.large_emphasis)
GLDM.feature("LargeDependenceHighGrayLevelEmphasis", "9QMG")(sizes.large_high_emphasis)
GLDM.feature("LargeDependenceLowGrayLevelEmphasis", "NBZI")(sizes.large_low_emphasis)
GLDM.feature("LowGrayLevelEmphasis", "TL9H")(sizes.low_level_emphasis)
GLDM.feature("SmallDependenceEmphasis", "SODN")(sizes.small_emphasis)
GLDM.feature("SmallDependenceHighGrayLevelEmphasis", "JA6D")(sizes.small_high_emphasis)
GLDM.feature("SmallDependenceLowGrayLevelEmphasis", "EQ3F")(sizes.small_low_emphasis)
