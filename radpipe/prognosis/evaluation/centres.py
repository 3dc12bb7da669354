"""Intervals where one hospital is left out at a time: each is an external validation of its own.

Nadeau and Bengio's interval is for patients shuffled between folds; hospitals are not exchangeable,
and of two of them it would say nothing. Patients are drawn within each hospital instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from radpipe.prognosis.evaluation.harness import Fitted
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.resampling import Shares, within_groups

BOOTSTRAPS = 1000


def centre_draws(y: NDArray[Any], done: Sequence[Fitted], shares: Shares) -> Floats:
    """Average a value over hospitals, in the cohort and in bootstrap samples of it.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint of all patients.
    done : sequence of Fitted
        One fold a hospital.
    shares : callable
        As of :func:`~radpipe.prognosis.survival.resampling.within_groups`.

    Returns
    -------
    ndarray of float64, shape (1 + b,)
        Each hospital weighs as many as its patients.
    """
    return within_groups([(y[one.fold.test], one.risk) for one in done], shares, BOOTSTRAPS)
