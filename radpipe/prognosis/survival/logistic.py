"""Logistic regression with a handful of columns: recalibration and weights of branches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.newton import Problem, minimise


class Logistic(NamedTuple):
    """A fitted logistic regression.

    Attributes
    ----------
    intercept : float
        Log-odds where all columns are zero.
    coefficients : ndarray of float64, shape (k,)
        Log-odds ratios.
    """

    intercept: float
    coefficients: Floats


def logistic_loss(happened: ArrayLike, log_odds: ArrayLike) -> float:
    """Return the negative log likelihood of a patient.

    Parameters
    ----------
    happened : array-like of bool, shape (n,)
        Whether the event happened.
    log_odds : array-like of float, shape (n,)
        As predicted.

    Returns
    -------
    float
        Smaller is better; log 2 for a coin.
    """
    signs = np.where(np.asarray(happened, dtype=bool), -1.0, 1.0)
    return float(np.logaddexp(0.0, signs * np.asarray(log_odds, dtype=float)).mean())


def fit_logistic(
    columns: ArrayLike,
    happened: ArrayLike,
    *,
    ridge: ArrayLike = 0.0,
    lasso: ArrayLike = 0.0,
    nonnegative: bool = False,
) -> Logistic:
    """Maximise the likelihood, penalised if asked for; the intercept is free.

    Parameters
    ----------
    columns : array-like of float, shape (n, k)
        Few columns; all finite.
    happened : array-like of bool, shape (n,)
        Whether the event happened.
    ridge : float or array-like of float, shape (k,)
        Half of it, times the squared coefficient, is taken from the log likelihood.
    lasso : float or array-like of float, shape (k,)
        It, times the coefficient, is taken too; with ``nonnegative`` only.
    nonnegative : bool
        No coefficient may be below zero.

    Returns
    -------
    Logistic
        Intercept and coefficients. Without a penalty those of classes that a column separates
        grow until the steps end.

    Raises
    ------
    ValueError
        A value is not finite, the lengths differ, or a lasso may become negative.

    Examples
    --------
    >>> fitted = fit_logistic([[0.0], [0.0], [1.0], [1.0]], [True, False, True, True], ridge=1.0)
    >>> fitted.coefficients.round(3).tolist()
    [0.421]
    """
    matrix, event = np.asarray(columns, dtype=np.float64), np.asarray(happened, dtype=bool)
    if matrix.ndim != 2 or len(matrix) != len(event) or not np.isfinite(matrix).all():
        raise ValueError("columns must be a finite matrix with one row a patient")
    design = np.column_stack([np.ones(len(event)), matrix])

    found = minimise(
        Problem(
            lambda at: _derivatives(design, event, at),
            _with_intercept(ridge, matrix),
            _with_intercept(lasso, matrix),
        ),
        np.concatenate([[False], np.full(matrix.shape[1], nonnegative)]),
    )
    return Logistic(float(found[0]), found[1:])


def _derivatives(
    design: Floats, event: NDArray[np.bool_], at: Floats
) -> tuple[float, Floats, Floats]:
    log_odds = design @ at
    probability = expit(log_odds)
    loss = logistic_loss(event, log_odds) * len(event)
    curvature = probability * (1 - probability)
    return loss, design.T @ (probability - event), (design.T * curvature) @ design


def _with_intercept(penalty: ArrayLike, matrix: Floats) -> Floats:
    each = np.broadcast_to(np.asarray(penalty, dtype=np.float64), (matrix.shape[1],))
    return np.concatenate([[0.0], each])
