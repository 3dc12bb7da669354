"""Tumour volume alone: what every radiomics model has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from radpipe.errors import ModelError, TableError
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.survival.endpoint import Endpoint, Floats
from radpipe.prognosis.tables.columns import listed, volume_column


class VolumeModel(Model):
    """The volume itself as risk score; nothing is fitted.

    Parameters
    ----------
    column : str, optional
        The column to take; else the one that extraction names so.
    """

    learns = False

    def __init__(self, column: str | None = None) -> None:
        self.column = column

    def choose_columns(self, predictors: list[str], volume: str | None) -> list[str]:
        """Choose the volume alone.

        Parameters
        ----------
        predictors : list of str
            Not looked at.
        volume : str or None
            The column of the tumour's volume.

        Returns
        -------
        list of str
            The volume's column, if there is one.
        """
        return [] if volume is None else [volume]

    def fit(self, X: pd.DataFrame, y: Endpoint) -> Self:
        """Find the volume's column.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            One row a patient.
        y : ndarray, shape (n,)
            Not looked at.

        Returns
        -------
        VolumeModel
            Itself.

        Raises
        ------
        ModelError
            There is no such column.
        TableError
            Several columns may be meant.
        """
        column = volume_column(X, self.column)
        if column is None:
            raise ModelError(
                "no volume column",
                found=listed(X.columns) or "no column",
                expected="original_shape_MeshVolume",
                remedy="name it with --volume COLUMN",
            )
        self.learn_columns(X.columns)
        self.column_ = column
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the volumes.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit`` in the same order.

        Returns
        -------
        ndarray of float64, shape (n,)
            In the column's unit, mm³ for PyRadiomics.

        Raises
        ------
        TableError
            A volume is missing.
        """
        self._check_columns(X)
        volumes = X[self.column_].to_numpy(np.float64)
        missing = ~np.isfinite(volumes)
        if missing.any():
            raise TableError(
                "a volume is missing",
                where=f"column {self.column_}",
                found=f"rows {listed(X.index[missing])}",
                expected="a number for every patient",
                remedy="name a complete column with --volume COLUMN",
            )
        return volumes

    def write(self, folder: Path) -> dict[str, Any]:
        """Write nothing but the column's name.

        Parameters
        ----------
        folder : Path
            Not used.

        Returns
        -------
        dict
            The name.
        """
        return {"column": self.column_, "files": []}

    def restore(self, folder: Path, state: dict[str, Any]) -> Self:
        """Take the column's name back.

        Parameters
        ----------
        folder : Path
            Not used.
        state : dict
            Of :meth:`write`.

        Returns
        -------
        VolumeModel
            Itself, fitted.
        """
        self.column_ = state["column"]
        return self
