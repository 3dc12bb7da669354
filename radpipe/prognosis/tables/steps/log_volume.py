"""The logarithm of a volume."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.tables.steps.base import Step, numbers_of, table_of

# Of the smallest training volume: what has no logarithm is taken for this.
_LOWEST = 1e-3


class LogVolume(Step):
    """Take the logarithm of a volume, whose effect on hazard is a matter of doublings.

    Some published tables are standardised by their authors, and hold volumes below zero. These are
    first moved up until the smallest is as far above zero as the median is above it: whatever the
    unit and the origin were, the order of patients stays, and the long tail is drawn in.

    Parameters
    ----------
    column : str, optional
        The volume; None: all columns.

    Attributes
    ----------
    least_ : float
        Smallest training volume. Smaller ones keep their place, down to a thousandth of it.
    shift_ : float
        Added before the logarithm is taken.
    """

    learned: ClassVar[tuple[str, ...]] = ("least_", "shift_")

    def __init__(self, column: str | None = None) -> None:
        self.column = column

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        values = numbers_of(X[self._columns(X)])
        known = values[np.isfinite(values)]
        self.least_ = float(known.min()) if len(known) else 1.0
        self.shift_ = 0.0
        if self.least_ <= 0:
            middle = float(np.median(known))
            # All alike, or half of them at the minimum: any unit serves.
            self.shift_ = (middle - self.least_ if middle > self.least_ else 1.0) - self.least_

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        columns = self._columns(X)
        found = X.copy()
        part = X[columns]
        values = numbers_of(part) + self.shift_
        lowest = _LOWEST * (self.least_ + self.shift_)
        found[columns] = table_of(np.log(np.maximum(values, lowest)), part)
        return found

    def _columns(self, X: pd.DataFrame) -> list[str]:
        # One that tells nothing was dropped by an earlier step.
        return [name for name in X.columns if self.column in (None, name)]
