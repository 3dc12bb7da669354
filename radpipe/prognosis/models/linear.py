"""What models whose score is a weighted sum have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.models.learner import LearnerModel
from radpipe.prognosis.survival.endpoint import Floats


class LinearModel(LearnerModel):
    """A model whose learner is a Series of coefficients by column."""

    def score(self, learnt: pd.Series, table: pd.DataFrame) -> Floats:
        """Add the weighted columns up.

        Parameters
        ----------
        learnt : Series, shape (q,)
            Coefficients by column.
        table : DataFrame, shape (m, q)
            What the steps gave.

        Returns
        -------
        ndarray of float64, shape (m,)
            The sums.
        """
        return np.asarray(table.to_numpy(np.float64) @ learnt.to_numpy(np.float64))

    def split(self, learnt: pd.Series, table: pd.DataFrame) -> pd.DataFrame:
        """Weight the columns.

        Parameters
        ----------
        learnt : Series, shape (q,)
            Coefficients by column.
        table : DataFrame, shape (m, q)
            What the steps gave.

        Returns
        -------
        DataFrame, shape (m, q)
            Each column times its coefficient.
        """
        return table * learnt

    def used_by(self, learnt: pd.Series) -> list[str]:
        """Name the columns with a coefficient.

        Parameters
        ----------
        learnt : Series, shape (q,)
            Coefficients by column.

        Returns
        -------
        list of str
            Those that are not zero.
        """
        return [str(name) for name in learnt.index[learnt != 0]]

    def write_learnt(self, folder: Path) -> dict[str, Any]:
        """Write the coefficients.

        Parameters
        ----------
        folder : Path
            Not used.

        Returns
        -------
        dict
            By column.
        """
        return {"coefficients": {str(key): float(value) for key, value in self.learnt_.items()}}

    def restore_learnt(self, folder: Path, state: dict[str, Any]) -> pd.Series:
        """Take the coefficients back.

        Parameters
        ----------
        folder : Path
            Not used.
        state : dict
            Of :meth:`write_learnt`.

        Returns
        -------
        Series
            By column.
        """
        return pd.Series(state["coefficients"], dtype=np.float64)
