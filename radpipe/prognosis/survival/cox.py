"""Cox regression with a handful of columns: recalibration, clinical models, weights of branches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint
from radpipe.prognosis.survival.newton import Problem, minimise

# exp(700) is the last that a float holds.
_LARGEST = 600.0


def partial_likelihood_loss(
    endpoint: Endpoint, log_hazard: ArrayLike, strata: ArrayLike | None = None
) -> float:
    """Return the negative log partial likelihood of an event.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    log_hazard : array-like of float, shape (n,)
        Log-hazards; a constant added to all of a stratum changes nothing.
    strata : array-like of int, shape (n,), optional
        Patients are compared within a stratum only.

    Returns
    -------
    float
        Smaller is better; 0 where nobody had the event.

    Notes
    -----
    Cox 1972, doi 10.1111/j.2517-6161.1972.tb00899.x, with Breslow's way with ties.
    """
    event, _, log_hazards = check_endpoint(endpoint, log_hazard)
    columns = np.ones((len(event), 1))
    loss = _derivatives(columns, endpoint, _parts(endpoint, strata), log_hazards)[0]
    return loss / max(int(event.sum()), 1)


def fit_cox(
    columns: ArrayLike,
    endpoint: Endpoint,
    *,
    ridge: ArrayLike = 0.0,
    lasso: ArrayLike = 0.0,
    strata: ArrayLike | None = None,
    nonnegative: bool = False,
) -> Floats:
    """Maximise the partial likelihood, penalised if asked for.

    Parameters
    ----------
    columns : array-like of float, shape (n, k)
        Few columns; all finite.
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    ridge : float or array-like of float, shape (k,)
        Half of it, times the squared coefficient, is taken from the log partial likelihood.
    lasso : float or array-like of float, shape (k,)
        It, times the coefficient, is taken too; with ``nonnegative`` only.
    strata : array-like of int, shape (n,), optional
        Patients are compared within a stratum only.
    nonnegative : bool
        No coefficient may be below zero.

    Returns
    -------
    ndarray of float64, shape (k,)
        Coefficients.

    Raises
    ------
    ValueError
        A value is not finite, the lengths differ, or a lasso may become negative.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> endpoint = make_endpoint([True, True, True, True], [4, 3, 2, 1])
    >>> fit_cox([[1.0], [0.0], [1.0], [0.0]], endpoint, nonnegative=True).tolist()
    [0.0]
    """
    matrix = np.asarray(columns, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != len(endpoint) or not np.isfinite(matrix).all():
        raise ValueError("columns must be a finite matrix with one row a patient")
    check_endpoint(endpoint)
    parts = _parts(endpoint, strata)

    ridges, lassos = (
        np.broadcast_to(np.asarray(each, dtype=np.float64), matrix.shape[1:])
        for each in (ridge, lasso)
    )
    problem = Problem(
        lambda at: _derivatives(matrix, endpoint, parts, np.clip(matrix @ at, -_LARGEST, _LARGEST)),
        ridges,
        lassos,
    )
    return minimise(problem, np.full(matrix.shape[1], nonnegative))


def _parts(endpoint: Endpoint, strata: ArrayLike | None) -> list[NDArray[np.intp]]:
    """Sort each stratum by time, latest first."""
    labels = np.zeros(len(endpoint), dtype=int) if strata is None else np.asarray(strata)
    latest_first = np.argsort(-endpoint["time"], kind="stable")
    return [latest_first[labels[latest_first] == label] for label in np.unique(labels)]


def _derivatives(
    matrix: Floats,
    endpoint: Endpoint,
    parts: list[NDArray[np.intp]],
    log_hazard: Floats,
) -> tuple[float, Floats, Floats]:
    k = matrix.shape[1]
    loss, gradient, hessian = 0.0, np.zeros(k), np.zeros((k, k))
    for rows in parts:
        time, event, x = endpoint["time"][rows], endpoint["event"][rows], matrix[rows]
        largest = float(log_hazard[rows].max())
        hazard = np.exp(log_hazard[rows] - largest)
        # At risk at a time: all up to the last row of that time, since the latest come first.
        last = np.searchsorted(-time, -time[event], side="right") - 1
        s0 = np.cumsum(hazard)[last]
        weighted = hazard[:, np.newaxis] * x
        mean = np.cumsum(weighted, axis=0)[last] / s0[:, np.newaxis]
        second = np.cumsum(weighted[:, :, np.newaxis] * x[:, np.newaxis, :], axis=0)[last]
        loss += float((np.log(s0) + largest - log_hazard[rows][event]).sum())
        gradient += (mean - x[event]).sum(axis=0)
        hessian += (second / s0[:, np.newaxis, np.newaxis]).sum(axis=0) - mean.T @ mean
    return loss, gradient, hessian
