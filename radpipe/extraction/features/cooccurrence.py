"""The grey level co-occurrence matrix: how often two grey levels are neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features.groups import EPSILON, Directions, Distribution, Groups, Values
from radpipe.extraction.features.neighbours import (
    DistanceSetting,
    Offsets,
    WeightingSetting,
    directions_of,
    lengths_mm,
)
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi
from radpipe.extraction.kernels.cooccurrence import correlation_matrices, count_pairs
from radpipe.extraction.kernels.correlation import second_singular_values
from radpipe.extraction.kernels.tally import add_products, products
from radpipe.extraction.kernels.windows import window_pairs

# Of few grey levels eigenvalues may be rounding about 0, where only PyRadiomics' own solver agrees.
_FEW_LEVELS = 16
# The largest relative part of the epsilon in a divisor of Q that the symmetric solver is used for.
_SKEW = 1e-3


class GlcmSetting(DistanceSetting, WeightingSetting):
    """Settings of the matrix."""

    symmetricalGLCM: bool = True


@dataclass(frozen=True)
class Cooccurrence(Directions):
    """Co-occurrence probabilities, a matrix for each region and direction.

    Attributes
    ----------
    i, j : ndarray of int64, shape (entries,)
        Grey levels of voxel and neighbour; by matrix, then i, then j.
    p : ndarray of float64, shape (entries,)
        Probabilities of pairs; none is 0.
    levels : ndarray of int64
        Grey levels of the ROI, ascending.
    """

    i: npt.NDArray[np.int64]
    j: npt.NDArray[np.int64]
    p: Values
    levels: npt.NDArray[np.int64]

    @property
    def top(self) -> int:
        """The largest grey level of the ROI."""
        return int(self.levels[-1])

    @cached_property
    def rows(self) -> Distribution:
        """Marginal probabilities of i."""
        return Distribution.of(self, self.i, self.p)

    @cached_property
    def columns(self) -> Distribution:
        """Marginal probabilities of j."""
        return Distribution.of(self, self.j, self.p)

    @cached_property
    def sums(self) -> Distribution:
        """Probabilities of i + j."""
        return Distribution.of(self, self.i + self.j, self.p)

    @cached_property
    def differences(self) -> Distribution:
        """Probabilities of |i - j|."""
        return Distribution.of(self, np.abs(self.i - self.j), self.p)

    @cached_property
    def mean_i(self) -> Values:
        """Mean of i."""
        return self.sum(self.i * self.p)

    @cached_property
    def mean_j(self) -> Values:
        """Mean of j."""
        return self.sum(self.j * self.p)

    @cached_property
    def off_mean_i(self) -> Values:
        """Distance of i from its mean."""
        return self.i - self.of_entry(self.mean_i)

    @cached_property
    def off_mean_j(self) -> Values:
        """Distance of j from its mean."""
        return self.j - self.of_entry(self.mean_j)

    @cached_property
    def off_means(self) -> Values:
        """Distance of i + j from its mean."""
        return self.i + self.j - self.of_entry(self.mean_i) - self.of_entry(self.mean_j)

    @cached_property
    def spreads(self) -> tuple[Values, Values]:
        """Standard deviations of i and of j."""
        spread_i, spread_j = (
            self.sum(self.p * off_mean**2) ** 0.5 for off_mean in (self.off_mean_i, self.off_mean_j)
        )
        return spread_i, spread_j

    @cached_property
    def largest(self) -> Values:
        """The largest probability; NaN without entries."""
        starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        largest = np.full(self.count, np.nan)
        largest[self.group[starts]] = np.maximum.reduceat(self.p, starts) if starts.size else 0
        return largest

    @cached_property
    def joint_entropy(self) -> Values:
        """Entropy of pairs."""
        return -self.sum(self.p * np.log2(self.p + EPSILON))

    @cached_property
    def entropy_of_marginals(self) -> Values:
        """Cross entropy of pairs and the product of their marginals (HXY1)."""
        px, py = self.rows.p[self.rows.place], self.columns.p[self.columns.place]
        return -self.sum(self.p * np.log2(px * py + EPSILON))

    @cached_property
    def entropy_of_product(self) -> Values:
        """Entropy of the product of the marginals (HXY2)."""
        rows, columns = self.rows.first, self.columns.first
        product = products(rows, self.rows.p, columns, self.columns.p)
        # numpy's own logarithm, since equal entropies must be equal to the last bit.
        return -add_products(rows, columns, product * np.log2(product + EPSILON))

    @cached_property
    def maximal_correlations(self) -> Any:
        """Root of the second largest eigenvalue of each matrix's Q."""
        matrices = np.flatnonzero(~self.empty)
        row, column = (np.searchsorted(self.levels, level) for level in (self.i, self.j))
        dense = np.zeros((self.count, self.levels.size, self.levels.size))
        dense[self.group, row, column] = self.p
        second = np.full(self.count, np.nan, complex)
        # A real root of rounding below 0 is NaN, and left out of the mean, as in PyRadiomics.
        second[matrices] = np.sqrt(_second_eigenvalues(dense[matrices]))
        return second


@dataclass(frozen=True)
class FewLevels(Cooccurrence):
    """Co-occurrence probabilities of few grey levels.

    Of these a direction may well have one level only, or independent ones. Whether a spread is 0
    then, or two entropies are equal, is decided by the rounding of sums, and so by their order:
    by that in which PyRadiomics' array happens to lie in memory.

    Attributes
    ----------
    dense : ndarray of float64, shape (levels, levels, directions)
        The probabilities again, laid out as there.
    """

    dense: Values

    @cached_property
    def spreads(self) -> tuple[Values, Values]:
        """Standard deviations of i and of j."""
        p, levels = self.dense, self.levels.astype(float)
        spreads = []
        for value in (levels[:, None, None], levels[None, :, None]):
            mean = np.sum(value * p, (0, 1), keepdims=True)
            spreads.append(np.sum(p * (value - mean) ** 2, (0, 1)) ** 0.5)
        return spreads[0], spreads[1]

    @cached_property
    def joint_entropy(self) -> Values:
        """Entropy of pairs."""
        return np.asarray(-np.sum(self.dense * np.log2(self.dense + EPSILON), (0, 1)))

    @cached_property
    def entropy_of_product(self) -> Values:
        """Entropy of the product of the marginals (HXY2)."""
        px, py = self.dense.sum(1, keepdims=True), self.dense.sum(0, keepdims=True)
        return np.asarray(-np.sum(px * py * np.log2(px * py + EPSILON), (0, 1)))


@dataclass(frozen=True)
class WindowCooccurrence(Cooccurrence):
    """Co-occurrence probabilities of windows, whose matrices are many and small."""

    @cached_property
    def maximal_correlations(self) -> Any:
        """The same as a singular value; where eigenvalues are rounding about 0, it is 0."""
        x, y = self.rows, self.columns
        return second_singular_values(
            self.first, self.p, x.first, x.place, x.p, y.first, y.place, y.p
        )


def _second_eigenvalues(p: Values) -> Any:
    q = correlation_matrices(p, EPSILON)
    px, py = p.sum(axis=2), p.sum(axis=1)
    rarest = px[px > 0].min(initial=1) * py[py > 0].min(initial=1)
    if p.shape[1] <= _FEW_LEVELS or EPSILON / rarest > _SKEW:
        eigenvalues = np.linalg.eigvals(q)
    else:
        # Q is similar to a matrix that would be symmetric but for the epsilon in its divisors; the
        # eigenvalues of the symmetric part, five times faster, are off by its square at most.
        root = np.sqrt(np.where(px > 0, px, 1.0))
        similar = q * root[:, :, None] / root[:, None, :]
        eigenvalues = np.linalg.eigvalsh((similar + similar.transpose(0, 2, 1)) / 2)
    return np.sort(eigenvalues)[:, -2]


def cooccurrence(roi: Roi, setting: GlcmSetting) -> Cooccurrence:
    """Count the pairs of an ROI.

    Parameters
    ----------
    roi : Roi
        The ROI.
    setting : GlcmSetting
        Settings.

    Returns
    -------
    Cooccurrence
        One region.
    """
    offsets, flat = directions_of(roi, setting)
    grey_levels = roi.grey_levels
    counted = count_pairs(flat.codes, flat.voxels, offsets @ flat.strides, len(grey_levels))
    pairs = counted[:, 1:, 1:].astype(float)
    if setting.symmetricalGLCM:
        pairs = pairs + pairs.transpose(0, 2, 1)
    if setting.weightingNorm is not None:
        weights = _pair_weights(offsets, roi.spacing_mm, setting.weightingNorm)
        pairs = np.sum(np.moveaxis(pairs, 0, -1) * weights, axis=-1)[None]
    # Directions in which nobody has a neighbour count nowhere, not even in the joint average.
    used = pairs[pairs.any(axis=(1, 2))]
    a, i, j = np.nonzero(used)
    weight = used[a, i, j]
    p = weight / np.bincount(a, weight, len(used))[a]
    entries = a, len(used), 1, grey_levels[i], grey_levels[j], p, grey_levels
    if not 0 < len(grey_levels) <= _FEW_LEVELS:
        return Cooccurrence(*entries)
    gaps = len(grey_levels) < grey_levels[-1]
    dense = _laid_out(len(grey_levels), len(used), gaps, len(used) < len(pairs))
    dense[i, j, a] = p
    return FewLevels(*entries, dense)


def _laid_out(n: int, directions: int, gaps: bool, unused: bool) -> Values:
    """Make an array of levels, levels, directions, as it lies in memory in PyRadiomics.

    numpy leaves the axes in another order after deleting grey levels that do not occur, and after
    deleting directions without pairs.
    """
    if unused:
        last, first = (1, 2) if gaps else (2, 1)
        return np.zeros((directions, n, n)).transpose(last, first, 0)
    return np.zeros((n, n, directions)).transpose(*((0, 1) if gaps else (1, 0)), 2)


def window_cooccurrence(windows: Windows, setting: GlcmSetting) -> WindowCooccurrence:
    """Count the pairs of windows.

    Parameters
    ----------
    windows : Windows
        The windows.
    setting : GlcmSetting
        Settings.

    Returns
    -------
    WindowCooccurrence
        In the directions that any window of the ROI has pairs in.
    """
    whole, norm = windows.whole, setting.weightingNorm
    pairs = whole.pairs(tuple(setting.distances))
    weights = np.zeros(0)
    if norm is not None:
        weights = _pair_weights(pairs.offsets, whole.roi.spacing_mm, norm)
    group, i, j, n = window_pairs(
        whole.flat.levels, windows.places, whole.steps, pairs.first, pairs.a, pairs.b,
        weights, setting.symmetricalGLCM, whole.top,
    )  # fmt: skip
    counted = Groups(group, len(windows) * (1 if norm else len(pairs.offsets)))
    p = n / counted.of_entry(counted.sum(n))
    return WindowCooccurrence(group, counted.count, len(windows), i, j, p, whole.roi.grey_levels)


def _pair_weights(offsets: Offsets, spacing_mm: tuple[float, ...], norm: str) -> Values:
    """Weigh directions by how near the neighbours are: exp(-length²)."""
    if norm == "no_weighting":
        return np.ones(len(offsets))
    return np.asarray(np.exp(-(lengths_mm(offsets, spacing_mm, norm) ** 2)))
