"""Pull in the extremes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.steps.base import Step, numbers_of, table_of
from radpipe.prognosis.tables.steps.order import quantiles


class Winsorise(Step):
    """Clip every column to quantiles of training.

    One segmentation gone wrong can give a value that outweighs all patients. A column of two values
    is left alone, since clipping would erase a rare category.

    Parameters
    ----------
    tail : float
        The share of training rows beyond either bound.

    Attributes
    ----------
    low_, high_ : ndarray of float64, shape (p,)
        The bounds.
    """

    learned: ClassVar[tuple[str, ...]] = ("low_", "high_")
    low_: Floats
    high_: Floats

    def __init__(self, tail: float = 0.01) -> None:
        self.tail = tail

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        values = numbers_of(X)
        least, greatest = quantiles(values, 0.0), quantiles(values, 1.0)
        two = ((values == least) | (values == greatest) | np.isnan(values)).all(axis=0)
        self.low_ = np.where(two, least, quantiles(values, self.tail))
        self.high_ = np.where(two, greatest, quantiles(values, 1.0 - self.tail))

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        return table_of(np.clip(numbers_of(X), self.low_, self.high_), X)
