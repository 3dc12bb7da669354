"""Whether the batch is another name for the outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from radpipe.errors import TableError
from radpipe.prognosis.survival.concordance import NoPairsError
from radpipe.prognosis.survival.endpoint import events_of, is_binary
from radpipe.prognosis.survival.log_rank import log_rank_statistic
from radpipe.prognosis.tables.steps.scores import explained

MOST_EXPLAINED = 0.1
LEAST_P = 0.001
_PERMUTATIONS = 999


def require_not_confounded(batch: pd.Series, y: NDArray[Any], name: str = "batch") -> None:
    """Refuse a batch that alone tells much of the outcome.

    To level such batches is to level the outcome; not to, is to predict the hospital. Either looks
    good or bad for no reason of biology. Refused is a batch that explains a tenth or more of the
    outcome beyond what chance gives as many batches (two hospitals of equal size: from a hazard
    ratio of about 1.9, or event rates of 34 and 66 %), if chance would do so once in a thousand at
    most. Hospitals that differ less are everyday.

    Parameters
    ----------
    batch : Series, shape (n,)
        The batch of each patient.
    y : ndarray, shape (n,)
        The endpoint.
    name : str
        The batch's column.

    Raises
    ------
    TableError
        It is confounded.

    Notes
    -----
    The statistic is the log-rank's, without times Pearson's chi-square of events over batches, less
    its degrees of freedom; explained is what
    :func:`~radpipe.prognosis.tables.steps.scores.explained` makes of it.
    """
    labels, codes = np.unique(batch.to_numpy(object).astype(str), return_inverse=True)
    freedom = len(labels) - 1
    statistic = _statistic(codes, y) if freedom else 0.0
    share = explained(max(statistic - freedom, 0.0), y).item()
    if share < MOST_EXPLAINED or chi2.sf(statistic, freedom) > LEAST_P:
        return
    if not _reached_by_chance(statistic, codes, y):
        raise TableError(
            "the batch is confounded with the outcome",
            where=name,
            found=f"it explains {share:.0%} of the outcome; events {_events(batch, y)}",
            expected=f"less than {MOST_EXPLAINED:.0%}",
            remedy="do not harmonise over it, and validate on each batch apart",
        )


def _statistic(codes: NDArray[np.intp], y: NDArray[Any]) -> float:
    if is_binary(y):
        patients, share = np.bincount(codes), y.mean()
        surplus = np.bincount(codes, weights=y) - patients * share
        return float((surplus**2 / patients).sum() / max(share * (1 - share), 1e-300))
    try:
        return log_rank_statistic(y, codes)
    except NoPairsError:
        return 0.0


def _reached_by_chance(statistic: float, codes: NDArray[np.intp], y: NDArray[Any]) -> bool:
    """Permute: chi-square is too generous to many small batches, one in 25 instead of 1,000."""
    random = np.random.default_rng(0)
    draws = (random.permutation(codes) for _ in range(_PERMUTATIONS))
    return any(_statistic(drawn, y) >= statistic for drawn in draws)


def _events(batch: pd.Series, y: NDArray[Any]) -> str:
    events = pd.Series(events_of(y)).groupby(batch.to_numpy()).agg(["sum", "size"])
    return ", ".join(f"{row.Index}: {row.sum} of {row.size}" for row in events.itertuples())
