"""The area under the ROC curve at a time: cumulative cases against dynamic controls."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radpipe.prognosis.survival.censoring import inverse_censoring_weights
from radpipe.prognosis.survival.concordance import TIED_RISK, NoPairsError
from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint


def time_dependent_auc(
    train: Endpoint, test: Endpoint, risk_score: ArrayLike, times: ArrayLike
) -> Floats:
    """Tell how well the score parts those with the event by each time from those still without.

    A C-index asks who comes first; a doctor's question has a date: dead within two years? Those
    censored before it are left out, and the cases weighted for them, as long as censoring has
    nothing to do with the prognosis.

    Parameters
    ----------
    train : ndarray, shape (m,)
        Structured array with ``event`` and ``time``: censoring is estimated from these patients.
    test : ndarray, shape (n,)
        The same of the patients scored.
    risk_score : array-like of float, shape (n,) or (n, k)
        Higher = likelier event; one for all times, or one column a time.
    times : array-like of float, shape (k,)
        Horizons.

    Returns
    -------
    ndarray of float64, shape (k,)
        0.5 is chance, 1 perfect.

    Raises
    ------
    NoPairsError
        At a time there is no event before, or nobody under observation after.
    ValueError
        A score is not finite, shapes differ, or an event to weight lies where no training patient
        was followed.

    Notes
    -----
    Uno et al. 2007, doi 10.1198/016214507000000149; Hung and Chiang 2010, doi 10.1002/cjs.10046.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> cohort = make_endpoint([True, True, False, True], [1, 2, 3, 4])
    >>> time_dependent_auc(cohort, cohort, [3, 1, 1, 2], [1, 2]).tolist()
    [1.0, 0.625]
    """
    event, time = check_endpoint(test)
    horizons = np.atleast_1d(np.asarray(times, dtype=np.float64))
    scores = _one_column_a_time(risk_score, len(time), len(horizons))
    weights = inverse_censoring_weights(train, test, time <= horizons.max())
    return np.array(
        [
            _auc(column, weights * (event & (time <= horizon)), time > horizon, horizon)
            for column, horizon in zip(scores.T, horizons, strict=True)
        ]
    )


def _one_column_a_time(risk_score: ArrayLike, patients: int, times: int) -> Floats:
    scores = np.asarray(risk_score, dtype=np.float64)
    if scores.shape == (patients,):
        scores = np.repeat(scores[:, np.newaxis], times, axis=1)
    if scores.shape != (patients, times):
        raise ValueError(f"risk scores {scores.shape} for {patients} patients and {times} times")
    if not np.isfinite(scores).all():
        raise ValueError("NaN or infinity among the risk scores")
    return scores


def _auc(risk: Floats, case_weights: Floats, control: Floats, horizon: float) -> float:
    case = case_weights > 0
    if not (case.any() and control.any()):
        missing = "no one under observation after" if case.any() else "no event by"
        raise NoPairsError(f"{missing} {horizon:g}")
    controls = np.sort(risk[control])
    beaten = np.searchsorted(controls, risk[case] - TIED_RISK, side="left")
    not_lost = np.searchsorted(controls, risk[case] + TIED_RISK, side="right")
    wins = case_weights[case] @ (beaten + not_lost) / 2
    return float(wins / case_weights.sum() / len(controls))
