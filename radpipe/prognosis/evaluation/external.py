"""Measures of frozen models on a cohort, with intervals from a bootstrap of its patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.evaluation.branches import title_facts
from radpipe.prognosis.evaluation.comparison import yardsticks
from radpipe.prognosis.evaluation.controls import p_value
from radpipe.prognosis.evaluation.measures import Pooled, pooled_measures
from radpipe.prognosis.evaluation.results import facts_or_none, interval_facts
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.models.table import BASELINES, BOTH, VOLUME
from radpipe.prognosis.survival import (
    bootstrap_interval,
    log_rank_statistic,
    logistic_loss,
    partial_likelihood_loss,
)
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.resampling import (
    Pairs,
    all_pairs,
    average_precisions,
    concordances,
    draw,
    interval_of,
    pairs_at,
    uno_pairs,
)

Facts = dict[str, Any]


@dataclass(frozen=True)
class Frozen:
    """What is known of a validation before its models are measured.

    Attributes
    ----------
    study : Study
        The cohort.
    settings : mapping of str to dict
        What the training of each model chose.
    horizons : ndarray of float64, shape (h,)
        When is measured.
    bootstraps, permutations : int
        Samples for intervals; shuffles of risk groups for the p of their log-rank test.
    seed : int
        Of both.
    """

    study: Study
    settings: Mapping[str, Facts]
    horizons: Floats
    bootstraps: int
    permutations: int
    seed: int


def facts_of_models(frozen: Frozen, pooled: Mapping[str, Pooled]) -> dict[str, Facts]:
    """Measure every model.

    Parameters
    ----------
    frozen : Frozen
        The cohort.
    pooled : mapping of str to Pooled
        Predictions by model.

    Returns
    -------
    dict
        By model, as ``metrics.json`` holds it.
    """
    study = frozen.study
    drawn = draw(len(study.endpoint), frozen.bootstraps, frozen.seed)
    risks = {name: each.risk for name, each in pooled.items()}
    pairs = all_pairs(study.endpoint)
    values = {name: concordances(pairs, risk, drawn) for name, risk in risks.items()}
    facts = {
        name: {
            **title_facts(name, [frozen.settings[name]]),
            "baseline": name in BASELINES,
            **({"column": study.volume} if name == VOLUME else {}),
            **_discrimination(frozen, risks[name], values[name], drawn),
            "versus": _versus(name, values),
            **pooled_measures(each, frozen.horizons),
            "correlation_with_volume": _correlation(study, risks[name]),
            "likelihood_gain": _gain(frozen, name, risks),
            "folds_without_pairs": 0,
            "folds": [],
        }
        for name, each in pooled.items()
    }
    if not study.binary:
        _add_aucs(frozen, facts, risks, drawn)
        for name, each in pooled.items():
            facts[name]["log_rank"] = _log_rank(frozen, each)
    return facts


def _discrimination(frozen: Frozen, risk: Floats, values: Floats, drawn: Floats) -> Facts:
    y = frozen.study.endpoint
    found = facts_or_none(interval_of(values))
    if frozen.study.binary:
        precision = interval_of(average_precisions(y, risk, drawn))
        return {"auc": found, "average_precision": facts_or_none(precision)}
    return {"c_index": found, "uno": _of_pairs(lambda: uno_pairs(y), risk, drawn)}


def _of_pairs(make: Callable[[], Pairs], risk: Floats, drawn: Floats) -> Facts | None:
    try:
        return facts_or_none(interval_of(concordances(make(), risk, drawn)))
    except ValueError:
        return None


def _resampled(frozen: Frozen, metric: Callable[[Any], float]) -> Facts | None:
    patients = len(frozen.study.endpoint)
    try:
        interval = bootstrap_interval(
            metric, patients, bootstraps=frozen.bootstraps, seed=frozen.seed
        )
    except ValueError:
        return None
    return interval_facts(interval)


def _versus(name: str, values: Mapping[str, Floats]) -> Facts:
    # Of the same samples: what a cohort's luck gives to both is no difference.
    return {
        other: facts_or_none(interval_of(values[name] - values[other]))
        for other in yardsticks(name, values)
    }


def _correlation(study: Study, risk: Floats) -> float | None:
    if study.volume is None or np.ptp(risk) == 0:
        return None
    volume = pd.Series(study.frame[study.volume].to_numpy(np.float64))
    found = float(pd.Series(risk).corr(volume, method="spearman"))
    return found if np.isfinite(found) else None


def _gain(frozen: Frozen, name: str, risks: Mapping[str, Floats]) -> Facts | None:
    other = BOTH if BOTH in risks else VOLUME
    if name in BASELINES or other not in risks:
        return None
    y = frozen.study.endpoint
    loss = logistic_loss if frozen.study.binary else partial_likelihood_loss

    def gain(places: Any) -> float:
        return loss(y[places], risks[other][places]) - loss(y[places], risks[name][places])

    return _resampled(frozen, gain)


def _add_aucs(
    frozen: Frozen, facts: Mapping[str, Facts], risks: Mapping[str, Floats], drawn: Floats
) -> None:
    y = frozen.study.endpoint
    for place, time in enumerate(frozen.horizons):
        for name, risk in risks.items():
            found = _of_pairs(partial(pairs_at, y, float(time)), risk, drawn)
            facts[name]["horizons"][place]["auc"] = found


def _log_rank(frozen: Frozen, pooled: Pooled) -> Facts:
    random = np.random.default_rng(frozen.seed)
    try:
        observed = log_rank_statistic(pooled.y, pooled.group)
    except ValueError:
        return {"statistic": None, "p": None, "permutations": 0}
    chance = [
        log_rank_statistic(pooled.y, random.permutation(pooled.group))
        for _ in range(frozen.permutations)
    ]
    return {
        "statistic": observed,
        "p": p_value(observed, chance),
        "permutations": frozen.permutations,
    }
