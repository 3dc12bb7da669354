"""First order statistics: how intensities are distributed, wherever they lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.groups import EPSILON, Values
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.moments import absolute_deviation, power_sums
from radpipe.extraction.kernels.windows import window_intensities
from radpipe.extraction.section import Section


class FirstOrderSetting(Section):
    """What is added to intensities before they are squared."""

    voxelArrayShift: int = 0


@dataclass(frozen=True)
class Intensities:
    """Intensities, one row a region.

    Attributes
    ----------
    values : ndarray of float64, shape (regions, n)
        Intensities; NaN where a window leaves the ROI.
    p : ndarray of float64, shape (regions, levels)
        Share of each grey level.
    voxel_mm3 : float
        Volume of a voxel.
    shift : int
        Added to intensities before they are squared.
    """

    values: Values
    p: Values
    voxel_mm3: float
    shift: int

    @classmethod
    def of_regions(
        cls,
        values: Values,
        counts: npt.NDArray[Any],
        spacing_mm: tuple[float, ...],
        shift: int = 0,
    ) -> Intensities:
        """Take the intensities of regions.

        Parameters
        ----------
        values : ndarray of float64, shape (regions, n)
            Intensities; NaN where a window leaves the ROI. No row is all NaN.
        counts : ndarray of numbers, shape (regions, levels)
            Voxels of each region and grey level.
        spacing_mm : tuple of float
            Size of a voxel, (z, y, x).
        shift : int
            Added to intensities before they are squared.

        Returns
        -------
        Intensities
            One row a region.
        """
        p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return cls(values, p, float(np.multiply.reduce(spacing_mm[::-1])), shift)

    @cached_property
    def ordered(self) -> Values:
        """Intensities of each region, ascending; NaN comes last."""
        return np.sort(np.ascontiguousarray(self.values), axis=1)

    @cached_property
    def count(self) -> npt.NDArray[np.int64]:
        """Intensities of each region that are not NaN."""
        return np.asarray(np.count_nonzero(~np.isnan(self.values), axis=1))

    @cached_property
    def mean(self) -> Values:
        """Mean intensity of each region."""
        return np.asarray(np.nanmean(self.values, axis=1))

    @cached_property
    def moments(self) -> Values:
        """Second, third and fourth central moment of each region, shape (3, regions)."""
        sums = power_sums(np.ascontiguousarray(self.values), self.mean)
        return np.asarray(sums / self.count)

    @cached_property
    def energy(self) -> Values:
        """Sum of squared intensities of each region."""
        about = np.full(len(self.values), -float(self.shift))
        return np.asarray(power_sums(np.ascontiguousarray(self.values), about)[0])

    def at_rank(self, rank: npt.NDArray[np.int64]) -> Values:
        """Look up an intensity by its place in the order.

        Parameters
        ----------
        rank : ndarray of int64, shape (regions,)
            Places from 0.

        Returns
        -------
        ndarray of float64, shape (regions,)
            Intensities.
        """
        return np.asarray(self.ordered[np.arange(len(rank)), rank])

    def percentile(self, percent: int) -> Values:
        """Interpolate between the two intensities nearest to a percentile.

        Parameters
        ----------
        percent : int
            Of 100.

        Returns
        -------
        ndarray of float64, shape (regions,)
            Percentiles.
        """
        place = (self.count - 1) * (percent / 100)
        rank = np.floor(place).astype(np.int64)
        below, above = self.at_rank(rank), self.at_rank(np.minimum(rank + 1, self.count - 1))
        share, step = place - rank, above - below
        # From the nearer end, as numpy does: it rounds less.
        near = np.where(share < 0.5, below + step * share, above - step * (1 - share))
        return np.asarray(near)

    def deviation(self, lowest: Values, highest: Values) -> Values:
        """Average the distances from the mean, within limits.

        Parameters
        ----------
        lowest, highest : ndarray of float64, shape (regions,)
            Limits of intensity.

        Returns
        -------
        ndarray of float64, shape (regions,)
            Mean absolute deviations; NaN where no intensity lies within the limits.
        """
        return np.asarray(absolute_deviation(self.ordered, lowest, highest))


def _matrix(roi: Roi, setting: FirstOrderSetting) -> Intensities:
    """Take the intensities of an ROI."""
    values = roi.intensities.astype(float)[None]
    counts = roi.level_counts[roi.grey_levels][None]
    return Intensities.of_regions(values, counts, roi.spacing_mm, setting.voxelArrayShift)


def _of_windows(windows: Windows, setting: FirstOrderSetting) -> Intensities:
    """Take the intensities of windows."""
    whole = windows.whole
    values, counts = window_intensities(
        whole.flat_intensities, whole.flat.levels, windows.places, whole.steps, whole.top
    )
    return Intensities.of_regions(values, counts, whole.roi.spacing_mm, setting.voxelArrayShift)


FIRSTORDER = FeatureClass(
    "firstorder",
    _matrix,
    of_windows=_of_windows,
    undefined="no intensity of the ROI lies between the 10th and the 90th percentile",
)


@FIRSTORDER.feature("Energy", "N8CA")
def energy(m: Intensities) -> Values:
    """Sum of squared intensities."""
    return m.energy


@FIRSTORDER.feature("TotalEnergy")
def total_energy(m: Intensities) -> Values:
    """Energy times the volume of a voxel."""
    return m.energy * m.voxel_mm3


@FIRSTORDER.feature("RootMeanSquared", "5ZWQ")
def root_mean_squared(m: Intensities) -> Values:
    """Root of the mean squared intensity."""
    return np.sqrt(m.energy / m.count)


@FIRSTORDER.feature("Entropy", "TLU2")
def entropy(m: Intensities) -> Values:
    """Entropy of grey levels in bits."""
    return np.asarray(-np.sum(m.p * np.log2(m.p + EPSILON), axis=1))


@FIRSTORDER.feature("Uniformity", "BJ5W")
def uniformity(m: Intensities) -> Values:
    """Sum of squared shares of grey levels."""
    return np.asarray(np.sum(m.p**2, axis=1))


@FIRSTORDER.feature("Minimum", "1GSF")
def minimum(m: Intensities) -> Values:
    """Least intensity."""
    return m.ordered[:, 0]


@FIRSTORDER.feature("10Percentile", "QG58")
def percentile_10(m: Intensities) -> Values:
    """Intensity that a tenth of the voxels do not exceed."""
    return m.percentile(10)


@FIRSTORDER.feature("90Percentile", "8DWT")
def percentile_90(m: Intensities) -> Values:
    """Intensity that nine tenths of the voxels do not exceed."""
    return m.percentile(90)


@FIRSTORDER.feature("Maximum", "84IY")
def maximum(m: Intensities) -> Values:
    """Largest intensity."""
    return m.at_rank(m.count - 1)


@FIRSTORDER.feature("Mean", "Q4LE")
def mean(m: Intensities) -> Values:
    """Mean intensity."""
    return m.mean


@FIRSTORDER.feature("Median", "Y12H")
def median(m: Intensities) -> Values:
    """Middle intensity, or the mean of both."""
    return (m.at_rank((m.count - 1) // 2) + m.at_rank(m.count // 2)) / 2


@FIRSTORDER.feature("InterquartileRange", "SALO")
def interquartile_range(m: Intensities) -> Values:
    """Distance between the quartiles."""
    return m.percentile(75) - m.percentile(25)


@FIRSTORDER.feature("Range", "2OJQ")
def range_of_intensities(m: Intensities) -> Values:
    """Distance between largest and least intensity."""
    return np.asarray(maximum(m) - minimum(m))


@FIRSTORDER.feature("MeanAbsoluteDeviation", "4FUA")
def mean_absolute_deviation(m: Intensities) -> Values:
    """Mean distance from the mean."""
    return m.deviation(minimum(m), maximum(m))


@FIRSTORDER.feature("RobustMeanAbsoluteDeviation", "1128")
def robust_mean_absolute_deviation(m: Intensities) -> Values:
    """Mean distance from the mean, of intensities between the 10th and the 90th percentile."""
    return m.deviation(m.percentile(10), m.percentile(90))


@FIRSTORDER.feature("Variance", "ECT3")
def variance(m: Intensities) -> Values:
    """Second central moment."""
    return np.asarray(m.moments[0])


@FIRSTORDER.feature("StandardDeviation", only_named=True)
def standard_deviation(m: Intensities) -> Values:
    """Root of the variance."""
    return np.asarray(np.sqrt(m.moments[0]))


@FIRSTORDER.feature("Skewness", "KE2A")
def skewness(m: Intensities) -> Values:
    """Third central moment in units of the standard deviation; 0 where nothing varies."""
    second, third, _ = m.moments
    return np.asarray(third / _not_zero(second) ** 1.5)


@FIRSTORDER.feature("Kurtosis", "IPH6")
def kurtosis(m: Intensities) -> Values:
    """Fourth central moment in units of the variance: 3 for a normal distribution.

    IBSI's IPH6 is the excess over that, 3 less.
    """
    second, _, fourth = m.moments
    return np.asarray(fourth / _not_zero(second) ** 2)


def _not_zero(moment: Values) -> Values:
    return np.where(moment == 0, 1.0, moment)
