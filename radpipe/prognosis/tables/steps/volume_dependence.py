"""Drop features that are tumour volume under another name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.tables.steps.base import Selector, numbers_of
from radpipe.prognosis.tables.steps.order import standard_ranks


class DropVolumeDependent(Selector):
    """Drop columns that correlate with the tumour's volume.

    Parameters
    ----------
    volume : str
        Its column. Where an earlier step dropped it, since it did not vary, nothing is dropped.
    threshold : float
        A column of a greater absolute Spearman correlation goes.
    keep_volume : bool
        Whether the volume stays; False where it is no predictor and came for this step only.

    Attributes
    ----------
    correlations_ : dict of str to float
        Of the dropped columns with the volume.
    """

    correlations_: dict[str, float]

    def __init__(self, volume: str, threshold: float = 0.9, keep_volume: bool = True) -> None:
        self.volume = volume
        self.threshold = threshold
        self.keep_volume = keep_volume

    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        self.correlations_ = {}
        if self.volume not in X.columns:
            # It was the same for all training patients: nothing depends on it.
            return np.ones(X.shape[1], dtype=bool)
        ranks = standard_ranks(numbers_of(X))
        is_volume = np.asarray(X.columns == self.volume)
        correlation = ranks.T @ ranks[:, is_volume].ravel()
        dropped = (np.abs(correlation) > self.threshold) & ~is_volume
        found = zip(X.columns[dropped], correlation[dropped].tolist(), strict=True)
        self.correlations_ = dict(found)
        return ~dropped & (~is_volume | self.keep_volume)
