"""How each column alone goes with the outcome: score tests of all columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, events_of, is_binary

# A variance this small beside the sum of squares is that of a constant column.
_ROUNDING = 1e-12


def score_test(values: Floats, y: NDArray[Any]) -> Floats:
    """Test each column alone by the score at an effect of 0, which needs no model to be fitted.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
        NaN where missing: a patient counts in the columns that know him.
    y : ndarray, shape (n,)
        Endpoint with times: the Cox partial likelihood with Breslow's ties. Of bool: logistic
        regression, where z is the correlation times the root of n.

    Returns
    -------
    ndarray of float64, shape (p,)
        z, standard normal where there is no effect; higher values with more events: positive. 0
        where nothing varies.
    """
    present = ~np.isnan(values)
    weights = present if not present.all() else present[:, :1]
    weights = weights.astype(np.float64)
    mean = np.where(present, values, 0.0).sum(axis=0) / np.maximum(weights.sum(axis=0), 1.0)
    centred = np.where(present, values - mean, 0.0)
    score, variance = (_logistic if is_binary(y) else _cox)(centred, weights, y)
    scale = (centred**2).sum(axis=0)
    rounding = _ROUNDING * np.maximum(scale, (weights * mean**2).sum(axis=0))
    varies = (scale > rounding) & (variance > rounding)
    return np.where(varies, score / np.sqrt(np.where(varies, variance, 1.0)), 0.0)


def explained(statistic: ArrayLike, y: NDArray[Any]) -> Floats:
    """Turn a chi-square statistic into a share of variation explained, between 0 and 1.

    Parameters
    ----------
    statistic : array-like of float
        Of a score, log-rank or likelihood-ratio test.
    y : ndarray, shape (n,)
        The endpoint it is of.

    Returns
    -------
    ndarray of float64
        1 - exp(-statistic / k), with k the number of events where there are times, else that of
        patients: an effect has then the same share whatever the censoring.

    Notes
    -----
    Cox and Snell; for the number of events O'Quigley et al. 2005, doi 10.1002/sim.1946.
    """
    informative = len(y) if is_binary(y) else np.count_nonzero(events_of(y))
    return np.asarray(-np.expm1(-np.asarray(statistic) / max(int(informative), 1)))


def _logistic(centred: Floats, weights: Floats, y: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    share = (weights * y[:, np.newaxis]).sum(axis=0) / np.maximum(weights.sum(axis=0), 1.0)
    return y.astype(np.float64) @ centred, share * (1 - share) * (centred**2).sum(axis=0)


def _cox(centred: Floats, weights: Floats, y: Endpoint) -> tuple[Floats, Floats]:
    latest_first = np.argsort(-y["time"], kind="stable")
    event, time = y["event"][latest_first], y["time"][latest_first]
    x, w = centred[latest_first], weights[latest_first]
    # All patients of one time are at risk at it: the last of them ends the sum.
    at_risk = np.searchsorted(-time, -time[event], side="right") - 1
    count = np.maximum(np.cumsum(w, axis=0)[at_risk], 1.0)
    mean = np.cumsum(x, axis=0)[at_risk] / count
    square = np.cumsum(x**2, axis=0)[at_risk] / count
    score = (x[event] - w[event] * mean).sum(axis=0)
    return score, (w[event] * (square - mean**2)).sum(axis=0)
