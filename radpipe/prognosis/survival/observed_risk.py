"""The share of patients with the event by a time: what a predicted risk is held against."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from radpipe.prognosis.survival.endpoint import Endpoint, check_endpoint
from radpipe.prognosis.survival.intervals import Interval
from radpipe.prognosis.survival.kaplan_meier import kaplan_meier, numbers_at_risk, survival_at

_Z = NormalDist().inv_cdf(0.975)


def observed_risk(endpoint: Endpoint, time: float) -> Interval:
    """Estimate the probability of the event by a time, with a 95 % interval that always exists.

    A small group often has no event, or nothing but events; Greenwood's variance then gives no
    interval at all. Rothman's does: that of a share (Wilson's) among as many patients as would
    yield Greenwood's variance without censoring.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    time : float
        Horizon.

    Returns
    -------
    Interval
        One minus Kaplan and Meier's estimate, with its limits.

    Raises
    ------
    ValueError
        Follow-up ended before, with patients still free of the event.

    Notes
    -----
    Rothman 1978, J Chronic Dis 31:557-560. Without events the patients at risk at ``time`` count,
    with nothing but events the events.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> cohort = make_endpoint([True, False, True, True], [1, 2, 3, 4])
    >>> [round(end, 3) for end in observed_risk(cohort, 3)]
    [0.625, 0.18, 0.927]
    """
    estimate = 1 - survival_estimate(endpoint, time)
    if estimate < 1 and time > endpoint["time"].max():
        raise ValueError(f"follow-up ends at {endpoint['time'].max():g}, before {time:g}")
    return wilson(estimate, _as_many_as(endpoint, time, estimate))


def survival_estimate(endpoint: Endpoint, time: float) -> float:
    """Give Kaplan and Meier's estimate at a time; beyond the last follow-up it stays flat.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    time : float
        Horizon.

    Returns
    -------
    float
        Probability of no event by then.
    """
    return float(survival_at(kaplan_meier(endpoint), time))


def wilson(share: float, patients: float) -> Interval:
    """Give a share among some patients Wilson's 95 % interval.

    Parameters
    ----------
    share : float
        Between 0 and 1.
    patients : float
        Out of how many.

    Returns
    -------
    Interval
        Within 0 and 1 (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Examples
    --------
    >>> [round(end, 4) for end in wilson(0.0, 10)]
    [0.0, 0.0, 0.2775]
    """
    scale = 1 + _Z**2 / patients
    middle = (share + _Z**2 / (2 * patients)) / scale
    half = _Z * np.sqrt(share * (1 - share) / patients + (_Z / (2 * patients)) ** 2) / scale
    return Interval(share, max(float(middle - half), 0.0), min(float(middle + half), 1.0))


def _as_many_as(endpoint: Endpoint, time: float, risk: float) -> float:
    event, follow_up = check_endpoint(endpoint)
    counted = event & (follow_up <= time)
    if risk == 0:
        return float(max((follow_up >= time).sum(), 1))
    if risk == 1:
        return float(counted.sum())
    times, events = np.unique(follow_up[counted], return_counts=True)
    at_risk = numbers_at_risk(endpoint, times)
    greenwood = float((events / (at_risk * (at_risk - events))).sum())
    return risk / ((1 - risk) * greenwood)
