"""Intervals where one hospital is left out at a time: each is an external validation of its own.

Nadeau and Bengio's interval is for patients shuffled between folds; hospitals are not exchangeable,
and of two of them it would say nothing. Patients are drawn within each hospital instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radpipe.prognosis.evaluation.harness import Fitted
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.resampling import draw

BOOTSTRAPS = 1000
Shares = Callable[[NDArray[Any], Floats, Floats], Floats]


def centre_draws(y: NDArray[Any], done: Sequence[Fitted], shares: Shares) -> Floats:
    """Average a value over hospitals, in the cohort and in bootstrap samples of it.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint of all patients.
    done : sequence of Fitted
        One fold a hospital.
    shares : callable
        Takes endpoint, risk scores and draws of a hospital's patients; returns the value in each
        sample, NaN where it is undefined.

    Returns
    -------
    ndarray of float64, shape (1 + b,)
        Each hospital has the same weight; those in which the value is undefined have none. The
        same draws for every model, so that two can be subtracted.
    """
    found = []
    for one in done:
        drawn = draw(len(one.fold.test), BOOTSTRAPS, seed=one.fold.fold)
        try:
            values = shares(y[one.fold.test], one.risk, drawn)
        except ValueError:
            continue
        if np.isfinite(values[0]):
            found.append(values)
    if not found:
        return np.full(1 + BOOTSTRAPS, np.nan)
    return np.asarray(np.mean(found, axis=0))
