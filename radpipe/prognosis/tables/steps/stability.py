"""Drop features that change when the segmentation changes a little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.tables.stability import LEAST_STABLE
from radpipe.prognosis.tables.steps.base import Selector


class DropUnstable(Selector):
    """Drop columns whose repeatability is known and too low.

    A column whose repeatability is not known stays: clinical columns have none.

    Parameters
    ----------
    stability : mapping of str to float
        The intraclass correlation of columns, or its lower bound.
    least : float
        The lowest that stays.
    """

    def __init__(self, stability: Mapping[str, float], least: float = LEAST_STABLE) -> None:
        self.stability = stability
        self.least = least

    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        known = pd.Series(dict(self.stability), dtype=np.float64)
        return np.asarray(~X.columns.isin(known.index[~(known >= self.least)]))
