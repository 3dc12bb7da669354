"""Nothing to be found: the mean C-index must be one half, unless there is a leak."""

from __future__ import annotations

import argparse
from functools import partial

import pandas as pd
from cohorts import CLINICAL, Cohort, Population, draw, endpoint_of, evaluated, values_of
from shown import Verdict, at_least, mean_and_error, near, run, seeds, show, shown

from radpipe.prognosis.tables.steps import Univariate

PATIENTS, FEATURES = 100, 1000
MANY, SOME = 100, 40
CHEAP = {"survival": ["cox"], "binary": ["logistic"]}
COSTLY = {
    "survival": ["xgb_cox", "xgb_classifier", "fusion"],
    "binary": ["xgb_classifier", "fusion"],
}
LEAKED = 30


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    rows, verdicts = [], []
    for kind in CHEAP:
        population = Population(FEATURES, binary=kind == "binary")
        for models, count in ((CHEAP[kind], MANY), (COSTLY[kind], SOME)):
            job = partial(one_cohort, population, models, chosen)
            found = pd.DataFrame(run(job, seeds(chosen, count), chosen))
            # Baselines come along with the costly ones too, on some of the same cohorts.
            for name in found if models is CHEAP[kind] else models:
                what = f"{name}, {kind}, {len(found)} seeds"
                rows.append((what, shown(*mean_and_error(found[name]))))
                margin = max(0.02, 3 * mean_and_error(found[name])[1])
                verdicts.append(near(f"mean of {what}", found[name], 0.5, margin))
    leaky = run(partial(one_leak, chosen), seeds(chosen, MANY), chosen)
    what = f"cox after a selection before the split, {len(leaky)} seeds"
    rows.append((what, shown(*mean_and_error(leaky))))
    show(
        f"Noise: {PATIENTS} patients, {FEATURES:,} features",
        ("model", "mean nested C or AUC"),
        rows,
    )
    return [*verdicts, at_least(f"mean of {what}", leaky, 0.6)]


def one_cohort(
    population: Population, models: list[str], chosen: argparse.Namespace, seed: int
) -> dict[str, float]:
    cohort = draw(population, seed, PATIENTS)
    found = evaluated(
        cohort,
        models,
        repeats=chosen.repeats or 1,
        seed=seed,
        trials=chosen.trials,
        clinical_columns=CLINICAL,
    )
    return values_of(found)


def one_leak(chosen: argparse.Namespace, seed: int) -> float:
    """Do on purpose what a leak is: select features with the outcomes of the test patients."""
    cohort = draw(Population(FEATURES), seed, PATIENTS)
    kept = Univariate(LEAKED).fit_transform(
        cohort.table[cohort.features], endpoint_of(cohort.table)
    )
    others = [name for name in cohort.table if name not in cohort.features]
    reduced = Cohort(cohort.table[[*others, *kept.columns]], cohort.hazard)
    return values_of(evaluated(reduced, ["cox"], repeats=chosen.repeats or 1, seed=seed))["cox"]
