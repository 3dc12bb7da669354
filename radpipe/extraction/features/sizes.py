"""Formulas on matrices of grey level against size: runs (GLRLM), zones (GLSZM), dependences (GLDM).

The three classes count different things and ask the same of them; each gives these formulas its
own names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features.groups import EPSILON, Directions, Tally, Values


@dataclass(frozen=True)
class SizeMatrix(Directions):
    """Counts of things by grey level and size, a matrix for each region and direction.

    Attributes
    ----------
    i : ndarray of float64, shape (entries,)
        Grey level.
    j : ndarray of float64, shape (entries,)
        Size in voxels.
    n : ndarray of float64, shape (entries,)
        Number of things; none is 0.
    """

    i: Values
    j: Values
    n: Values

    @classmethod
    def of(cls, counts: npt.NDArray[np.float64], grey_levels: npt.NDArray[np.int64]) -> SizeMatrix:
        """Take an ROI's matrices.

        Parameters
        ----------
        counts : ndarray of float64, shape (directions, levels, sizes)
            Numbers of things; sizes from 1.
        grey_levels : ndarray of int64, shape (levels,)
            The grey levels.

        Returns
        -------
        SizeMatrix
            One region.
        """
        direction, level, size = np.nonzero(counts)
        n = counts[direction, level, size]
        i, j = grey_levels[level].astype(float), (size + 1).astype(float)
        return cls(direction, len(counts), 1, i, j, n)

    @cached_property
    def total(self) -> Values:
        """Number of things in each matrix."""
        return self.sum(self.n)

    @cached_property
    def levels(self) -> Tally:
        """Numbers of things by grey level."""
        return Tally.of(self, self.i, self.n)

    @cached_property
    def sizes(self) -> Tally:
        """Numbers of things by size."""
        return Tally.of(self, self.j, self.n)

    def per_thing(self, numbers: Values) -> Values:
        """Add up over a matrix, divide by its things, average over directions.

        Parameters
        ----------
        numbers : ndarray of float64, shape (entries,)
            A number for each entry.

        Returns
        -------
        ndarray of float64, shape (regions,)
            Means.
        """
        return np.asarray(self.over_directions(self.sum(numbers) / self.total))


def small_emphasis(m: SizeMatrix) -> Values:
    """Mean of 1 / size²."""
    return m.per_thing(m.n / m.j**2)


def large_emphasis(m: SizeMatrix) -> Values:
    """Mean of size²."""
    return m.per_thing(m.n * m.j**2)


def low_level_emphasis(m: SizeMatrix) -> Values:
    """Mean of 1 / level²."""
    return m.per_thing(m.n / m.i**2)


def high_level_emphasis(m: SizeMatrix) -> Values:
    """Mean of level²."""
    return m.per_thing(m.n * m.i**2)


def small_low_emphasis(m: SizeMatrix) -> Values:
    """Mean of 1 / (size² level²)."""
    return m.per_thing(m.n / (m.i**2 * m.j**2))


def small_high_emphasis(m: SizeMatrix) -> Values:
    """Mean of level² / size²."""
    return m.per_thing(m.n * m.i**2 / m.j**2)


def large_low_emphasis(m: SizeMatrix) -> Values:
    """Mean of size² / level²."""
    return m.per_thing(m.n * m.j**2 / m.i**2)


def large_high_emphasis(m: SizeMatrix) -> Values:
    """Mean of size² level²."""
    return m.per_thing(m.n * (m.j**2 * m.i**2))


def level_non_uniformity(m: SizeMatrix) -> Values:
    """Sum of squared numbers by grey level, over all things."""
    return np.asarray(m.over_directions(m.levels.sum(m.levels.n**2) / m.total))


def level_non_uniformity_normalised(m: SizeMatrix) -> Values:
    """Level non-uniformity as a share of all things."""
    return np.asarray(m.over_directions(m.levels.sum(m.levels.n**2) / m.total**2))


def size_non_uniformity(m: SizeMatrix) -> Values:
    """Sum of squared numbers by size, over all things."""
    return np.asarray(m.over_directions(m.sizes.sum(m.sizes.n**2) / m.total))


def size_non_uniformity_normalised(m: SizeMatrix) -> Values:
    """Size non-uniformity as a share of all things."""
    return np.asarray(m.over_directions(m.sizes.sum(m.sizes.n**2) / m.total**2))


def percentage(m: SizeMatrix) -> Values:
    """Things for each voxel."""
    return np.asarray(m.over_directions(m.total / m.sum(m.n * m.j)))


def level_variance(m: SizeMatrix) -> Values:
    """Variance of grey levels."""
    return np.asarray(m.over_directions(m.levels.shares(m.total).variance()))


def size_variance(m: SizeMatrix) -> Values:
    """Variance of sizes."""
    return np.asarray(m.over_directions(m.sizes.shares(m.total).variance()))


def entropy(m: SizeMatrix) -> Values:
    """Entropy of grey level and size together."""
    p = m.n / m.of_entry(m.total)
    return np.asarray(m.over_directions(-m.sum(p * np.log2(p + EPSILON))))
