"""Newton's method for the likelihoods of few coefficients, some of which may not be negative."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats

_ROUNDS = 60
_HALVINGS = 30
_ENOUGH = 1e-10


class Problem(NamedTuple):
    """A convex loss and its penalties.

    Attributes
    ----------
    derivatives : callable
        Takes coefficients (k,); returns loss, gradient (k,) and Hessian (k, k).
    ridge : ndarray of float64, shape (k,)
        Half of it, times the squared coefficient, is added to the loss.
    lasso : ndarray of float64, shape (k,)
        It, times the coefficient, is added; zero where the coefficient may be negative.
    """

    derivatives: Callable[[Floats], tuple[float, Floats, Floats]]
    ridge: Floats
    lasso: Floats

    def at(self, point: Floats) -> tuple[float, Floats, Floats]:
        """Return penalised loss, gradient and Hessian.

        Parameters
        ----------
        point : ndarray of float64, shape (k,)
            Coefficients.

        Returns
        -------
        tuple of (float, ndarray, ndarray)
            Loss; gradient (k,); Hessian (k, k).
        """
        loss, gradient, hessian = self.derivatives(point)
        penalty = 0.5 * self.ridge @ point**2 + self.lasso @ point
        return (
            loss + float(penalty),
            gradient + self.ridge * point + self.lasso,
            hessian + np.diag(self.ridge),
        )


def minimise(problem: Problem, nonnegative: NDArray[np.bool_]) -> Floats:
    """Find the coefficients of least loss.

    Steps are halved until the loss falls. A coefficient at the border of what is allowed stays
    there while the gradient pushes it outwards.

    Parameters
    ----------
    problem : Problem
        What to minimise.
    nonnegative : ndarray of bool, shape (k,)
        Coefficients that may not be negative.

    Returns
    -------
    ndarray of float64, shape (k,)
        The coefficients; all zero is the start.

    Raises
    ------
    ValueError
        A coefficient with a lasso may be negative.
    """
    if (problem.lasso[~nonnegative] != 0).any():
        raise ValueError("a lasso is for coefficients that may not be negative")
    point: Floats = np.zeros(len(nonnegative))
    loss, gradient, hessian = problem.at(point)
    for _ in range(_ROUNDS):
        free = ~(nonnegative & (point <= 0) & (gradient > 0))
        step = np.zeros(len(point))
        if free.any():
            step[free] = np.linalg.lstsq(hessian[np.ix_(free, free)], gradient[free], rcond=None)[0]
        for halving in range(_HALVINGS):
            tried = point - step / 2**halving
            tried = np.where(nonnegative, np.maximum(tried, 0.0), tried)
            with np.errstate(all="ignore"):
                found = problem.at(tried)
            # Of a step far too long hazards are too small for a float, and the loss is no number.
            if np.isfinite(found[0]) and found[0] <= loss:
                break
        else:
            return point
        fell = loss - found[0]
        moved = float(np.abs(tried - point).max(initial=0.0))
        point, (loss, gradient, hessian) = tried, found
        if fell <= _ENOUGH * abs(loss) and moved <= 1e-7 * (1 + np.abs(point).max(initial=0.0)):
            return point
    return point
