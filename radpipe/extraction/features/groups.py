"""Numbers of many matrices at once, and what is added up within each.

A formula is written once and serves one ROI and a map of thousands of windows alike: its numbers
come in groups, one for each matrix, and :meth:`Groups.sum` adds up within them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.tally import add_equal_values

Values = npt.NDArray[np.float64]
# Keeps logarithms finite; PyRadiomics' constant.
EPSILON = float(np.spacing(1))


@dataclass(frozen=True)
class Groups:
    """Numbers that belong to several matrices.

    Attributes
    ----------
    group : ndarray of int64, shape (entries,)
        Which matrix each number belongs to.
    count : int
        Number of matrices.
    """

    group: npt.NDArray[np.int64]
    count: int

    @cached_property
    def first(self) -> npt.NDArray[np.int64]:
        """Where each matrix starts, if they follow one another, and the last ends."""
        return np.cumsum(np.bincount(self.group + 1, minlength=self.count + 1))

    def sum(self, numbers: Values) -> Values:
        """Add up within each matrix, one number after the other as PyRadiomics does.

        Parameters
        ----------
        numbers : ndarray of float64, shape (entries,)
            Numbers.

        Returns
        -------
        ndarray of float64, shape (matrices,)
            Sums.
        """
        # Without any entry bincount forgets that it counts in fractions.
        return np.bincount(self.group, numbers, self.count).astype(float, copy=False)

    def of_entry(self, values: Values) -> Values:
        """Give each number its matrix's value.

        Parameters
        ----------
        values : ndarray of float64, shape (matrices,)
            Values.

        Returns
        -------
        ndarray of float64, shape (entries,)
            Values.
        """
        return np.asarray(values[self.group])


@dataclass(frozen=True)
class Tally(Groups):
    """How often values occur, in several matrices.

    Attributes
    ----------
    value : ndarray of float64, shape (entries,)
        Values, ascending within a matrix.
    n : ndarray of float64, shape (entries,)
        How often; never 0.
    place : ndarray of int64
        Where the value of each entry that was counted stands among these.
    """

    value: Values
    n: Values
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, groups: Groups, value: npt.NDArray[Any], n: Values) -> Tally:
        """Add up the counts of equal values.

        Parameters
        ----------
        groups : Groups
            Which matrix each entry belongs to, ascending.
        value : ndarray, shape (entries,)
            Whole numbers from 0.
        n : ndarray of float64, shape (entries,)
            How often.

        Returns
        -------
        Tally
            Values that occur.
        """
        return cls(*_equal_values_added(groups, value, n))

    def shares(self, total: Values) -> Distribution:
        """Divide by what there is in all.

        Parameters
        ----------
        total : ndarray of float64, shape (matrices,)
            Sum of the counts of each matrix.

        Returns
        -------
        Distribution
            Of the same values.
        """
        p = self.n / self.of_entry(total)
        return Distribution(self.group, self.count, self.value, p, self.place)


@dataclass(frozen=True)
class Distribution(Groups):
    """Probabilities of values, for several matrices.

    Attributes
    ----------
    value : ndarray of float64, shape (entries,)
        Values, ascending within a matrix.
    p : ndarray of float64, shape (entries,)
        Their probabilities; none is 0.
    place : ndarray of int64
        Where the value of each entry that was added up stands among these.
    """

    value: Values
    p: Values
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, groups: Groups, value: npt.NDArray[Any], p: Values) -> Distribution:
        """Add up the probabilities of equal values.

        Parameters
        ----------
        groups : Groups
            Which matrix each entry belongs to, ascending.
        value : ndarray, shape (entries,)
            Whole numbers from 0.
        p : ndarray of float64, shape (entries,)
            Probabilities.

        Returns
        -------
        Distribution
            Values that occur.
        """
        return cls(*_equal_values_added(groups, value, p))

    def mean(self) -> Values:
        """Return each matrix's mean.

        Returns
        -------
        ndarray of float64, shape (matrices,)
            Means.
        """
        return self.sum(self.value * self.p)

    def variance(self) -> Values:
        """Return each matrix's variance.

        Returns
        -------
        ndarray of float64, shape (matrices,)
            Variances.
        """
        return self.sum(self.p * (self.value - self.of_entry(self.mean())) ** 2)

    def entropy(self) -> Values:
        """Return each matrix's entropy.

        Returns
        -------
        ndarray of float64, shape (matrices,)
            Bits.
        """
        return -self.sum(self.p * np.log2(self.p + EPSILON))


@dataclass(frozen=True)
class Directions(Groups):
    """Numbers of matrices, one for each region and direction.

    Attributes
    ----------
    regions : int
        1 for an ROI, the number of windows for maps. Matrices of one region follow one another.
    """

    regions: int

    @cached_property
    def empty(self) -> npt.NDArray[np.bool_]:
        """Matrices without entries."""
        return np.asarray(np.bincount(self.group, minlength=self.count) == 0)

    def over_directions(self, values: Any, *, of_all: bool = False) -> npt.NDArray[Any]:
        """Average a feature over the directions that have entries.

        Parameters
        ----------
        values : ndarray of float64 or complex128, shape (matrices,)
            One value a matrix.
        of_all : bool
            Give no mean where a direction has no entries.

        Returns
        -------
        ndarray, shape (regions,)
            Means; NaN where no direction has entries.
        """
        values = values.reshape(self.regions, -1)
        missing = self.empty.reshape(values.shape) | np.isnan(values)
        total = np.where(missing, 0.0, values).sum(axis=1)
        mean = total / (~missing).sum(axis=1)
        return np.where(missing.any(axis=1), np.nan, mean) if of_all else mean


def _equal_values_added(
    groups: Groups, value: npt.NDArray[Any], number: Values
) -> tuple[npt.NDArray[np.int64], int, Values, Values, npt.NDArray[np.int64]]:
    whole = value.astype(np.int64, copy=False)
    group, found, added, place = add_equal_values(
        groups.group, whole, number, int(whole.max(initial=0))
    )
    return group, groups.count, found.astype(float), added, place
