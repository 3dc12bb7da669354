"""Many columns of an embedding become few that do not go with each other."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.steps.base import Step, numbers_of, table_of


class PrincipalComponents(Step):
    """The directions in which training patients differ most.

    Parameters
    ----------
    count : int
        How many; fewer where there are fewer patients or columns.

    Attributes
    ----------
    means_ : ndarray of float64, shape (p,)
        Of training.
    axes_ : ndarray of float64, shape (k, p)
        One a component. Those of another fold are others: components are never put side by side.
    """

    learned: ClassVar[tuple[str, ...]] = ("means_", "axes_")
    means_: Floats
    axes_: Floats

    def __init__(self, count: int = 10) -> None:
        self.count = count

    def names(self) -> list[str]:
        """Name the components.

        Returns
        -------
        list of str
            In order of what they explain.
        """
        return [f"component_{place:02}" for place in range(1, len(self.axes_) + 1)]

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        from sklearn.decomposition import PCA

        values = numbers_of(X)
        present = ~np.isnan(values)
        self.means_ = np.where(present, values, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
        count = min(self.count, len(values) - 1, values.shape[1])
        self.axes_ = np.zeros((0, values.shape[1]))
        if count > 0:
            centred = self._centred(X)
            self.axes_ = PCA(count, svd_solver="full").fit(centred).components_

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        axes = self.axes_.reshape(len(self.axes_), len(self.means_))
        centred = self._centred(X)
        # One by one: a product of matrices has other last bits with other rows beside it.
        found = [(centred * axis).sum(axis=1) for axis in axes]
        values = np.stack(found, axis=1) if found else np.zeros((len(X), 0))
        return table_of(values, X, self.names())

    def _centred(self, X: pd.DataFrame) -> Floats:
        # What is missing is taken as the mean.
        # In one order whatever the rows: else a sum along them has other last bits.
        return np.ascontiguousarray(np.nan_to_num(numbers_of(X) - self.means_))
