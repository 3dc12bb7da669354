"""One feature for each cluster of features that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.steps.base import Selector, numbers_of
from radpipe.prognosis.tables.steps.order import standard_ranks

# Rows of one product of matrices: correlations with 20,000 columns take 20 MB at a time.
_AT_ONCE = 128
_ROUNDING = 1e-12


class CorrelationClusters(Selector):
    """Cluster columns by rank correlation and keep the leader of each.

    The most stable column leads first, of equally stable ones that with which most others
    correlate, and takes all that correlate with it; then the next of those still free, and so on.
    Every column dropped thus correlates with one that is kept, which single linkage does not
    promise. Outcomes play no part.

    Parameters
    ----------
    threshold : float
        The least absolute Spearman correlation with the leader.
    stability : mapping of str to float, optional
        How repeatable a column is (its ICC), highest leads first; columns without one come after.

    Attributes
    ----------
    clusters_ : dict of str to list of str
        For each leader its cluster, itself first.
    """

    learned: ClassVar[tuple[str, ...]] = ("kept_", "clusters_")
    clusters_: dict[str, list[str]]

    def __init__(
        self, threshold: float = 0.9, stability: Mapping[str, float] | None = None
    ) -> None:
        self.threshold = threshold
        self.stability = stability

    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        close = _close(standard_ranks(numbers_of(X)), self.threshold)
        known = pd.Series(self.stability or {}, dtype=np.float64)
        stability = known.reindex(X.columns).fillna(-np.inf).to_numpy()
        neighbours = np.array([np.unpackbits(row).sum(dtype=np.intp) for row in close])
        order = np.lexsort((-neighbours, -stability))
        leaders = _leaders(close, order)
        names = X.columns.to_numpy(object)
        self.clusters_ = {name: [name] for name in names[order[leaders[order] == order]]}
        for place in order[leaders[order] != order]:
            self.clusters_[names[leaders[place]]].append(names[place])
        return np.asarray(leaders == np.arange(len(leaders)))


def _close(ranks: Floats, threshold: float) -> NDArray[np.uint8]:
    """Tell which columns correlate, a row of bits for each: 20,000 columns take 50 MB."""
    columns = np.ascontiguousarray(ranks.T)
    blocks = np.array_split(columns, range(_AT_ONCE, len(columns), _AT_ONCE))
    return np.concatenate(
        [
            np.packbits(np.abs(block @ columns.T) >= threshold - _ROUNDING, axis=1)
            for block in blocks
        ]
    )


def _leaders(close: NDArray[np.uint8], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find each column's leader: candidates in order take what is free."""
    leaders = np.full(len(order), -1, dtype=np.intp)
    for candidate in order:
        if leaders[candidate] < 0:
            near = np.unpackbits(close[candidate], count=len(order)).astype(bool)
            leaders[near & (leaders < 0)] = candidate
            # A constant column does not correlate even with itself.
            leaders[candidate] = candidate
    return leaders
