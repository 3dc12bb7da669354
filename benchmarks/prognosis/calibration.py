"""Calibration slopes: of the true hazard, and of every model after its own recalibration."""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import pandas as pd
from cohorts import CLINICAL, Cohort, Population, draw, endpoint_of, evaluated, tested
from shown import Verdict, mean_and_error, near, run, seeds, show, shown

from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.survival import binary_calibration, calibration_slope

PATIENTS, COHORTS = 1000, 20
TRUTH = "true hazard"
POPULATIONS = {
    "survival": Population(20, 5, (0.6, 0.4, 0.3), volume=0.4, clinical=0.3),
    "binary": Population(20, 5, (0.6, 0.4, 0.3), volume=0.4, clinical=0.3, binary=True),
}
MODELS = {
    "survival": ["cox", "xgb_cox", "xgb_classifier", "fusion"],
    "binary": ["logistic", "xgb_classifier", "fusion"],
}


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    verdicts = []
    for kind, population in POPULATIONS.items():
        job = partial(one_cohort, kind, population, chosen)
        found = pd.DataFrame(run(job, seeds(chosen, COHORTS), chosen))
        rows = [
            (name, shown(*mean_and_error(found[name])), f"{found[name].std():.3f}")
            for name in found
        ]
        title = f"Calibration slope, {kind}, {len(found)} cohorts of {PATIENTS}"
        show(title, ("model", "mean slope", "standard deviation of a cohort"), rows)
        for name in found:
            margin = 0.05 if name == TRUTH else 0.1
            verdicts.append(near(f"slope of {name}, {kind}", found[name], 1.0, margin))
    return verdicts


def one_cohort(
    kind: str, population: Population, chosen: argparse.Namespace, seed: int
) -> dict[str, float]:
    cohort = draw(population, seed, PATIENTS)
    models = chosen.models or MODELS[kind]
    result = evaluated(
        cohort,
        models,
        repeats=chosen.repeats or 1,
        seed=seed,
        trials=chosen.trials,
        clinical_columns=CLINICAL,
    )
    slopes = {name: one["calibration_slope"] for name, one in result.metrics["models"].items()}
    return {TRUTH: true_slope(cohort, result), **slopes}


def true_slope(cohort: Cohort, result: Evaluation) -> float:
    """Measure the truth as the models are: within the folds of the first repeat."""
    first = tested(result).query("repeat == 0")
    y = endpoint_of(cohort.table.loc[first["case_id"]])
    hazard = cohort.hazard[first["case_id"]]
    if "days" in cohort.table:
        return calibration_slope(y, hazard, first["fold"])
    slope = binary_calibration(y, 1 / (1 + np.exp(-hazard.to_numpy()))).slope
    assert slope is not None
    return slope
