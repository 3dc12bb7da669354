"""One column that alone orders the outcomes was made from them.

No measurement of a tumour does that. The limit is 0.99 of the pairs in order, where the strongest
honest predictors of cancer outcomes reach 0.8 to 0.9. By chance alone, with 15 patients on either
side, a column of noise gets there with a probability of 5e-8: once in a thousand tables of 20,000
columns. With fewer patients chance cannot be told from a leak, and nothing is refused. A category
that few patients have, and by chance none of the few survivors, orders all pairs that it parts: a
score test must tell it from chance as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from radpipe.errors import LeakError
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.survival.endpoint import Floats, events_of
from radpipe.prognosis.tables.columns import listed
from radpipe.prognosis.tables.steps.scores import score_test

LIMIT = 0.99
LEAST = 15
# So many pairs tell 0.99 from 0.95 with certainty, whatever the size of the cohort.
_PAIRS = 3000
_BLOCK = 500
# Of the score test on ranks: 7 in a million by chance.
_LEAST_Z = 4.5

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def require_no_oracle(study: Study) -> None:
    """Refuse a predictor that alone orders the patients as their outcomes do.

    Counted are pairs of patients whose values differ: of whom did one have the event first, and of
    whom did one have it and the other not. A column is also looked at for where it is empty, and
    one of categories for each of them.

    Parameters
    ----------
    study : Study
        The cohort.

    Raises
    ------
    LeakError
        A column orders 99 of 100 pairs, one way or the other.
    """
    found: dict[str, float] = {}
    for y, pairs in _kinds_of_pairs(study.endpoint):
        for names, values in _columns(study):
            shares = _shares(values, pairs)
            told = np.flatnonzero(np.maximum(shares, 1 - shares) >= LIMIT)
            told = told[_beyond_chance(values[:, told], y)]
            found |= {names[place]: float(shares[place]) for place in told}
    if found:
        raise LeakError(
            "a column alone orders the outcomes",
            where=study.source_facts()["table"],
            found=listed(f"{name} ({share:.3f} of the pairs)" for name, share in found.items()),
            expected=f"less than {LIMIT} of the pairs of patients ordered by any one column",
            remedy="take out what was known only afterwards; if it was known at the start, no "
            "model is needed",
        )


def _kinds_of_pairs(endpoint: NDArray[Any]) -> Iterator[tuple[NDArray[Any], Pairs]]:
    happened = events_of(endpoint)
    if happened.sum() < LEAST:
        return
    if endpoint.dtype.names is not None:
        time = endpoint["time"]
        before = (time[:, None] < time[None, :]) & happened[:, None]
        yield endpoint, _thinned(before)
    if (~happened).sum() >= LEAST:
        yield happened, _thinned(happened[:, None] & ~happened[None, :])


def _thinned(pairs: NDArray[np.bool_]) -> Pairs:
    first, second = np.nonzero(pairs)
    # Shuffled, since pairs stand in the order of the rows; always the same way.
    kept = np.random.default_rng(0).permutation(len(first))[:_PAIRS]
    return first[kept], second[kept]


def _columns(study: Study) -> Iterator[tuple[list[str], Floats]]:
    for start in range(0, len(study.features), _BLOCK):
        names = study.features[start : start + _BLOCK]
        values = study.frame[names].to_numpy(np.float64)
        yield names, values
        yield _gaps(names, values)
    named = [_as_numbers(study.frame[name]) for name in study.clinical]
    for names, values in named:
        yield names, values
    if study.clinical:
        empty = study.frame[study.clinical].isna().to_numpy(np.float64)
        yield [f"{name}, whether it is empty" for name in study.clinical], empty


def _gaps(names: list[str], values: Floats) -> tuple[list[str], Floats]:
    holes = np.isnan(values)
    places = np.flatnonzero(holes.any(axis=0))
    told = [f"{names[place]}, whether it is empty" for place in places]
    return told, holes[:, places].astype(np.float64)


def _as_numbers(column: pd.Series) -> tuple[list[str], Floats]:
    if is_numeric_dtype(column.dtype):
        return [str(column.name)], column.to_numpy(np.float64, na_value=np.nan)[:, None]
    dummies = pd.get_dummies(column.astype("str").where(column.notna()), dtype=np.float64)
    return [f"{column.name} = {level}" for level in dummies.columns], dummies.to_numpy(np.float64)


def _shares(values: Floats, pairs: Pairs) -> Floats:
    """Tell for each column which share of the pairs that differ has the first one higher."""
    first, second = pairs
    step = values[first] - values[second]
    higher, lower = (step > 0).sum(axis=0), (step < 0).sum(axis=0)
    shares = np.full(values.shape[1], 0.5)
    telling = (higher + lower > 0) & (_away_from_commonest(values) >= LEAST)
    shares[telling] = higher[telling] / (higher + lower)[telling]
    return shares


def _beyond_chance(values: Floats, y: NDArray[Any]) -> NDArray[np.bool_]:
    ranks = pd.DataFrame(values).rank().to_numpy(np.float64)
    return np.abs(score_test(ranks, y)) >= _LEAST_Z


def _away_from_commonest(values: Floats) -> NDArray[np.intp]:
    """Count the patients without the commonest value: a rare category is first by chance."""
    away = np.empty(values.shape[1], dtype=np.intp)
    for place, column in enumerate(values.T):
        known = np.sort(column[~np.isnan(column)])
        runs = np.flatnonzero(np.r_[True, known[1:] != known[:-1], True]) if len(known) else [0]
        away[place] = len(known) - (np.diff(runs).max() if len(known) else 0)
    return away
