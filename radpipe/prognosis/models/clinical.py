"""Clinical columns alone: what a hospital knows without any radiomics."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radpipe.prognosis.models.calibration import Target
from radpipe.prognosis.models.linear import LinearModel
from radpipe.prognosis.models.parts import Columns
from radpipe.prognosis.models.ridge import ridge_regression
from radpipe.prognosis.tables.steps import DropUninformative, Encode, Impute, Scale, Steps
from radpipe.prognosis.tables.steps.log_volume import LogVolume

# As if each column's coefficient were drawn from a normal distribution of this precision: enough
# to keep a rare category of a small cohort from running away, too little to be noticed elsewhere.
RIDGE = 1.0


class ClinicalModel(LinearModel):
    """Cox regression, or logistic without times, on few named columns.

    Where one of them is the tumour's volume, its logarithm is taken.

    Parameters are those of every model; nothing is tuned.
    """

    def wanted(self, columns: Columns) -> list[str]:
        """Choose the clinical columns.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            Those named.
        """
        return list(columns.clinical)

    def make_steps(self, X: pd.DataFrame) -> Steps:
        """Make the steps: indicators of categories, holes filled, one scale.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training table.

        Returns
        -------
        Steps
            Not fitted.
        """
        volume = None if self.columns is None else self.columns.volume
        logarithm = [LogVolume(volume)] if volume in X.columns else []
        return Steps([DropUninformative(0.5), Encode(), Impute(), *logarithm, Scale()])

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> pd.Series:
        """Fit the regression.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            What the steps gave.
        y : ndarray, shape (n,)
            The endpoint.
        settings : dict
            Empty.

        Returns
        -------
        Series
            Coefficients.
        """
        return ridge_regression(table, y, RIDGE)


class ClinicalVolumeModel(ClinicalModel):
    """Clinical columns and the tumour's volume: what radiomics has to add to."""

    def wanted(self, columns: Columns) -> list[str]:
        """Choose the clinical columns and the volume.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            Empty unless there are both.
        """
        if columns.volume is None or not columns.clinical:
            return []
        return list(dict.fromkeys([*columns.clinical, columns.volume]))
