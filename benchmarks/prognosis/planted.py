"""Two strong features among a thousand: what is lost against the true hazard, and is it seen."""

from __future__ import annotations

import argparse
from functools import partial

import pandas as pd
from cohorts import Population, draw, evaluated, true_value, values_of
from shown import Verdict, at_most, mean_and_error, run, seeds, show, shown

PATIENTS, COHORTS, REPEATS = 300, 10, 5
POPULATION = Population(200, 5, (0.75, 0.75))
MODELS = ["cox", "xgb_cox", "fusion"]
MOST_LOST = {"cox": 0.03, "xgb_cox": 0.07}
AMONG = 10
TRUTH = "true hazard"


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    job = partial(one_cohort, chosen)
    found = pd.DataFrame(run(job, seeds(chosen, COHORTS), chosen))
    models = chosen.models or MODELS
    title = f"Two planted clusters of 200, {len(found)} cohorts of {PATIENTS}"
    show(title, ("model", "mean C", "gap to the true hazard", "worst rank"), _rows(found, models))
    return _verdicts(found, models)


def one_cohort(chosen: argparse.Namespace, seed: int) -> dict[str, float]:
    cohort = draw(POPULATION, seed, PATIENTS)
    models = chosen.models or MODELS
    repeats = chosen.repeats or REPEATS
    result = evaluated(cohort, models, repeats=repeats, seed=seed, trials=chosen.trials)
    assert result.selected is not None
    ranks = {f"{name} rank": worst_rank(result.selected.query("model == @name")) for name in models}
    return {TRUTH: true_value(result, cohort.hazard), **values_of(result), **ranks}


def worst_rank(selected: pd.DataFrame) -> float:
    """Return how many clusters were chosen as often as the planted ones, the rarer one counting."""
    chosen = selected.groupby("cluster")["cluster_chosen"].max()
    planted = range(len(POPULATION.effects))
    shares = [_share(chosen, f"original_glcm_Cluster{number}Member") for number in planted]
    return float((chosen >= min(shares)).sum()) if min(shares) > 0 else float("inf")


def _share(chosen: pd.Series, start: str) -> float:
    return max(chosen[chosen.index.str.startswith(start)], default=0.0)


def _rows(found: pd.DataFrame, models: list[str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [(TRUTH, shown(*mean_and_error(found[TRUTH])), "", "")]
    return rows + [
        (
            name,
            shown(*mean_and_error(found[name])),
            shown(*mean_and_error(found[TRUTH] - found[name])),
            f"{found[f'{name} rank'].max():.0f}",
        )
        for name in models
    ]


def _verdicts(found: pd.DataFrame, models: list[str]) -> list[Verdict]:
    verdicts = [
        at_most(f"gap of {name} to the true hazard", found[TRUTH] - found[name], limit)
        for name, limit in MOST_LOST.items()
        if name in models
    ]
    for name in models:
        ranks = found[f"{name} rank"]
        held = int((ranks <= AMONG).sum())
        what = f"cohorts with both planted clusters among the {AMONG} that {name} chose most often"
        wanted = f"{len(ranks)} of {len(ranks)}"
        verdicts.append(Verdict(what, f"{held} of {len(ranks)}", wanted, held == len(ranks)))
    return verdicts
