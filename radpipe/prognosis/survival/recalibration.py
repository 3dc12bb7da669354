"""Recalibration of a predicted probability: intercept and slope on the scale of a link."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.newton import Problem, minimise

# Both links are infinite at 0 and 1, where a boosted model may well go.
_EDGE = 1e-6
# 30 on the scale of either link is certainty already.
_FARTHEST = 30.0


class Link(NamedTuple):
    """A scale for probabilities that has no ends.

    Attributes
    ----------
    forward : callable
        From probability to scale.
    inverse : callable
        Back.
    losses : callable
        From scale and events: each patient's negative log likelihood and its two derivatives.
    """

    forward: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]
    losses: Callable[[Floats, NDArray[np.bool_]], tuple[Floats, Floats, Floats]]


def _logit_losses(eta: Floats, event: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    mean = expit(eta)
    return np.logaddexp(0.0, np.where(event, -eta, eta)), mean - event, mean * (1 - mean)


def _cloglog_losses(eta: Floats, event: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    hazard = np.exp(np.minimum(eta, 300.0))
    # Beyond 700 exp overflows; an event is certain long before.
    of_event = np.minimum(hazard, 700.0)
    first = of_event / np.expm1(of_event)
    second = first * (of_event / -np.expm1(-of_event) - 1)
    return (
        np.where(event, -np.log(-np.expm1(-of_event)), hazard),
        np.where(event, -first, hazard),
        np.where(event, second, hazard),
    )


LOGIT = Link(
    forward=lambda p: np.log(p / (1 - p)),
    inverse=expit,
    losses=_logit_losses,
)
# The scale of log cumulative hazards, on which proportional hazards differ by a constant.
CLOGLOG = Link(
    forward=lambda p: np.log(-np.log1p(-p)),
    inverse=lambda eta: -np.expm1(-np.exp(eta)),
    losses=_cloglog_losses,
)


def on_scale(link: Link, probability: Floats) -> Floats:
    """Put probabilities on the scale of a link; 0 and 1 go almost to its ends.

    Parameters
    ----------
    link : Link
        The scale.
    probability : ndarray of float64, shape (n,)
        Between 0 and 1.

    Returns
    -------
    ndarray of float64, shape (n,)
        Finite.
    """
    return link.forward(np.clip(probability, _EDGE, 1 - _EDGE))


def intercept_of(link: Link, linear: Floats, observed: float) -> float | None:
    """Find the shift that makes the mean prediction equal the observed share.

    Parameters
    ----------
    link : Link
        The scale.
    linear : ndarray of float64, shape (n,)
        Predictions on that scale.
    observed : float
        Share of events.

    Returns
    -------
    float or None
        Above 0 if the predictions are too low; None where none or all had the event.
    """
    from scipy.optimize import brentq

    if not 0 < observed < 1:
        return None
    end = _FARTHEST + float(np.abs(linear).max())
    shift = brentq(lambda at: link.inverse(linear + at).mean() - observed, -end, end)
    return float(shift)


def slope_of(link: Link, linear: Floats, event: NDArray[np.bool_], weights: Floats) -> float | None:
    """Regress the event on the predictions, weighted, by maximum likelihood.

    Parameters
    ----------
    link : Link
        The scale.
    linear : ndarray of float64, shape (n,)
        Predictions on that scale.
    event : ndarray of bool, shape (n,)
        True: it happened.
    weights : ndarray of float64, shape (n,)
        How many patients each stands for.

    Returns
    -------
    float or None
        1 is right, below it the predictions are too extreme. None where it does not exist: all
        predictions are equal, or they part events from the others without overlap.
    """
    counted = weights > 0
    x, y, w = linear[counted], event[counted], weights[counted]
    if not _has_slope(x, y):
        return None
    middle, spread = x.mean(), x.std()
    design = np.column_stack([np.ones(len(x)), (x - middle) / spread])

    free = np.zeros(2)
    problem = Problem(lambda at: _derivatives(link, design, at, y, w), free, free)
    found = minimise(problem, np.zeros(2, dtype=bool))
    return float(found[1] / spread)


def _has_slope(x: Floats, event: NDArray[np.bool_]) -> bool:
    if not event.any() or event.all() or np.ptp(x) < 1e-12:
        return False
    above, below = x[event], x[~event]
    return bool(above.min() < below.max() and below.min() < above.max())


def _derivatives(
    link: Link, design: Floats, at: Floats, event: NDArray[np.bool_], weights: Floats
) -> tuple[float, Floats, Floats]:
    loss, first, second = link.losses(design @ at, event)
    gradient, hessian = design.T @ (weights * first), (design.T * (weights * second)) @ design
    return float(weights @ loss), gradient, hessian
