"""How far a patient lies from the training patients, told by a model that holds none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from radpipe.prognosis.survival.endpoint import Floats

# Of so many columns a distance is mostly noise, and those beyond hardly move the risk.
MOST_COLUMNS = 50
# In percent of the training patients: beyond it, a patient is called unlike them.
UNLIKE = 99.0
_NORMAL_QUARTILES = 1.349
# However many patients: columns that are sums of each other leave no other way to an inverse.
_LEAST_SHRINKAGE = 1e-3
_GRID = np.arange(101.0)


@dataclass(frozen=True)
class TrainingDistance:
    """Mahalanobis distance to the centre of the training patients.

    Each column is taken in robust units, asinh((x - median) / spread): radiomics features have long
    tails, which a covariance cannot describe, and a far value must stay far. The covariance is
    shrunk (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4). What is missing is put at the
    median, and so brings no distance. Distances are compared with those of the training patients,
    each from a centre and covariance that were made without it.

    Attributes
    ----------
    columns : list of str
        Columns of numbers.
    middle, spread : ndarray of float64, shape (q,)
        Median of training, and interquartile range as a standard deviation.
    centre : ndarray of float64, shape (q,)
        Mean in robust units.
    precision : ndarray of float64, shape (q, q)
        Inverse covariance in robust units.
    percentiles : ndarray of float64, shape (101,)
        Of the training patients' distances.
    """

    columns: list[str]
    middle: Floats
    spread: Floats
    centre: Floats
    precision: Floats
    percentiles: Floats

    @classmethod
    def fit(cls, X: pd.DataFrame, ranked: Sequence[str]) -> Self | None:
        """Learn from training patients.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training table.
        ranked : sequence of str
            What the model uses, the most important first; of these, columns of numbers that differ
            between patients are taken, ``MOST_COLUMNS`` at most.

        Returns
        -------
        TrainingDistance or None
            None where there is no such column.
        """
        numbers = X.select_dtypes(["number", "bool"])
        asked = [name for name in ranked if name in numbers.columns][:MOST_COLUMNS]
        if not asked:
            return None
        values = numbers[asked].to_numpy(np.float64, na_value=np.nan)
        middle, spread = _robust_scale(values)
        kept = spread > 0
        if not kept.any():
            return None
        columns = [name for name, good in zip(asked, kept, strict=True) if good]
        units = _robust_units(values[:, kept], middle[kept], spread[kept])
        centre, precision, distances = _learn(units)
        percentiles = np.percentile(distances, _GRID)
        return cls(columns, middle[kept], spread[kept], centre, precision, percentiles)

    def distances(self, X: pd.DataFrame) -> Floats:
        """Measure.

        Parameters
        ----------
        X : DataFrame, shape (m, ...)
            With these columns.

        Returns
        -------
        ndarray of float64, shape (m,)
            About the square root of the number of columns for a patient like the others.
        """
        values = X[self.columns].to_numpy(np.float64, na_value=np.nan)
        apart = _robust_units(values, self.middle, self.spread) - self.centre
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", apart, self.precision, apart)))

    def percentile_of(self, X: pd.DataFrame) -> Floats:
        """Compare with the training patients.

        Parameters
        ----------
        X : DataFrame, shape (m, ...)
            With these columns.

        Returns
        -------
        ndarray of float64, shape (m,)
            Percent of the training patients who lie nearer; 100: none lies farther.
        """
        return np.asarray(np.interp(self.distances(X), self.percentiles, _GRID))

    def write(self) -> dict[str, Any]:
        """Write it.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        arrays = ("middle", "spread", "centre", "precision", "percentiles")
        return {"columns": self.columns} | {name: getattr(self, name).tolist() for name in arrays}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Take back what :meth:`write` wrote.

        Parameters
        ----------
        state : dict
            What it returned.

        Returns
        -------
        TrainingDistance
            The same.
        """
        arrays = {name: np.array(value) for name, value in state.items() if name != "columns"}
        return cls(columns=state["columns"], **arrays)


def _robust_scale(values: Floats) -> tuple[Floats, Floats]:
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)
    low, middle, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / _NORMAL_QUARTILES
    # Half the patients may share a value, such as zero lymph nodes.
    return middle, np.where(spread > 0, spread, np.nanstd(known, axis=0))


def _robust_units(values: Floats, middle: Floats, spread: Floats) -> Floats:
    return np.asarray(np.nan_to_num(np.arcsinh((values - middle) / spread), nan=0.0))


def _learn(units: Floats) -> tuple[Floats, Floats, Floats]:
    """Return centre, inverse covariance, and each row's distance from all the others."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    centre = units.mean(axis=0)
    apart = units - centre
    rows, columns = units.shape
    covariance = apart.T @ apart / rows
    found = float(ledoit_wolf_shrinkage(apart, assume_centered=True))
    shrinkage = max(found, _LEAST_SHRINKAGE)
    target = shrinkage * np.trace(covariance) / columns * np.eye(columns)
    precision = np.linalg.inv((1 - shrinkage) * covariance + target)
    if rows < 2:
        return centre, precision, np.zeros(rows)
    # Without a row, the mean moves away from it and the covariance loses a multiple of its square:
    # the inverse of the rest follows by Sherman and Morrison, with no inversion for each row.
    share = (1 - shrinkage) * rows / (rows - 1)
    inverse = np.linalg.inv(share * covariance + target)
    leverage = np.einsum("ij,jk,ik->i", apart, inverse, apart)
    squares = leverage / (1 - share / (rows - 1) * leverage) * (rows / (rows - 1)) ** 2
    return centre, precision, np.sqrt(squares)
