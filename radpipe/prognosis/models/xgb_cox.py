"""Gradient-boosted Cox regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.models.base import SURVIVAL
from radpipe.prognosis.models.boosting import Boosting, Trees
from radpipe.prognosis.models.calibration import Target


class XgbCox(Boosting):
    """Boosted trees on the Cox partial likelihood; see :class:`Boosting`."""

    endpoints = (SURVIVAL,)

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> Trees:
        """Grow the trees.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            What the steps gave.
        y : ndarray, shape (n,)
            Structured array with ``event`` and ``time``.
        settings : dict
            A candidate.

        Returns
        -------
        Trees
            The booster, and its columns.
        """
        # xgboost's convention: the time, negative where censored.
        label = np.where(y["event"], y["time"], -y["time"])
        return self.boost(table, label, {"objective": "survival:cox"}, settings)
