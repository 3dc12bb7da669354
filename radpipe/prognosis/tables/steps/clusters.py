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

# One product of matrices serves as many candidates: enough to be fast, few enough that the
# correlations with 20,000 columns take 20 MB.
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
        ranks = np.ascontiguousarray(standard_ranks(numbers_of(X)).T)
        order = self._precedence(X.columns, ranks)
        leaders = order[_leaders(ranks[order], self.threshold)]
        names = X.columns.to_numpy(object)
        self.clusters_ = {name: [name] for name in names[order[leaders == order]]}
        for place in np.flatnonzero(leaders != order):
            self.clusters_[names[leaders[place]]].append(names[order[place]])
        return np.isin(np.arange(X.shape[1]), leaders)

    def _precedence(self, columns: pd.Index, ranks: Floats) -> NDArray[np.intp]:
        known = pd.Series(self.stability or {}, dtype=np.float64)
        stability = known.reindex(columns).fillna(-np.inf).to_numpy()
        return np.lexsort((-_neighbours(ranks, self.threshold), -stability))


def _close(some: Floats, ranks: Floats, threshold: float) -> NDArray[np.bool_]:
    return np.abs(some @ ranks.T) >= threshold - _ROUNDING


def _neighbours(ranks: Floats, threshold: float) -> NDArray[np.intp]:
    blocks = np.array_split(ranks, range(_AT_ONCE, len(ranks), _AT_ONCE))
    return np.concatenate([_close(block, ranks, threshold).sum(axis=1) for block in blocks])


def _leaders(ranks: Floats, threshold: float) -> NDArray[np.intp]:
    """Find each column's leader; columns are rows here, in order of precedence."""
    leaders = np.full(len(ranks), -1, dtype=np.intp)
    free = np.arange(len(ranks))
    while len(free):
        block = free[:_AT_ONCE]
        close = _close(ranks[block], ranks[free], threshold)
        for candidate, near in zip(block, close, strict=True):
            if leaders[candidate] < 0:
                taken = free[near]
                leaders[taken[leaders[taken] < 0]] = candidate
                # A constant column does not correlate even with itself.
                leaders[candidate] = candidate
        free = free[leaders[free] < 0]
    return leaders
