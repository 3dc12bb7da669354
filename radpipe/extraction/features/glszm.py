"""Grey level size zone matrix: connected voxels of one grey level.

Thibault et al. 2014, doi:10.1109/TBME.2013.2284600.
"""

from __future__ import annotations

import numpy as np

from radpipe.extraction.features import sizes
from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.local import Kernels
from radpipe.extraction.features.neighbours import equal_behind, joining, offsets_ahead, plane_of
from radpipe.extraction.features.sizes import SizeMatrix
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.local_sizes import local_zones
from radpipe.extraction.kernels.zones import find_zones
from radpipe.extraction.section import PlaneSetting


def zone_sizes(roi: Roi, setting: PlaneSetting) -> SizeMatrix:
    """Count the zones of an ROI.

    Parameters
    ----------
    roi : Roi
        The ROI.
    setting : PlaneSetting
        Settings.

    Returns
    -------
    SizeMatrix
        One kernel, one direction.
    """
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


def local_zone_sizes(kernels: Kernels, setting: PlaneSetting) -> SizeMatrix:
    """Count the zones of kernels.

    Parameters
    ----------
    kernels : Kernels
        The kernels.
    setting : PlaneSetting
        Nothing is read from it: the kernels know their plane.

    Returns
    -------
    SizeMatrix
        All kernels, one direction.
    """
    around = kernels.around
    pairs = around.pairs()
    group, i, j, n = local_zones(
        around.flat.levels, kernels.places, around.steps, pairs.a, pairs.b, around.top
    )
    return SizeMatrix(group, len(kernels), len(kernels), i.astype(float), j.astype(float), n)


GLSZM = FeatureClass("glszm", zone_sizes, local=local_zone_sizes)
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
GLSZM.feature("SmallAreaEmphasis", "P001")(sizes.small_emphasis)
GLSZM.feature("SmallAreaHighGrayLevelEmphasis", "HW1V")(sizes.small_high_emphasis)
GLSZM.feature("SmallAreaLowGrayLevelEmphasis", "5RAI")(sizes.small_low_emphasis)
GLSZM.feature("ZoneEntropy", "GU8N")(sizes.entropy)
GLSZM.feature("ZonePercentage", "P30P")(sizes.percentage)
GLSZM.feature("ZoneVariance", "3NSA")(sizes.size_variance)
