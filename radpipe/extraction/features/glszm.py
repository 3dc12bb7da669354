"""Grey level size zone matrix: connected voxels of one grey level.

Thibault et al. 2014, doi:10.1109/TBME.2013.2284600.
"""

from __future__ import annotations

import numpy as np

from radpipe.extraction.features import sizes
from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.neighbours import equal_behind, joining, offsets_ahead, plane_of
from radpipe.extraction.features.sizes import SizeMatrix
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.window_sizes import window_zones
from radpipe.extraction.kernels.zones import find_zones
from radpipe.extraction.section import PlaneSetting


def _matrix(roi: Roi, setting: PlaneSetting) -> SizeMatrix:
    """Count the zones of an ROI."""
    offsets = offsets_ahead(roi.mask.shape, plane=plane_of(setting))
    flat, equal = roi.flat, equal_behind(roi, offsets)
    code, size = find_zones(
        flat.codes, flat.voxels, offsets @ flat.strides, equal, *joining(offsets.tobytes())
    )
    # As one number a zone, since sorting pairs takes ten times longer.
    width = int(size.max()) + 1
    kinds, n = np.unique((code.astype(np.int64) * width + size)[size > 0], return_counts=True)
    level = roi.grey_levels[kinds // width - 1].astype(float)
    return SizeMatrix(np.zeros(n.size, np.int64), 1, 1, level, kinds % width * 1.0, n * 1.0)


def _of_windows(windows: Windows, setting: PlaneSetting) -> SizeMatrix:
    """Count the zones of windows, which know their plane."""
    whole = windows.whole
    pairs = whole.pairs()
    group, i, j, n = window_zones(
        whole.flat.levels, windows.places, whole.steps, pairs.a, pairs.b, whole.top
    )
    return SizeMatrix(group, len(windows), len(windows), i.astype(float), j.astype(float), n)


GLSZM = FeatureClass("glszm", _matrix, of_windows=_of_windows)
GLSZM.feature("GrayLevelNonUniformity", "JNSA")(sizes.level_non_uniformity)
GLSZM.feature("GrayLevelNonUniformityNormalized", "Y1RO")(sizes.level_non_uniformity_normalised)
GLSZM.feature("GrayLevelVariance", "BYLV")(sizes.level_variance)
GLSZM.feature("HighGrayLevelZoneEmphasis", "5GN9")(sizes.high_level_emphasis)
GLSZM.feature("LargeAreaEmphasis", "48P8")(sizes.large_emphasis)
GLSZM.feature("LargeAreaHighGrayLevelEmphasis", "J17V")(sizes.large_high_emphasis)
GLSZM.feature("LargeAreaLowGrayLevelEmphasis", "YH51")(sizes.large_low_emphasis)
GLSZM.feature("LowGrayLevelZoneEmphasis", "XMSY")(sizes.low_level_emphasis)
GLSZM.feature("SizeZoneNonUniformity", "4JP3")(sizes.size_non_uniformity)
GLSZM.feature("SizeZoneNonUniformityNormalized", "VB3A")(sizes.size_non_uniformity_normalised)
GLSZM.feature("SmallAreaEmphasis", "5QRC")(sizes.small_emphasis)
GLSZM.feature("SmallAreaHighGrayLevelEmphasis", "HW1V")(sizes.small_high_emphasis)
GLSZM.feature("SmallAreaLowGrayLevelEmphasis", "5RAI")(sizes.small_low_emphasis)
GLSZM.feature("ZoneEntropy", "GU8N")(sizes.entropy)
GLSZM.feature("ZonePercentage", "P30P")(sizes.percentage)
GLSZM.feature("ZoneVariance", "3NSA")(sizes.size_variance)
