"""Penalised regression on many features: Cox, and logistic where there are no times."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.models.base import BINARY, SURVIVAL
from radpipe.prognosis.models.calibration import Target
from radpipe.prognosis.models.features import FeatureModel
from radpipe.prognosis.models.linear import LinearModel
from radpipe.prognosis.survival.endpoint import Floats, is_binary

_ROUNDS = 50
_ENOUGH = 1e-4


class ElasticNet(LinearModel, FeatureModel):
    """Elastic net by skglm (Bertrand et al. 2022), a coefficient for each cluster of features.

    Settings: ``strength``, as a share of the penalty at which the first feature enters, and
    ``l1_ratio``. They are shares of what the training rows call for, so that one setting fits
    cohorts of every size. Parameters are those of
    :class:`~radpipe.prognosis.models.features.FeatureModel`.
    """

    def defaults(self) -> dict[str, Any]:
        """Return strong regularisation.

        Returns
        -------
        dict
            ``strength`` and ``l1_ratio``.
        """
        return {"strength": 0.5, "l1_ratio": 0.7}

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Draw settings.

        Parameters
        ----------
        trial : optuna.Trial
            Where they are drawn from.

        Returns
        -------
        dict
            ``strength`` and ``l1_ratio``.
        """
        return {
            "strength": trial.suggest_float("strength", 0.1, 0.9, log=True),
            "l1_ratio": trial.suggest_float("l1_ratio", 0.5, 1.0),
        }

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> pd.Series:
        """Fit the penalised regression.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            What the steps gave.
        y : ndarray, shape (n,)
            The endpoint.
        settings : dict
            ``strength`` and ``l1_ratio``.

        Returns
        -------
        Series
            Coefficients.
        """
        matrix = np.asfortranarray(table.to_numpy(np.float64))
        if matrix.shape[1] == 0:
            return pd.Series(dtype=np.float64)
        return pd.Series(_solve(matrix, y, **settings), index=table.columns)


class CoxModel(ElasticNet):
    """Elastic-net Cox regression; see :class:`ElasticNet`."""

    endpoints = (SURVIVAL,)


class LogisticModel(ElasticNet):
    """Elastic-net logistic regression; see :class:`ElasticNet`."""

    endpoints = (BINARY,)


def _solve(matrix: Floats, y: Target, strength: float, l1_ratio: float) -> Floats:
    from skglm.penalties import L1_plus_L2
    from skglm.solvers import ProxNewton

    datafit, target, gradient, binary = _problem(matrix, y)
    penalty = strength * np.abs(gradient).max() / l1_ratio
    if penalty == 0:
        return np.zeros(matrix.shape[1])
    solver = ProxNewton(fit_intercept=binary, max_iter=_ROUNDS, tol=_ENOUGH)
    with warnings.catch_warnings():
        # Strides that skglm chose itself; and a last digit that no C-index can see.
        warnings.filterwarnings("ignore", ".*faster on contiguous arrays")
        warnings.filterwarnings("ignore", ".*did not converge")
        found = solver.solve(matrix, target, datafit, L1_plus_L2(penalty, l1_ratio))[0]
    return np.asarray(found[: matrix.shape[1]], dtype=np.float64)


def _problem(matrix: Floats, y: Target) -> tuple[Any, Floats, Floats, bool]:
    """Return skglm's loss, its target, and the gradient where all coefficients are zero."""
    from skglm.datafits import Cox, Logistic

    if is_binary(y):
        signs = np.where(y, 1.0, -1.0)
        return Logistic(), signs, matrix.T @ (y.mean() - y) / len(y), True
    target = np.column_stack([y["time"], y["event"]]).astype(np.float64)
    datafit = Cox()
    datafit.initialize(matrix, target)
    return datafit, target, matrix.T @ datafit.raw_grad(target, np.zeros(len(y))), False
