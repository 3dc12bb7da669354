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
        count = min(self.count, len(values) - 1, values.shape[1])
        if count < 1:
            self.means_, self.axes_ = np.zeros(values.shape[1]), np.zeros((0, values.shape[1]))
            return
        found = PCA(count, svd_solver="full").fit(values)
        self.means_, self.axes_ = found.mean_, found.components_

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        axes = self.axes_.reshape(len(self.axes_), len(self.means_))
        return table_of((numbers_of(X) - self.means_) @ axes.T, X, self.names())
