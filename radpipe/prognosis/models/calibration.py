"""From a model's scores to risks whose differences mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from radpipe.prognosis.survival.breslow import baseline_hazard, survival_curves
from radpipe.prognosis.survival.cox import fit_cox, partial_likelihood_loss
from radpipe.prognosis.survival.endpoint import Floats, is_binary
from radpipe.prognosis.survival.logistic import fit_logistic, logistic_loss

Target = NDArray[Any]
Places = NDArray[np.intp]

# Never zero: the order of patients is kept where nothing speaks for the size of the differences.
LEAST_SLOPE = 1e-3
# A score that separates all outcomes would have no largest likelihood.
_RIDGE = 1e-2


@dataclass(frozen=True)
class Recalibration:
    """One slope for the scores, and the risk of a patient whose score is zero.

    Attributes
    ----------
    slope : float
        Log-hazard, or log-odds, of one unit of the score; at least ``LEAST_SLOPE``.
    intercept : float or None
        Binary endpoint: log-odds of a patient whose score is zero.
    baseline : tuple of ndarray or None
        Survival: event times and cumulative hazards of such a patient.
    """

    slope: float
    intercept: float | None
    baseline: tuple[Floats, Floats] | None

    @classmethod
    def fit(cls, y: Target, score: Floats, fold: Places) -> Self:
        """Calibrate scores of patients that their model had not seen.

        Parameters
        ----------
        y : ndarray, shape (n,)
            The endpoint, with times or without.
        score : ndarray of float64, shape (n,)
            Out-of-fold scores.
        fold : ndarray of int, shape (n,)
            Which fold each is from: of two models the zeros differ, so that hazards are compared
            within a fold only.

        Returns
        -------
        Recalibration
            By maximum likelihood (the slope of Cox 1958, doi 10.1093/biomet/45.3-4.562, and of its
            survival analogue: van Houwelingen 2000,
            doi 10.1002/1097-0258(20001230)19:24<3401::AID-SIM554>3.0.CO;2-2).
        """
        slope = max(_slope(y, score, fold), LEAST_SLOPE)
        if is_binary(y):
            # Given the slope, the intercept that makes the mean risk right.
            return cls(slope, _intercept(y, slope * score), None)
        return cls(slope, None, baseline_hazard(y, slope * score))

    def risk(self, score: Floats) -> Floats:
        """Return risk scores.

        Parameters
        ----------
        score : ndarray of float64, shape (n,)
            The model's own.

        Returns
        -------
        ndarray of float64, shape (n,)
            Log-hazards against the mean training patient, or log-odds.
        """
        return self.slope * score + (self.intercept or 0.0)

    def survival(self, score: Floats, times: ArrayLike) -> Floats:
        """Return survival probabilities.

        Parameters
        ----------
        score : ndarray of float64, shape (n,)
            The model's own.
        times : array-like of float, shape (k,)
            Horizons.

        Returns
        -------
        ndarray of float64, shape (n, k)
            Probabilities.
        """
        assert self.baseline is not None
        return survival_curves(self.baseline, self.slope * score, times)

    def write(self) -> dict[str, Any]:
        """Write it.

        Returns
        -------
        dict
            As JSON can hold it.
        """
        baseline = None
        if self.baseline is not None:
            times, hazard = self.baseline
            baseline = {"times": times.tolist(), "cumulative_hazard": hazard.tolist()}
        return {"slope": self.slope, "intercept": self.intercept, "baseline": baseline}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Take back what :meth:`write` wrote.

        Parameters
        ----------
        state : dict
            What it returned.

        Returns
        -------
        Recalibration
            The same.
        """
        found = state["baseline"]
        baseline = None
        if found is not None:
            baseline = (np.array(found["times"]), np.array(found["cumulative_hazard"]))
        return cls(state["slope"], state["intercept"], baseline)


def held_out_loss(y: Target, score: Floats, fold: Places) -> float:
    """Judge out-of-fold scores as they would be after calibration.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint, with times or without.
    score : ndarray of float64, shape (n,)
        Out-of-fold scores.
    fold : ndarray of int, shape (n,)
        Which fold each is from.

    Returns
    -------
    float
        Negative log likelihood of an event, or of a patient where there are no times.
    """
    slope = _slope(y, score, fold)
    if is_binary(y):
        return logistic_loss(y, slope * score + _intercept(y, slope * score))
    return partial_likelihood_loss(y, slope * score, fold)


def _slope(y: Target, score: Floats, fold: Places) -> float:
    column = score[:, np.newaxis]
    if is_binary(y):
        return float(fit_logistic(column, y, ridge=_RIDGE, nonnegative=True).coefficients[0])
    return float(fit_cox(column, y, ridge=_RIDGE, strata=fold, nonnegative=True)[0])


def _intercept(y: Target, log_odds: Floats) -> float:
    from scipy.optimize import brentq

    share = y.mean()

    def excess(intercept: float) -> float:
        return float(expit(log_odds + intercept).mean() - share)

    reach = 40.0 + float(np.abs(log_odds).max(initial=0.0))
    return float(brentq(excess, -reach, reach, xtol=1e-12))
