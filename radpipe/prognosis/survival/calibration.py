"""Calibration: whether as many patients have the event as predicted."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.censoring import CensoringDistribution
from radpipe.prognosis.survival.concordance import NoPairsError
from radpipe.prognosis.survival.cox import fit_cox
from radpipe.prognosis.survival.endpoint import (
    Endpoint,
    Floats,
    check_endpoint,
    check_probabilities,
)
from radpipe.prognosis.survival.intervals import Interval
from radpipe.prognosis.survival.observed_risk import observed_risk, wilson
from radpipe.prognosis.survival.recalibration import (
    CLOGLOG,
    LOGIT,
    Link,
    intercept_of,
    on_scale,
    slope_of,
)

# A point that rests on fewer events has an interval as wide as the plot.
EVENTS_PER_POINT = 10

Observe = Callable[[NDArray[np.intp]], Interval]


class CalibrationPoint(NamedTuple):
    """A group of patients with similar predictions.

    Attributes
    ----------
    predicted : float
        Mean predicted probability of the event.
    observed : float
        Share that had it.
    low, high : float
        95 % interval of ``observed``.
    patients : int
        Their number.
    """

    predicted: float
    observed: float
    low: float
    high: float
    patients: int


class Calibration(NamedTuple):
    """How predicted probabilities of the event compare with what happened.

    Attributes
    ----------
    observed : float
        Share of patients with the event.
    expected : float
        Mean predicted probability.
    ratio : Interval
        Observed / expected; above 1 the model predicts too little.
    slope : float or None
        1 is right; below it the predictions are too extreme (overfitting). None where it does not
        exist: equal predictions, or a perfect parting.
    intercept : float or None
        Calibration-in-the-large: the shift that makes ``expected`` equal ``observed``; above 0 the
        model predicts too little. None where none or all had the event.
    curve : list of CalibrationPoint
        By quantiles of the prediction, ascending.
    """

    observed: float
    expected: float
    ratio: Interval
    slope: float | None
    intercept: float | None
    curve: list[CalibrationPoint]


def calibration_slope(
    endpoint: Endpoint, log_hazard: ArrayLike, strata: ArrayLike | None = None
) -> float:
    """Regress survival on the predicted log-hazard.

    The one summary of overfitting that needs no horizon: 0.5 says that differences between
    patients are half as large as predicted. It assumes proportional hazards and tells nothing of
    the average level (:func:`calibration_at` does).

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    log_hazard : array-like of float, shape (n,)
        Predicted; log(-log S) at one time will do as well.
    strata : array-like, shape (n,), optional
        Patients are compared within a stratum only, for example within an outer fold, each of
        which has its own baseline hazard.

    Returns
    -------
    float
        Cox coefficient; 1 is right.

    Raises
    ------
    NoPairsError
        No event, or predictions are equal wherever patients are compared.
    ValueError
        The predictions order the events without fault (or wholly wrongly): the slope is infinite.

    Notes
    -----
    Cox 1958, doi 10.1093/biomet/45.3-4.562; Royston and Altman 2013, doi 10.1186/1471-2288-13-33.
    """
    event, time, predicted = check_endpoint(endpoint, log_hazard)
    labels = np.zeros(len(time)) if strata is None else np.asarray(strata)
    if labels.shape != time.shape:
        raise ValueError(f"{labels.shape} strata for {len(time)} patients")
    # The slope is finite if somewhere an event had less than the most, and somewhere more than
    # the least, of those at risk.
    room = np.zeros(2)
    for label in np.unique(labels):
        room += _room(*(values[labels == label] for values in (event, time, predicted)))
    if not room.any():
        raise NoPairsError("no event among patients with differing predictions")
    if not room.all():
        raise ValueError("the predictions order all events alike: the slope is infinite")
    return float(fit_cox(predicted[:, np.newaxis], endpoint, strata=labels)[0])


def calibration_at(
    endpoint: Endpoint, survival: ArrayLike, time: float, groups: int = 5
) -> Calibration:
    """Compare predicted and observed risk at a horizon.

    Censored patients are neither events nor survivors: the observed shares are Kaplan and Meier's,
    and the slope weights those whose state at the horizon is known by the inverse probability of
    not being censored. Both are biased where censoring depends on the prognosis.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    survival : array-like of float, shape (n,)
        Predicted probability of no event by ``time``.
    time : float
        Horizon.
    groups : int
        Points of the curve; fewer where there are not 10 events for each, or a group's follow-up
        ends before ``time``.

    Returns
    -------
    Calibration
        Slope and intercept on the scale of log(-log S).

    Raises
    ------
    ValueError
        A value is no probability, all risks are 0, or follow-up ends before ``time``.

    Notes
    -----
    Intercept and slope at a horizon after van Geloven et al. 2022, doi 10.1136/bmj-2021-069249,
    with weights in the place of pseudo-observations. The interval of the ratio takes the
    prediction as fixed.
    """
    event, follow_up = check_endpoint(endpoint)
    risk = 1 - check_probabilities(survival, len(follow_up), 1)[:, 0]
    by_then = event & (follow_up <= time)
    weights = _known_state(endpoint, by_then, time)
    points = min(groups, int(by_then.sum()) // EVENTS_PER_POINT)
    return _summarise(
        lambda places: observed_risk(endpoint[places], time),
        risk,
        slope=slope_of(CLOGLOG, on_scale(CLOGLOG, risk), by_then, weights),
        link=CLOGLOG,
        groups=points,
    )


def binary_calibration(event: ArrayLike, probability: ArrayLike, groups: int = 5) -> Calibration:
    """Compare predicted probabilities of a binary endpoint with what happened.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        True: it happened.
    probability : array-like of float, shape (n,)
        Predicted, of the event.
    groups : int
        Points of the curve; fewer where there are not 10 patients with and 10 without for each.

    Returns
    -------
    Calibration
        Slope and intercept by logistic recalibration.

    Raises
    ------
    ValueError
        A value is no probability, the lengths differ, or all probabilities are 0.

    Notes
    -----
    Cox 1958, doi 10.1093/biomet/45.3-4.562; Van Calster et al. 2019, doi 10.1186/s12916-019-1466-7.

    Examples
    --------
    >>> binary_calibration([True, False, False, False], [0.6, 0.7, 0.1, 0.6]).ratio.estimate
    0.5
    """
    happened = np.asarray(event, dtype=bool)
    risk = check_probabilities(probability, len(happened), 1)[:, 0]
    fewer = min(int(happened.sum()), int((~happened).sum()))
    return _summarise(
        lambda places: wilson(float(happened[places].mean()), len(places)),
        risk,
        slope=slope_of(LOGIT, on_scale(LOGIT, risk), happened, np.ones(len(risk))),
        link=LOGIT,
        groups=min(groups, fewer // EVENTS_PER_POINT),
    )


def _room(event: NDArray[np.bool_], time: Floats, predicted: Floats) -> Floats:
    """Add up how far events lie below the highest and above the lowest prediction at risk."""
    order = np.argsort(-time, kind="stable")
    last = np.searchsorted(-time[order], -time[event], side="right") - 1
    highest = np.maximum.accumulate(predicted[order])[last]
    lowest = np.minimum.accumulate(predicted[order])[last]
    return np.array([(highest - predicted[event]).sum(), (predicted[event] - lowest).sum()])


def _known_state(endpoint: Endpoint, by_then: NDArray[np.bool_], time: float) -> Floats:
    """Weight whoever is known to have had the event by a time, or not to have had it."""
    censoring, follow_up = CensoringDistribution(endpoint), endpoint["time"]
    weights = np.zeros(len(endpoint))
    # Just before the event: then the weighted share of events is Kaplan and Meier's exactly.
    weights[by_then] = 1 / censoring.survival_before(follow_up[by_then])
    beyond = follow_up > time
    if beyond.any():
        weights[beyond] = 1 / censoring.survival_at(time)
    return weights


def _summarise(
    observe: Observe, risk: Floats, *, slope: float | None, link: Link, groups: int
) -> Calibration:
    everyone = observe(np.arange(len(risk)))
    expected = float(risk.mean())
    if expected == 0:
        raise ValueError("every predicted risk is 0: nothing can be compared with it")
    return Calibration(
        observed=everyone.estimate,
        expected=expected,
        ratio=Interval(*(end / expected for end in everyone)),
        slope=slope,
        intercept=intercept_of(link, on_scale(link, risk), everyone.estimate),
        curve=_curve(observe, risk, max(groups, 1)),
    )


def _curve(observe: Observe, risk: Floats, groups: int) -> list[CalibrationPoint]:
    """Take the most groups, up to those asked for, that can all be observed."""
    for parts in range(groups, 1, -1):
        try:
            return _points(observe, risk, parts)
        except ValueError:
            continue
    return _points(observe, risk, 1)


def _points(observe: Observe, risk: Floats, groups: int) -> list[CalibrationPoint]:
    edges = np.quantile(risk, np.arange(1, groups) / groups)
    part = np.searchsorted(edges, risk, side="left")
    return [
        CalibrationPoint(float(risk[places].mean()), *observe(places), len(places))
        for places in (np.flatnonzero(part == label) for label in np.unique(part))
    ]
