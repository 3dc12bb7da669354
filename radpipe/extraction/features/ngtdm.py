"""Neighbourhood grey tone difference matrix: how far voxels are from the mean of their neighbours.

Amadasun and King 1989, doi:10.1109/21.44046.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.groups import Groups, Values
from radpipe.extraction.features.neighbours import DistanceSetting, both_ways, directions_of
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.tone_differences import sum_differences
from radpipe.extraction.kernels.window_differences import window_differences

# What a ROI without any difference is given: IBSI leaves it open.
_LARGEST_COARSENESS = 1e6


@dataclass(frozen=True)
class ToneDifferences(Groups):
    """For each grey level its voxels and their differences, a matrix for each region.

    Attributes
    ----------
    i : ndarray of int64, shape (entries,)
        Grey level.
    n : ndarray of float64, shape (entries,)
        Number of voxels; none is 0.
    s : ndarray of float64, shape (entries,)
        Sum of distances from the mean of the neighbours.
    """

    i: npt.NDArray[np.int64]
    n: Values
    s: Values

    @cached_property
    def voxels(self) -> Values:
        """Number of voxels."""
        return self.sum(self.n)

    @cached_property
    def p(self) -> Values:
        """Share of each grey level."""
        return self.n / self.of_entry(self.voxels)

    @cached_property
    def pairs(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Every two entries of a matrix, either way round."""
        width = np.bincount(self.group, minlength=self.count)
        first = np.cumsum(width) - width
        repeats = width[self.group]
        one = np.repeat(np.arange(repeats.size), repeats)
        within = np.arange(one.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        return one, first[self.group[one]] + within

    def sum_pairs(self, numbers: Values) -> Values:
        """Add up over pairs.

        Parameters
        ----------
        numbers : ndarray of float64, shape (pairs,)
            A number for each of :attr:`pairs`.

        Returns
        -------
        ndarray of float64, shape (regions,)
            Sums.
        """
        return Groups(self.group[self.pairs[0]], self.count).sum(numbers)


def _matrix(roi: Roi, setting: DistanceSetting) -> ToneDifferences:
    """Sum up an ROI's differences."""
    offsets, flat = directions_of(roi, setting)
    levels = roi.grey_levels
    s = sum_differences(flat.levels, both_ways(offsets) @ flat.strides, int(levels[-1]))
    group = np.zeros(levels.size, np.int64)
    return ToneDifferences(group, 1, levels, roi.level_counts[levels].astype(float), s[levels])


def _of_windows(windows: Windows, setting: DistanceSetting) -> ToneDifferences:
    """Sum up the differences inside windows."""
    whole = windows.whole
    pairs = whole.pairs(tuple(setting.distances))
    group, i, n, s = window_differences(
        whole.flat.levels, windows.places, whole.steps, pairs.a, pairs.b, whole.top
    )
    return ToneDifferences(group, len(windows), i, n, s)


NGTDM = FeatureClass("ngtdm", _matrix, of_windows=_of_windows)


@NGTDM.feature("Coarseness", "QCDE")
def coarseness(m: ToneDifferences) -> Values:
    """Inverse of the mean difference."""
    difference = m.sum(m.p * m.s)
    return np.where(difference == 0, _LARGEST_COARSENESS, 1 / difference)


@NGTDM.feature("Contrast", "65HE")
def contrast(m: ToneDifferences) -> Values:
    """Variance of grey levels times mean difference."""
    a, b = m.pairs
    levels = np.bincount(m.group, minlength=m.count)
    spread = m.sum_pairs(m.p[a] * m.p[b] * (m.i[a] - m.i[b]) ** 2)
    value = spread * m.sum(m.s) / m.voxels
    return np.where(levels > 1, value / (levels * (levels - 1)), 0.0)


@NGTDM.feature("Busyness", "NQ30")
def busyness(m: ToneDifferences) -> Values:
    """Mean difference over the spread of weighted grey levels."""
    a, b = m.pairs
    weighted = m.i * m.p
    spread = m.sum_pairs(np.abs(weighted[a] - weighted[b]))
    return np.where(spread == 0, 0.0, m.sum(m.p * m.s) / spread)


@NGTDM.feature("Complexity", "HDEZ")
def complexity(m: ToneDifferences) -> Values:
    """Differences of grey levels, weighted by how much they differ from their neighbours."""
    a, b = m.pairs
    weighted = m.p * m.s
    share = (weighted[a] + weighted[b]) / (m.p[a] + m.p[b])
    return m.sum_pairs(np.abs(m.i[a] - m.i[b]) * share) / m.voxels


@NGTDM.feature("Strength", "1X9X")
def strength(m: ToneDifferences) -> Values:
    """Squared differences of grey levels over all differences from neighbours."""
    a, b = m.pairs
    total = m.sum(m.s)
    squares = m.sum_pairs((m.p[a] + m.p[b]) * (m.i[a] - m.i[b]) ** 2)
    return np.where(total == 0, 0.0, squares / total)
