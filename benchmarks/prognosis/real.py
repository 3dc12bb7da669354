"""Published tables: the C-index of every model, against volume, and how long it takes."""

from __future__ import annotations

import argparse
import time

from shown import Verdict, interval, show
from tables import survival_tables

from radpipe.prognosis.evaluation import ModelOptions, evaluate
from radpipe.prognosis.models.table import BASELINES

PERMUTATIONS, SECONDS = 20, 120


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    verdicts = []
    for name, (table, roles) in survival_tables(chosen).items():
        started = time.perf_counter()
        result = evaluate(
            table,
            **roles,
            models=chosen.models,
            options=ModelOptions(trials=chosen.trials),
            repeats=chosen.repeats or 5,
            permutations=chosen.seeds or PERMUTATIONS,
            workers=chosen.workers,
            progress=True,
        )
        seconds = time.perf_counter() - started
        cohort = result.metrics["cohort"]
        title = f"{name}: {cohort['patients']} patients, {cohort['events']} events, {seconds:.0f} s"
        rows = [
            (
                model,
                interval(facts["c_index"]),
                *(interval(facts["versus"].get(baseline)) for baseline in BASELINES),
                f"{facts['calibration_slope']:.2f}",
                f"{facts['optimism']:.3f}",
            )
            for model, facts in result.metrics["models"].items()
        ]
        against = (f"against {baseline}" for baseline in BASELINES)
        columns = ("model", "nested C", *against, "slope", "optimism")
        show(title, columns, rows)
        control = (result.metrics["controls"] or {}).get("label_permutation")
        if control:
            print(f"\nPermuted outcomes: mean C {control['mean']:.3f}, p = {control['p']:.3f}")
        what = f"{name}: seconds with {PERMUTATIONS} permutations on {chosen.workers} workers"
        verdicts.append(Verdict(what, f"{seconds:.0f}", f"at most {SECONDS}", seconds <= SECONDS))
    return verdicts
