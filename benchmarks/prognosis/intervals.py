"""How often a 95 % interval holds what it is meant for, and how often noise beats volume.

The target is the expected C-index, on new patients, of models trained on as many patients as an
outer fold has: the mean over all cohorts of a fold's model scored on a large cohort of the same
population. On noise it is one half.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import pandas as pd
from cohorts import Cohort, Population, draw, endpoint_of, evaluated
from shown import Verdict, mean_and_error, run, seeds, show

from radpipe.prognosis.evaluation.models import prepare
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.study import make_study
from radpipe.prognosis.survival import concordance_index, repeated_folds

PATIENTS, NEW_PATIENTS, COHORTS, REPEATS, FOLDS = 100, 2000, 200, 5, 5
POPULATIONS = {
    "signal": Population(12, effects=(0.7, -0.5), volume=0.5),
    "noise": Population(12),
}
MODELS = ["xgb_cox", "fusion"]
BASELINE = "volume"


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    verdicts = []
    for kind, population in POPULATIONS.items():
        job = partial(one_cohort, population, chosen)
        found = pd.DataFrame(run(job, seeds(chosen, COHORTS), chosen))
        rows = [
            row(found, value, name)
            for name in (BASELINE, *(chosen.models or MODELS))
            for value in ("C", "gain")
            if f"{name} {value} low" in found
        ]
        title = f"95 % intervals, {kind}, {len(found)} cohorts of {PATIENTS}"
        show(
            title,
            ("", "target", "mean estimate", "mean width", "held", "SE", "too low", "too high"),
            rows,
        )
        verdicts += _verdicts(found, kind, rows, chosen)
    return verdicts


def one_cohort(population: Population, chosen: argparse.Namespace, seed: int) -> dict[str, float]:
    cohort = draw(population, seed, PATIENTS)
    models = chosen.models or MODELS
    repeats = chosen.repeats or REPEATS
    result = evaluated(cohort, models, repeats=repeats, seed=seed, trials=chosen.trials)
    facts: dict[str, float] = {}
    for name in (BASELINE, *models):
        told = result.metrics["models"][name]
        facts |= {f"{name} C {end}": value for end, value in told["c_index"].items()}
        if name != BASELINE:
            gain = told["versus"][BASELINE]
            facts |= {f"{name} gain {end}": value for end, value in gain.items()}
    return {**facts, **_truth(population, cohort, models, chosen, seed)}


def _truth(
    population: Population,
    cohort: Cohort,
    models: list[str],
    chosen: argparse.Namespace,
    seed: int,
) -> dict[str, float]:
    """Score the models of one outer fold on new patients, of whom each cohort has its own."""
    new = draw(population, 2**31 + seed, NEW_PATIENTS)
    new_y = endpoint_of(new.table)
    study = make_study(cohort.table, None, Roles("death", "days"))
    fold = repeated_folds(study.endpoint["event"], repeats=1, folds=FOLDS, seed=seed)[0]
    truth = {}
    for name in (BASELINE, *models):
        model, X = prepare(study, name, ModelOptions(trials=chosen.trials), seed)
        model.fit(X.iloc[fold.train], study.endpoint[fold.train])
        truth[f"{name} C true"] = concordance_index(new_y, model.predict(new.table[X.columns]))
    for name in models:
        truth[f"{name} gain true"] = truth[f"{name} C true"] - truth[f"{BASELINE} C true"]
    return truth


def row(found: pd.DataFrame, value: str, name: str) -> tuple[str, ...]:
    low, high = found[f"{name} {value} low"], found[f"{name} {value} high"]
    target = found[f"{name} {value} true"].mean()
    held = ((low <= target) & (target <= high)).mean()
    error = np.sqrt(held * (1 - held) / len(found))
    numbers = (
        target,
        found[f"{name} {value} estimate"].mean(),
        (high - low).mean(),
        held,
        error,
        (high < target).mean(),
        (low > target).mean(),
    )
    what = f"C of {name}" if value == "C" else f"{name} against {BASELINE}"
    return (what, *(f"{number:.3f}" for number in numbers))


def _verdicts(
    found: pd.DataFrame, kind: str, rows: list[tuple[str, ...]], chosen: argparse.Namespace
) -> list[Verdict]:
    verdicts = [
        Verdict(f"{kind}: intervals that hold {what}", held, "at least 0.900", float(held) >= 0.9)
        for what, _, _, _, held, *_ in rows
    ]
    if kind == "noise":
        for name in chosen.models or MODELS:
            better = found[f"{name} gain low"] > 0
            share, error = mean_and_error(better)
            told = f"{share:.3f} (SE {error:.3f})"
            what = f"noise: {name} is called better than {BASELINE}"
            verdicts.append(Verdict(what, told, "at most 0.050", share <= 0.05))
    return verdicts
