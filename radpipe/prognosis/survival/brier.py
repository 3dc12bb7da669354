"""The Brier score of predicted survival, at a time and over a span."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radpipe.prognosis.survival.censoring import (
    CensoringDistribution,
    inverse_censoring_weights,
)
from radpipe.prognosis.survival.endpoint import (
    Endpoint,
    Floats,
    check_endpoint,
    check_probabilities,
)


def brier_scores(train: Endpoint, test: Endpoint, survival: ArrayLike, times: ArrayLike) -> Floats:
    """Return the mean squared error of predicted survival at each time.

    The one number that sees both whether patients are ordered and whether the probabilities are
    right. Its size says little by itself: it is read against the score of a model without
    predictors (the Kaplan-Meier curve for everyone). Those censored before the time drop out and
    the others are weighted for them; that is biased where censoring depends on the prognosis.

    Parameters
    ----------
    train : ndarray, shape (m,)
        Structured array with ``event`` and ``time``: censoring is estimated from these patients.
    test : ndarray, shape (n,)
        The same of the patients predicted.
    survival : array-like of float, shape (n, k)
        Predicted probability of no event by each time; (n,) for a single one.
    times : array-like of float, shape (k,)
        Horizons.

    Returns
    -------
    ndarray of float64, shape (k,)
        0 is perfect; 0.25 is what predicting 0.5 for everyone gets.

    Raises
    ------
    ValueError
        A survival is no probability, shapes differ, a time lies at or beyond the end of follow-up
        of the test patients, or where no training patient was followed.

    Notes
    -----
    Graf et al. 1999, doi 10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> cohort = make_endpoint([True, True, True, False], [1, 2, 3, 4])
    >>> brier_scores(cohort, cohort, [[0.5], [1.0], [1.0], [0.8]], [2]).round(4).tolist()
    [0.3225]
    """
    event, time = check_endpoint(test)
    horizons = np.atleast_1d(np.asarray(times, dtype=np.float64))
    predicted = check_probabilities(survival, len(time), len(horizons))
    if not horizons.max() < time.max():
        raise ValueError(
            f"time {horizons.max():g} is not within the follow-up, which ends at {time.max():g}"
        )
    died = event[:, np.newaxis] & (time[:, np.newaxis] <= horizons)
    alive = time[:, np.newaxis] > horizons
    weights = inverse_censoring_weights(train, test, time <= horizons.max())
    errors = died * predicted**2 * weights[:, np.newaxis]
    errors += alive * (1 - predicted) ** 2 / _uncensored(train, horizons)
    return np.asarray(errors.mean(axis=0), dtype=np.float64)


def integrated_brier_score(
    train: Endpoint, test: Endpoint, survival: ArrayLike, times: ArrayLike
) -> float:
    """Average the Brier score over the span of the times.

    Parameters
    ----------
    train : ndarray, shape (m,)
        As for :func:`brier_scores`.
    test : ndarray, shape (n,)
        As for :func:`brier_scores`.
    survival : array-like of float, shape (n, k)
        Predicted probability of no event by each time.
    times : array-like of float, shape (k,)
        At least two, ascending; the finer, the better the integral.

    Returns
    -------
    float
        By the trapezoidal rule, divided by the span.

    Raises
    ------
    ValueError
        As for :func:`brier_scores`, or the times are not ascending or fewer than two.
    """
    grid = np.asarray(times, dtype=np.float64)
    if grid.ndim != 1 or len(grid) < 2 or not (np.diff(grid) > 0).all():
        raise ValueError("an integral needs at least two ascending times")
    scores = brier_scores(train, test, survival, grid)
    return float(np.trapezoid(scores, grid) / (grid[-1] - grid[0]))


def _uncensored(train: Endpoint, horizons: Floats) -> Floats:
    probability = CensoringDistribution(train).survival_at(horizons)
    if (probability == 0).any():
        first = horizons[probability == 0].min()
        raise ValueError(f"no training patient was followed beyond {first:g}")
    return probability
