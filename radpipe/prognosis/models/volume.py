"""Tumour volume alone: what every radiomics model has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.models.calibration import Target
from radpipe.prognosis.models.linear import LinearModel
from radpipe.prognosis.models.parts import Columns
from radpipe.prognosis.tables.steps import Encode, Impute, Scale, Steps
from radpipe.prognosis.tables.steps.log_volume import LogVolume


class VolumeModel(LinearModel):
    """The logarithm of the volume; larger is worse.

    Only a slope, which may not be negative, and the baseline hazard are fitted. Volumes below zero,
    as published tables standardised by their authors have them, are first moved up; see
    :class:`~radpipe.prognosis.tables.steps.log_volume.LogVolume`.

    Parameters are those of every model; nothing is tuned.
    """

    learns = False

    def wanted(self, columns: Columns) -> list[str]:
        """Choose the volume alone.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            The volume's column, if there is one.
        """
        return [] if columns.volume is None else [columns.volume]

    def make_steps(self, X: pd.DataFrame) -> Steps:
        """Make the steps: fill holes, take the logarithm, one scale.

        Parameters
        ----------
        X : DataFrame, shape (n, 1)
            Training table.

        Returns
        -------
        Steps
            Not fitted.
        """
        # Encode refuses infinity.
        return Steps([Encode(), Impute(), LogVolume(), Scale()])

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> pd.Series:
        """Take the volume with the coefficient one; calibration gives it a slope.

        Parameters
        ----------
        table : DataFrame, shape (n, 1)
            What the steps gave.
        y : ndarray, shape (n,)
            Not looked at.
        settings : dict
            Empty.

        Returns
        -------
        Series
            One.
        """
        return pd.Series(np.ones(table.shape[1]), index=table.columns)
