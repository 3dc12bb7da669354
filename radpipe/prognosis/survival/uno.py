"""Uno's concordance index, which heavy censoring does not bias."""

from __future__ import annotations

from numpy.typing import ArrayLike

from radpipe.prognosis.survival.censoring import inverse_censoring_weights
from radpipe.prognosis.survival.concordance import NoPairsError, pair_scores
from radpipe.prognosis.survival.endpoint import Endpoint, check_endpoint


def uno_concordance(
    train: Endpoint, test: Endpoint, risk_score: ArrayLike, tau: float | None = None
) -> float:
    """Return the fraction of comparable pairs ordered rightly, made up for the censored ones.

    Harrell's index lacks the pairs that censoring hid, mostly pairs of late events, and so depends
    on how long a study followed its patients: two hospitals cannot be compared by it. Here each
    pair counts 1/G(t)^2 times, t being its earlier time. It is biased where censoring depends on
    the prognosis, and unstable near the end of follow-up, where few patients carry large weights:
    hence ``tau``.

    Parameters
    ----------
    train : ndarray, shape (m,)
        Structured array with ``event`` and ``time``: censoring is estimated from these patients.
    test : ndarray, shape (n,)
        The same of the patients scored.
    risk_score : array-like of float, shape (n,)
        Higher = earlier event.
    tau : float, optional
        Only pairs whose earlier time lies before it count; by default all.

    Returns
    -------
    float
        0.5 is chance, 1 perfect.

    Raises
    ------
    NoPairsError
        No pair is comparable before ``tau``.
    ValueError
        A score is not finite, or an event to weight lies where no training patient was followed.

    Notes
    -----
    Uno et al. 2011, doi 10.1002/sim.4154. Ties as in :func:`concordance_index`; weights as
    scikit-survival takes them (:class:`CensoringDistribution`).

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> train = make_endpoint([True, False, True, True], [1, 2, 3, 4])
    >>> uno_concordance(train, train, [4, 1, 2, 3])
    0.5714285714285714
    """
    event, time, risk = check_endpoint(test, risk_score)
    counted = event if tau is None else event & (time < tau)
    if not counted.any():
        raise NoPairsError("no event" if tau is None else f"no event before {tau:g}")
    weights = inverse_censoring_weights(train, test, counted) ** 2
    concordant = comparable = 0.0
    for rows, score, pairs in pair_scores(event, time, risk):
        concordant += float(weights[rows] @ score.sum(axis=1))
        comparable += float(weights[rows] @ pairs.sum(axis=1))
    if comparable == 0:
        raise NoPairsError("no comparable pair")
    return concordant / comparable
