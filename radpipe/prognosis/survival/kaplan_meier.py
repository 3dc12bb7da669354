"""Kaplan and Meier's estimate of the survival curve."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint

_Z = NormalDist().inv_cdf(0.975)


def kaplan_meier(endpoint: Endpoint) -> tuple[Floats, Floats]:
    """Estimate the survival curve of one group.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.

    Returns
    -------
    times : ndarray of float64, shape (k,)
        Every distinct time, ascending, censoring times among them.
    survival : ndarray of float64, shape (k,)
        Probability of no event up to and including that time.

    Notes
    -----
    Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452. A patient censored at the time of
    an event counts as at risk there.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> kaplan_meier(make_endpoint([True, False, True], [1, 2, 3]))[1].round(3).tolist()
    [0.667, 0.667, 0.0]
    """
    event, time = check_endpoint(endpoint)
    times, places = np.unique(time, return_inverse=True)
    events = np.bincount(places, weights=event, minlength=len(times))
    survival = np.cumprod(1.0 - events / numbers_at_risk(endpoint, times), dtype=np.float64)
    return times, survival


def survival_at(curve: tuple[ArrayLike, ArrayLike], times: ArrayLike) -> Floats:
    """Read a survival curve.

    Parameters
    ----------
    curve : tuple of array-like
        Times and survival of :func:`kaplan_meier`.
    times : array-like of float, shape (k,)
        When; beyond the last follow-up the curve stays flat.

    Returns
    -------
    ndarray of float64, shape (k,)
        Probabilities of no event up to and including each.

    Examples
    --------
    >>> survival_at(([2.0, 5.0], [0.8, 0.3]), [1, 2, 9]).tolist()
    [1.0, 0.8, 0.3]
    """
    at, survival = curve
    steps = np.searchsorted(np.asarray(at), np.asarray(times, dtype=float), side="right")
    return np.asarray(np.concatenate([[1.0], np.asarray(survival)])[steps])


def numbers_at_risk(endpoint: Endpoint, times: ArrayLike) -> NDArray[np.intp]:
    """Count the patients still under observation just before each time.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    times : array-like of float, shape (k,)
        When to count.

    Returns
    -------
    ndarray of int, shape (k,)
        Patients whose own time is not earlier.
    """
    _, time = check_endpoint(endpoint)
    return len(time) - np.searchsorted(np.sort(time), np.asarray(times, dtype=float), side="left")


def reverse_kaplan_meier(endpoint: Endpoint) -> tuple[Floats, Floats]:
    """Estimate the probability of not being censored: Kaplan-Meier with the roles exchanged.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.

    Returns
    -------
    times : ndarray of float64, shape (k,)
        Every distinct time, ascending, event times among them.
    followed : ndarray of float64, shape (k,)
        Probability of no censoring up to and including that time.
    """
    event, time = check_endpoint(endpoint)
    times, places = np.unique(time, return_inverse=True)
    events = np.bincount(places, weights=event, minlength=len(times))
    censored = np.bincount(places, weights=~event, minlength=len(times))
    # At a shared time the events come first: whoever dies is no longer there to be censored.
    at_risk = numbers_at_risk(endpoint, times) - events
    return times, np.cumprod(1 - censored / np.maximum(at_risk, 1), dtype=np.float64)


def median_follow_up(endpoint: Endpoint) -> float:
    """Return the median follow-up, by the reverse Kaplan-Meier estimate.

    Events end the observation here as censoring does elsewhere, so that a deadly disease does not
    look like a short follow-up (Schemper and Smith 1996, doi 10.1016/0197-2456(96)00075-X).

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.

    Returns
    -------
    float
        In the unit of ``time``; NaN where fewer than half were censored by the end.
    """
    times, still_followed = reverse_kaplan_meier(endpoint)
    # The product of fractions can miss one half by its last bit.
    reached = np.flatnonzero(still_followed <= 0.5 + 1e-12)
    return float(times[reached[0]]) if len(reached) else float("nan")


def log_log_band(survival: Floats, at_risk: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Give a Kaplan-Meier curve its pointwise 95 % band.

    Greenwood's variance on the scale of log(-log S), so that the band stays between 0 and 1
    (Greenwood 1926; Kalbfleisch and Prentice 1980, doi 10.1002/9781118032985).

    Parameters
    ----------
    survival : ndarray of float64, shape (k,)
        The curve at its distinct times.
    at_risk : ndarray of int, shape (k,)
        Patients at risk at these times.

    Returns
    -------
    low, high : ndarray of float64, shape (k,)
        1 before the first event; NaN where survival is 0.
    """
    died = 1 - survival / np.concatenate([[1.0], survival[:-1]]).clip(1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(died / (at_risk * (1 - died)))
        log_survival = np.log(survival)
        half = _Z * np.sqrt(variance) / np.abs(log_survival)
        low, high = survival ** np.exp(half), survival ** np.exp(-half)
    untouched, ended = survival >= 1, survival <= 0
    low, high = (np.where(untouched, 1.0, np.where(ended, np.nan, limit)) for limit in (low, high))
    return low, high
