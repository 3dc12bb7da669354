"""ComBat's formulas, on sums alone: no loop over patients.

Johnson, Li and Rabinovic 2007, doi 10.1093/biostatistics/kxj037, section 3; the names of their
symbols stand beside ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats

_ROUNDING = 1e-12
# In standard deviations: far below what any feature is known to.
_CONVERGED, _MOST_ROUNDS = 1e-10, 1000


@dataclass(frozen=True)
class Moments:
    """Features over batches.

    Attributes
    ----------
    centre, deviation : ndarray of float64, shape (p,)
        Mean (alpha) and pooled standard deviation (sigma) of each feature; a deviation of 0 where
        it does not vary within batches.
    count : ndarray of float64, shape (b, p)
        Values present.
    location, squares : ndarray of float64, shape (b, p)
        Mean of the standardised values of each batch (gamma hat), and the sum of their squared
        distances from it.
    """

    centre: Floats
    deviation: Floats
    count: Floats
    location: Floats
    squares: Floats


def batch_moments(values: Floats, codes: NDArray[np.intp], batches: int) -> Moments:
    """Standardise features, and sum them up by batch.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
        NaN where missing.
    codes : ndarray of int, shape (n,)
        The batch of each row.
    batches : int
        Their number.

    Returns
    -------
    Moments
        With the variance pooled over all n values, as the paper has it.
    """
    member = np.eye(batches)[:, codes]
    present = ~np.isnan(values)
    count = member @ present
    total = np.maximum(count.sum(axis=0), 1.0)
    centre = np.where(present, values, 0.0).sum(axis=0) / total
    centred = np.where(present, values - centre, 0.0)
    location = member @ centred / np.maximum(count, 1.0)
    squares = member @ np.where(present, centred - member.T @ location, 0.0) ** 2
    deviation = np.sqrt(squares.sum(axis=0) / total)
    deviation = np.where(deviation > _ROUNDING * np.abs(centre), deviation, 0.0)
    unit = np.where(deviation > 0, deviation, 1.0)
    return Moments(centre, deviation, count, location / unit, squares / unit**2)


def adjust_batch(moments: Moments, batch: int) -> tuple[Floats, Floats]:
    """Shrink one batch's locations and variances towards those of all its features.

    Parameters
    ----------
    moments : Moments
        Of all batches.
    batch : int
        Which.

    Returns
    -------
    location, variance : ndarray of float64, shape (p,)
        Of the standardised values (gamma star, delta star squared); 0 and 1 where a feature does
        not vary.
    """
    n, hat = moments.count[batch], moments.location[batch]
    squares, varies = moments.squares[batch], moments.deviation > 0
    prior, spread = _mean_and_variance(hat, varies & (n > 0))
    m, s2 = _mean_and_variance(squares / np.maximum(n - 1, 1), varies & (n > 1))
    # The inverse gamma's lambda = (m² + 2 s2) / s2 and theta = (m³ + m s2) / s2, in a form that
    # stands variances that are all alike.
    weight = s2 * (n / 2 + 1) + m**2
    location, variance = hat, np.full(len(hat), m)
    for _ in range(_MOST_ROUNDS):
        before = location, variance
        location = (spread * n * hat + variance * prior) / _positive(spread * n + variance)
        distance = squares + n * (hat - location) ** 2
        variance = (m * s2 + m**3 + s2 * distance / 2) / _positive(weight)
        if _moved((location, variance), before) <= _CONVERGED:
            break
    usable = varies & (variance > 0)
    return np.where(usable, location, 0.0), np.where(usable, variance, 1.0)


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, 1.0)


def _moved(now: tuple[Floats, Floats], before: tuple[Floats, Floats]) -> float:
    return max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(now, before, strict=True))


def _mean_and_variance(values: Floats, where: NDArray[np.bool_]) -> tuple[float, float]:
    chosen = values[where]
    if not len(chosen):
        return 0.0, 0.0
    return float(chosen.mean()), float(chosen.var(ddof=1)) if len(chosen) > 1 else 0.0
