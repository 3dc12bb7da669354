"""Harrell's concordance index."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint

# scikit-survival's default: what float arithmetic alone tells apart counts as tied.
TIED_RISK = 1e-8
_ROWS_AT_ONCE = 1024


class NoPairsError(ValueError):
    """No two patients can be compared."""


def concordance_index(endpoint: Endpoint, risk_score: ArrayLike) -> float:
    """Return the fraction of comparable pairs that the risk score orders rightly.

    A pair is comparable if the one with the shorter time had the event, or if both have the same
    time and one had the event. Tied risk scores count one half. Heavy censoring biases it upwards.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    risk_score : array-like of float, shape (n,)
        Higher = earlier event.

    Returns
    -------
    float
        0.5 is chance, 1 perfect.

    Raises
    ------
    NoPairsError
        No pair is comparable.
    ValueError
        A risk score is not finite.

    Notes
    -----
    Harrell et al. 1996, doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> concordance_index(make_endpoint([True, True, False], [1, 2, 3]), [0.9, 0.5, 0.5])
    0.8333333333333334
    """
    concordant = comparable = 0.0
    for _, score, pairs in pair_scores(*check_endpoint(endpoint, risk_score)):
        concordant += score.sum()
        comparable += pairs.sum()
    if comparable == 0:
        raise NoPairsError("no comparable pair")
    return float(concordant / comparable)


def pair_scores(
    event: NDArray[np.bool_], time: Floats, risk_score: Floats
) -> Iterator[tuple[NDArray[np.intp], Floats, Floats]]:
    """Score every pair, a block of first patients at a time.

    Parameters
    ----------
    event : ndarray of bool, shape (n,)
        True: it happened.
    time : ndarray of float64, shape (n,)
        When, or until when.
    risk_score : ndarray of float64, shape (n,)
        Higher = earlier event.

    Yields
    ------
    rows : ndarray of int, shape (r,)
        The first patients of these pairs; only those with the event can be.
    score : ndarray of float64, shape (r, n)
        1 where a comparable pair is ordered rightly, 0.5 where the scores tie, else 0.
    comparable : ndarray of float64, shape (r, n)
        1 where the first patient is known to have had the event before the second.
    """
    places = np.flatnonzero(event)
    # The matrices are never held whole: 10,000 patients would take 1.6 GB.
    for start in range(0, len(places), _ROWS_AT_ONCE):
        rows = places[start : start + _ROWS_AT_ONCE]
        first = time[rows, np.newaxis]
        pairs = ((first < time) | ((first == time) & ~event)).astype(np.float64)
        ahead = risk_score[rows, np.newaxis] - risk_score
        yield rows, pairs * np.where(np.abs(ahead) <= TIED_RISK, 0.5, ahead > 0), pairs
