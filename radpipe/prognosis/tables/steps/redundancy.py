"""Keep columns that go with the outcome and not with each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.steps.base import Selector, numbers_of
from radpipe.prognosis.tables.steps.order import standard_ranks
from radpipe.prognosis.tables.steps.scores import explained, score_test
from radpipe.prognosis.tables.steps.univariate import TIED, required


class MinimumRedundancy(Selector):
    """Choose columns one by one: greatest relevance less redundancy (mRMR, the difference form).

    Relevance is the root of the variation that the column's score test explains; redundancy the
    mean absolute Spearman correlation with those already chosen. Both lie between 0 and 1.

    Parameters
    ----------
    keep : int
        How many.

    Attributes
    ----------
    order_ : list of str
        What was chosen, in that order.

    Notes
    -----
    Peng, Long and Ding 2005, doi 10.1109/TPAMI.2005.159; correlations instead of mutual information
    as in Ding and Peng 2005, doi 10.1142/S0219720005001004: at 100 patients they are the steadier.
    """

    order_: list[str]

    def __init__(self, keep: int = 20) -> None:
        self.keep = keep

    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        values, outcome = numbers_of(X), required(y, self)
        relevance = np.sqrt(explained(score_test(values, outcome) ** 2, outcome))
        chosen = _one_by_one(relevance, standard_ranks(values), min(self.keep, X.shape[1]))
        self.order_ = X.columns[chosen].tolist()
        return np.isin(np.arange(X.shape[1]), chosen)


def _one_by_one(relevance: Floats, ranks: Floats, count: int) -> list[int]:
    chosen: list[int] = []
    redundancy = np.zeros(len(relevance))
    merit = relevance.copy()
    while len(chosen) < count:
        chosen.append(int(np.argmax(merit.round(TIED))))
        redundancy += np.abs(ranks.T @ ranks[:, chosen[-1]])
        merit = relevance - redundancy / len(chosen)
        merit[chosen] = -np.inf
    return chosen
