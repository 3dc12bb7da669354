"""Ridge regression: Cox, and logistic where there are no times."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radpipe.prognosis.models.calibration import Target
from radpipe.prognosis.models.features import FeatureModel
from radpipe.prognosis.models.linear import LinearModel
from radpipe.prognosis.survival.cox import fit_cox
from radpipe.prognosis.survival.endpoint import is_binary
from radpipe.prognosis.survival.logistic import fit_logistic


class Ridge(LinearModel, FeatureModel):
    """A coefficient for each of few columns that do not go with each other.

    Setting: ``ridge``, as if each coefficient were drawn from a normal distribution of this
    precision. Parameters are those of :class:`~radpipe.prognosis.models.features.FeatureModel`.
    """

    def defaults(self) -> dict[str, Any]:
        """Return the settings that are tried first.

        Returns
        -------
        dict
            ``ridge``.
        """
        return {"ridge": 10.0}

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Draw settings.

        Parameters
        ----------
        trial : optuna.Trial
            Where they are drawn from.

        Returns
        -------
        dict
            ``ridge``.
        """
        return {"ridge": trial.suggest_float("ridge", 1.0, 300.0, log=True)}

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> pd.Series:
        """Fit the regression.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            What the steps gave.
        y : ndarray, shape (n,)
            The endpoint.
        settings : dict
            ``ridge``.

        Returns
        -------
        Series
            Coefficients.
        """
        return ridge_regression(table, y, settings["ridge"])


def ridge_regression(table: pd.DataFrame, y: Target, ridge: float) -> pd.Series:
    """Fit Cox's, or logistic, regression.

    Parameters
    ----------
    table : DataFrame, shape (n, q)
        Standardised columns.
    y : ndarray, shape (n,)
        The endpoint.
    ridge : float
        Precision of the coefficients' prior.

    Returns
    -------
    Series
        Coefficients; without the intercept.
    """
    if is_binary(y):
        found = fit_logistic(table, y, ridge=ridge).coefficients
    else:
        found = fit_cox(table, y, ridge=ridge)
    return pd.Series(found, index=table.columns)
