"""Keep the columns that go best with the outcome, each looked at alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.tables.steps.base import Selector, numbers_of
from radpipe.prognosis.tables.steps.scores import score_test

# Decimals: copies of one column differ in the last bits, and machines do; the first of them leads.
TIED = 9


class Univariate(Selector):
    """Keep the columns of the greatest absolute score statistic.

    Parameters
    ----------
    keep : int
        How many.

    Attributes
    ----------
    scores_ : dict of str to float
        z of every column; positive: higher values, more events.
    """

    scores_: dict[str, float]

    def __init__(self, keep: int = 30) -> None:
        self.keep = keep

    def _choose(self, X: pd.DataFrame, y: NDArray[Any] | None) -> NDArray[np.bool_]:
        z = score_test(numbers_of(X), required(y, self))
        self.scores_ = dict(zip(X.columns, z.tolist(), strict=True))
        best = np.argsort(-np.abs(z).round(TIED), kind="stable")[: self.keep]
        return np.isin(np.arange(len(z)), best)


def required(y: NDArray[Any] | None, step: object) -> NDArray[Any]:
    """Insist on outcomes.

    Parameters
    ----------
    y : ndarray, shape (n,), or None
        The endpoint.
    step : object
        Who asks.

    Returns
    -------
    ndarray, shape (n,)
        The endpoint.

    Raises
    ------
    ValueError
        There is none.
    """
    if y is None:
        raise ValueError(f"{type(step).__name__} is fitted to outcomes: fit(X, y)")
    return y
