"""From what each fold gave to what ``metrics.json`` says of each model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.evaluation import controls
from radpipe.prognosis.evaluation.branches import title_facts
from radpipe.prognosis.evaluation.centres import centre_draws
from radpipe.prognosis.evaluation.comparison import difference, over_folds, yardsticks
from radpipe.prognosis.evaluation.harness import Bench, Fitted
from radpipe.prognosis.evaluation.measures import average, pooled_measures
from radpipe.prognosis.evaluation.results import facts_or_none, interval_facts
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.models.table import BASELINES, BOTH, DEFAULT, VOLUME
from radpipe.prognosis.survival import (
    Interval,
    average_precision,
    logistic_loss,
    partial_likelihood_loss,
    time_dependent_auc,
    uno_concordance,
)
from radpipe.prognosis.survival.endpoint import Floats, events_of
from radpipe.prognosis.survival.resampling import (
    Shares,
    all_pairs,
    average_precisions,
    concordances,
    interval_of,
    pairs_at,
    uno_pairs,
)

Results = dict[str, list[Fitted]]
_ANYTHING = (-np.inf, np.inf)


def main_of(models: Sequence[str]) -> str:
    """Name the model that a report is about.

    Parameters
    ----------
    models : sequence of str
        Those evaluated.

    Returns
    -------
    str
        The fusion, else the first that is no baseline, else the first.
    """
    if DEFAULT in models:
        return DEFAULT
    return next((name for name in models if name not in BASELINES), models[0])


def facts_of_models(
    study: Study,
    results: Results,
    bench: Bench,
    horizons: Floats,
    chance: controls.Chance,
) -> dict[str, Any]:
    """Measure every model.

    Parameters
    ----------
    study : Study
        The cohort.
    results : dict of str to list of Fitted
        All folds of all models.
    bench : Bench
        What they have in common.
    horizons : ndarray of float64, shape (h,)
        Those allowed.
    chance : Chance
        The p-value of the main model's groups.

    Returns
    -------
    dict
        By model, as ``metrics.json`` holds it.

    Raises
    ------
    TableError
        Fewer than two folds of a model have comparable patients.
    """
    facts = {}
    for name, done in results.items():
        facts[name] = {
            **title_facts(name, [one.settings for one in done]),
            "baseline": name in BASELINES,
            **({"column": study.volume} if name == VOLUME else {}),
            **_pairs(study, name, done),
            "versus": _versus(study, name, results),
            **_pooled(done, bench, horizons),
            **_optimism(done),
            "correlation_with_volume": _correlation(study, done),
            "likelihood_gain": _gain(study, name, results),
            **_folds(study, done),
        }
        if not study.binary:
            _add_aucs(facts[name]["horizons"], study, done)
            is_main = name == main_of([*results])
            told = chance if is_main else controls.Chance(None, 0)
            facts[name]["log_rank"] |= told._asdict()
    return facts


def _pairs(study: Study, name: str, done: list[Fitted]) -> dict[str, Any]:
    y = study.endpoint
    interval = _interval(study, done, [one.value for one in done], _ordered)
    if interval is None:
        raise TableError(
            "too few test folds have a comparable pair of patients",
            where=f"model {name}",
            found=f"{sum(one.value is not None for one in done)} of {len(done)} folds",
            expected="at least 2",
            remedy="take fewer --folds, or a larger cohort",
        )
    if study.binary:
        precision = [_defined(average_precision, y[one.fold.test], one.risk) for one in done]
        found = _interval(study, done, precision, average_precisions)
        return {"auc": interval_facts(interval), "average_precision": facts_or_none(found)}
    uno = [_defined(uno_concordance, y[one.fold.train], y[one.fold.test], one.risk) for one in done]
    return {
        "c_index": interval_facts(interval),
        "uno": facts_or_none(_interval(study, done, uno, _ordered_by_uno)),
    }


def _interval(
    study: Study, done: list[Fitted], values: Sequence[float | None], shares: Shares
) -> Interval | None:
    if study.centre is None:
        return over_folds(done, values)
    return interval_of(centre_draws(study.endpoint, done, shares))


def _ordered(y: Any, risk: Floats, drawn: Floats) -> Floats:
    return concordances(all_pairs(y), risk, drawn)


def _ordered_by_uno(y: Any, risk: Floats, drawn: Floats) -> Floats:
    return concordances(uno_pairs(y), risk, drawn)


def _versus(study: Study, name: str, results: Results) -> dict[str, Any]:
    others = yardsticks(name, results)
    if study.centre is None:
        return {other: facts_or_none(difference(results[name], results[other])) for other in others}
    draws = {
        each: centre_draws(study.endpoint, results[each], _ordered) for each in (name, *others)
    }
    return {other: facts_or_none(interval_of(draws[name] - draws[other])) for other in others}


def _pooled(done: list[Fitted], bench: Bench, horizons: Floats) -> dict[str, Any]:
    return average(
        [pooled_measures(controls.pool(part, bench), horizons) for part in repeats_of(done)]
    )


def repeats_of(done: list[Fitted]) -> list[list[Fitted]]:
    """Divide folds by repeat.

    Parameters
    ----------
    done : list of Fitted
        All folds.

    Returns
    -------
    list of list of Fitted
        One entry a repeat.
    """
    count = 1 + max(one.fold.repeat for one in done)
    return [[one for one in done if one.fold.repeat == repeat] for repeat in range(count)]


def _optimism(done: list[Fitted]) -> dict[str, float | None]:
    known = [
        (one.apparent, one.value)
        for one in done
        if one.apparent is not None and one.value is not None
    ]
    if not known:
        return {"training": None, "optimism": None}
    apparent, value = np.mean(known, axis=0)
    return {"training": float(apparent), "optimism": float(apparent - value)}


def _correlation(study: Study, done: list[Fitted]) -> float | None:
    """Correlate risk with volume by rank within folds, whose risks have a common zero."""
    if study.volume is None:
        return None
    volume = study.frame[study.volume].to_numpy(np.float64)
    found = [
        pd.Series(one.risk).corr(pd.Series(volume[one.fold.test]), method="spearman")
        for one in done
        if np.ptp(one.risk) > 0
    ]
    known = [value for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _gain(study: Study, name: str, results: Results) -> dict[str, float] | None:
    other = BOTH if BOTH in results else VOLUME
    # Of a few hospitals Nadeau and Bengio's interval says nothing.
    if other not in results or name in BASELINES or study.centre is not None:
        return None
    gains = []
    for ours, theirs in zip(results[name], results[other], strict=True):
        y = study.endpoint[ours.fold.test]
        loss = logistic_loss if study.binary else partial_likelihood_loss
        gains.append(loss(y, theirs.risk) - loss(y, ours.risk))
    return facts_or_none(over_folds(results[name], gains, _ANYTHING))


def _folds(study: Study, done: list[Fitted]) -> dict[str, Any]:
    centres = None if study.centre is None else study.frame[study.centre]
    key = "auc" if study.binary else "c_index"
    return {
        "folds_without_pairs": sum(one.value is None for one in done),
        "folds": [
            {
                "repeat": one.fold.repeat,
                "fold": one.fold.fold,
                "centre": None if centres is None else str(centres.iloc[one.fold.test[0]]),
                "patients": len(one.fold.test),
                "events": int(events_of(study.endpoint[one.fold.test]).sum()),
                key: one.value,
                f"train_{key}": one.apparent,
                "parameters": one.settings,
                "used": len(one.used),
            }
            for one in done
        ],
    }


def _add_aucs(entries: list[dict[str, Any]], study: Study, done: list[Fitted]) -> None:
    y = study.endpoint
    for entry in entries:
        values = [
            _defined(_auc_at, y[one.fold.train], y[one.fold.test], one.risk, entry["time"])
            for one in done
        ]
        ordered = partial(_ordered_at, entry["time"])
        entry["auc"] = facts_or_none(_interval(study, done, values, ordered))


def _ordered_at(time: float, y: Any, risk: Floats, drawn: Floats) -> Floats:
    return concordances(pairs_at(y, time), risk, drawn)


def _auc_at(train: Any, test: Any, risk: Floats, time: float) -> float:
    return float(time_dependent_auc(train, test, risk, [time])[0])


def _defined(measure: Any, *arguments: Any) -> float | None:
    """Return None where a measure is not defined in a fold."""
    try:
        return float(measure(*arguments))
    except ValueError:
        return None
