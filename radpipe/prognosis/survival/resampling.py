"""Indices of concordance of one cohort, and of thousands of bootstrap samples of it.

Harrell's and Uno's C, AUC(t) and AUC all count pairs of patients that a risk score orders rightly;
they differ in which pairs count, and how much. With the number of times that a sample draws each
patient as weight, every one is a ratio of two quadratic forms, so that no sample is ever made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.censoring import inverse_censoring_weights
from radpipe.prognosis.survival.concordance import TIED_RISK, NoPairsError
from radpipe.prognosis.survival.endpoint import (
    Endpoint,
    Floats,
    check_endpoint,
    events_of,
    is_binary,
)
from radpipe.prognosis.survival.intervals import LEVEL, Interval

_ROWS_AT_ONCE = 512
Shares = Callable[[NDArray[Any], Floats, Floats], Floats]


@dataclass(frozen=True)
class Pairs:
    """Which pairs of patients count.

    Attributes
    ----------
    first : ndarray of int, shape (r,)
        Patients who had the event first, or at all.
    weight : ndarray of float64, shape (r,)
        How much their pairs count.
    second : ndarray of bool, shape (r, n)
        With whom they are compared.
    """

    first: NDArray[np.intp]
    weight: Floats
    second: NDArray[np.bool_]


def all_pairs(y: NDArray[Any]) -> Pairs:
    """Take the pairs of Harrell's C, or of the AUC where there are no times.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint.

    Returns
    -------
    Pairs
        All that can be compared.
    """
    event = events_of(y)
    first = np.flatnonzero(event)
    if is_binary(y):
        second = np.broadcast_to(~event, (len(first), len(y)))
    else:
        time, start = y["time"], y["time"][first, np.newaxis]
        second = (start < time) | ((start == time) & ~event)
    return Pairs(first, np.ones(len(first)), second)


def uno_pairs(y: Endpoint) -> Pairs:
    """Take the pairs of Uno's C.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Structured array with ``event`` and ``time``. Censoring is estimated from all of it: a
        bootstrap sample takes it as known.

    Returns
    -------
    Pairs
        As of :func:`all_pairs`, weighted for those that censoring hid.

    Raises
    ------
    ValueError
        Nobody was followed beyond the last event.
    """
    pairs = all_pairs(y)
    weight = inverse_censoring_weights(y, y)[pairs.first] ** 2
    return Pairs(pairs.first, weight, pairs.second)


def pairs_at(y: Endpoint, time: float) -> Pairs:
    """Take the pairs of AUC(t).

    Parameters
    ----------
    y : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    time : float
        When.

    Returns
    -------
    Pairs
        Those with the event by then, against those still without.

    Raises
    ------
    ValueError
        Nobody was followed so long.
    """
    by_then = y["event"] & (y["time"] <= time)
    first = np.flatnonzero(by_then)
    weight = inverse_censoring_weights(y, y, by_then)[first]
    return Pairs(first, weight, np.broadcast_to(y["time"] > time, (len(first), len(y))))


def draw(patients: int, bootstraps: int, seed: int) -> Floats:
    """Draw bootstrap samples.

    Parameters
    ----------
    patients : int
        In the cohort.
    bootstraps : int
        Samples.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray of float64, shape (1 + bootstraps, patients)
        How often each patient is drawn; in the first row each once.
    """
    random = np.random.default_rng(seed)
    drawn = random.multinomial(patients, np.full(patients, 1 / patients), size=bootstraps)
    return np.vstack([np.ones(patients), drawn])


def concordances(pairs: Pairs, risk: Floats, drawn: Floats) -> Floats:
    """Return the share of pairs ordered rightly, in each sample.

    Parameters
    ----------
    pairs : Pairs
        Which pairs count.
    risk : ndarray of float64, shape (n,)
        Higher = earlier or likelier event. Tied scores count one half.
    drawn : ndarray of float64, shape (b, n)
        Of :func:`draw`.

    Returns
    -------
    ndarray of float64, shape (b,)
        NaN where no pair was drawn.
    """
    right, counted = np.zeros(len(drawn)), np.zeros(len(drawn))
    for start in range(0, len(pairs.first), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        first, second = pairs.first[rows], pairs.second[rows].astype(np.float64)
        ahead = risk[first, np.newaxis] - risk
        score = second * np.where(np.abs(ahead) <= TIED_RISK, 0.5, ahead > 0)
        weight = drawn[:, first] * pairs.weight[rows]
        right += np.einsum("bi,bi->b", weight, drawn @ score.T)
        counted += np.einsum("bi,bi->b", weight, drawn @ second.T)
    shares = np.full(len(drawn), np.nan)
    np.divide(right, counted, out=shares, where=counted > 0)
    return shares


def bootstrap_concordance(
    endpoint: Endpoint, risk_score: ArrayLike, *, bootstraps: int = 1000, seed: int = 0
) -> Interval:
    """Give the C-index of one cohort with a percentile interval over its patients.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    risk_score : array-like of float, shape (n,)
        Of a model that has not seen these patients; higher = earlier event.
    bootstraps : int
        Samples to draw.
    seed : int
        Of the draws.

    Returns
    -------
    Interval
        C-index and 2.5 and 97.5 % quantiles of its bootstrap distribution.

    Raises
    ------
    NoPairsError
        No pair is comparable in the cohort, or in more than half of the samples.
    ValueError
        A risk score is not finite.
    """
    _, _, risk = check_endpoint(endpoint, risk_score)
    drawn = draw(len(risk), bootstraps, seed)
    found = interval_of(concordances(all_pairs(endpoint), risk, drawn))
    if found is None:
        raise NoPairsError("too few bootstrap samples have a comparable pair")
    return found


def within_groups(
    groups: Sequence[tuple[NDArray[Any], Floats]], shares: Shares, bootstraps: int
) -> Floats:
    """Average a value over groups of patients, in the cohort and in bootstrap samples of it.

    Parameters
    ----------
    groups : sequence of tuple of ndarray
        Endpoint and risk scores of each: its patients are compared with each other, and drawn, and
        with no others.
    shares : callable
        Takes endpoint, risk scores and draws of one group; returns the value in each sample, NaN
        where it is undefined.
    bootstraps : int
        Samples to draw: the same for every model, so that two can be subtracted.

    Returns
    -------
    ndarray of float64, shape (1 + bootstraps,)
        A group weighs as many as its patients, since the value of three says little; none in a
        sample where its value is undefined.
    """
    total, weight = np.zeros(1 + bootstraps), np.zeros(1 + bootstraps)
    for place, (y, risk) in enumerate(groups):
        try:
            values = shares(y, risk, draw(len(y), bootstraps, seed=place))
        except ValueError:
            continue
        known = np.isfinite(values)
        total[known] += len(y) * values[known]
        weight += len(y) * known
    found = np.full(1 + bootstraps, np.nan)
    np.divide(total, weight, out=found, where=weight > 0)
    return found


def average_precisions(y: NDArray[np.bool_], risk: Floats, drawn: Floats) -> Floats:
    """Return the area under the precision-recall curve, in each sample.

    Parameters
    ----------
    y : ndarray of bool, shape (n,)
        True: it happened.
    risk : ndarray of float64, shape (n,)
        Higher = likelier event.
    drawn : ndarray of float64, shape (b, n)
        Of :func:`draw`.

    Returns
    -------
    ndarray of float64, shape (b,)
        As average precision; NaN where only one outcome was drawn.
    """
    order = np.argsort(-risk, kind="stable")
    # Patients of equal risk are flagged together.
    ends = np.flatnonzero(np.append(np.diff(risk[order]) != 0, True))
    flagged = np.cumsum(drawn[:, order], axis=1)[:, ends]
    found = np.cumsum(drawn[:, order] * y[order], axis=1)[:, ends]
    precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
    steps = np.diff(found, axis=1, prepend=0.0)
    events, patients = found[:, -1], flagged[:, -1]
    shares = np.full(len(drawn), np.nan)
    both = (events > 0) & (events < patients)
    np.divide((steps * precision).sum(axis=1), events, out=shares, where=both)
    return shares


def interval_of(values: Floats) -> Interval | None:
    """Make an interval of a value and its bootstrap samples.

    Parameters
    ----------
    values : ndarray of float64, shape (1 + b,)
        That of the cohort, then those of the samples; NaN where it is undefined.

    Returns
    -------
    Interval or None
        2.5 and 97.5 % quantiles (Efron and Tibshirani 1993, doi 10.1007/978-1-4899-4541-9). None
        where the value is undefined in the cohort or in more than half of the samples.
    """
    if np.isnan(values[0]) or np.isnan(values[1:]).mean() > 0.5:
        return None
    low, high = np.nanquantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values[0]), float(low), float(high))
