"""Net benefit: whether acting on the model does more good than treating all, or none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.endpoint import (
    Floats,
    check_probabilities,
    events_of,
    is_binary,
)
from radpipe.prognosis.survival.observed_risk import survival_estimate


def net_benefit(
    endpoint: NDArray[Any],
    probability: ArrayLike,
    thresholds: ArrayLike,
    time: float | None = None,
) -> Floats:
    """Weigh the patients rightly flagged against those flagged in vain, at each threshold.

    A threshold probability says how many needless treatments one would accept for a needed one:
    at 0.2, four. Discrimination and calibration both enter, so a badly calibrated model can do
    harm. Nothing here is tested; a curve over thresholds that nobody would act on says nothing.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Of bool where the event happened, or structured with ``event`` and ``time``.
    probability : array-like of float, shape (n,)
        Predicted, of the event (by ``time``).
    thresholds : array-like of float, shape (k,)
        Patients with at least this probability are flagged; between 0 and 1.
    time : float, optional
        Horizon; needed with times.

    Returns
    -------
    ndarray of float64, shape (k,)
        True positives per patient, less the false ones at the threshold's odds; 0 flags nobody.

    Raises
    ------
    ValueError
        A value is no probability, a threshold is not between 0 and 1, or ``time`` is missing.

    Notes
    -----
    Vickers and Elkin 2006, doi 10.1177/0272989X06295361; with censoring Vickers et al. 2008,
    doi 10.1186/1472-6947-8-53: the risk of those flagged is Kaplan and Meier's. Where the
    follow-up of the flagged ends before ``time``, their curve is carried on flat, which
    understates the benefit.

    Examples
    --------
    >>> net_benefit(np.array([True, False, True, False]), [0.9, 0.6, 0.4, 0.1], [0.5]).tolist()
    [0.0]
    """
    predicted = check_probabilities(probability, len(endpoint), 1)[:, 0]
    return np.array([_benefit(endpoint, predicted >= at, at, time) for at in _between(thresholds)])


def net_benefit_all(
    endpoint: NDArray[Any], thresholds: ArrayLike, time: float | None = None
) -> Floats:
    """Give the net benefit of flagging everyone, which a model must beat.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        As for :func:`net_benefit`.
    thresholds : array-like of float, shape (k,)
        Between 0 and 1.
    time : float, optional
        Horizon; needed with times.

    Returns
    -------
    ndarray of float64, shape (k,)
        Below 0 where the threshold exceeds the share of events.

    Raises
    ------
    ValueError
        A threshold is not between 0 and 1, or ``time`` is missing.
    """
    everyone = np.ones(len(endpoint), dtype=bool)
    return np.array([_benefit(endpoint, everyone, at, time) for at in _between(thresholds)])


def _between(thresholds: ArrayLike) -> Floats:
    values = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    if not ((values > 0) & (values < 1)).all():
        raise ValueError("a threshold probability lies between 0 and 1")
    return values


def _benefit(
    endpoint: NDArray[Any], flagged: NDArray[np.bool_], threshold: float, time: float | None
) -> float:
    if not flagged.any():
        return 0.0
    risk = _risk(endpoint[flagged], time)
    return float(flagged.mean() * (risk - (1 - risk) * threshold / (1 - threshold)))


def _risk(endpoint: NDArray[Any], time: float | None) -> float:
    if is_binary(endpoint):
        return float(events_of(endpoint).mean())
    if time is None:
        raise ValueError("an endpoint with times needs the time to decide for")
    return 1 - survival_estimate(endpoint, time)
