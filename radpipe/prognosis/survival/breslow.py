"""Breslow's baseline hazard: from log-hazards to survival curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint


def baseline_hazard(endpoint: Endpoint, log_hazard: ArrayLike) -> tuple[Floats, Floats]:
    """Estimate the cumulative hazard of a patient whose log-hazard is zero.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time`` of the training patients.
    log_hazard : array-like of float, shape (n,)
        Their log-hazards from the model.

    Returns
    -------
    times : ndarray of float64, shape (k,)
        Distinct event times, ascending.
    cumulative_hazard : ndarray of float64, shape (k,)
        At and after each of them.

    Raises
    ------
    ValueError
        There is no event.

    Notes
    -----
    Breslow 1972, discussion of doi 10.1111/j.2517-6161.1972.tb00899.x: the sum over event times of
    events divided by the summed hazards of those at risk.
    """
    event, time, log_hazards = check_endpoint(endpoint, log_hazard)
    if not event.any():
        raise ValueError("no event: there is no hazard to estimate")
    times, events = np.unique(time[event], return_counts=True)
    order = np.argsort(time, kind="stable")
    summed_from = np.cumsum(np.exp(log_hazards[order])[::-1])[::-1]
    at_risk = summed_from[np.searchsorted(time[order], times, side="left")]
    return times, np.cumsum(events / at_risk)


def survival_curves(
    baseline: tuple[Floats, Floats], log_hazard: ArrayLike, times: ArrayLike
) -> Floats:
    """Give each patient's survival probability at each time.

    Parameters
    ----------
    baseline : tuple of ndarray
        Times and cumulative hazards of :func:`baseline_hazard`.
    log_hazard : array-like of float, shape (n,)
        Log-hazards of the patients.
    times : array-like of float, shape (k,)
        Horizons; beyond the last training event the curve stays flat.

    Returns
    -------
    ndarray of float64, shape (n, k)
        Probabilities.
    """
    event_times, cumulative = baseline
    steps = np.searchsorted(event_times, np.asarray(times, dtype=float), side="right")
    hazard = np.concatenate([[0.0], cumulative])[steps]
    relative = np.exp(np.asarray(log_hazard, dtype=float))[:, np.newaxis]
    curves: Floats = np.exp(-relative * hazard)
    return curves
