"""Published tables with permuted outcomes: nothing can predict them.

Times and events together are permuted among the patients; the rest of the table stays as it is.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
from shown import Verdict, mean_and_error, near, run, seeds, show, shown
from tables import survival_tables

from radpipe.prognosis.evaluation.controls import LABELS, Permutation, run_permutation
from radpipe.prognosis.evaluation.harness import Bench
from radpipe.prognosis.evaluation.models import prepare
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.study import Study, make_study

PERMUTATIONS, TUNED, TRIALS, FOLDS = 100, 5, 20, 5
MODELS, TUNED_MODELS = ["cox", "fusion"], ["fusion"]


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    verdicts, rows = [], []
    tuned = chosen.trials or TRIALS
    for name, (table, roles) in survival_tables(chosen).items():
        study = make_study(table, None, Roles(**roles))
        for trials, count, models in ((0, PERMUTATIONS, MODELS), (tuned, TUNED, TUNED_MODELS)):
            for model in chosen.models or models:
                job = partial(one_permutation, study, model, trials)
                found = run(job, seeds(chosen, count), chosen)
                mean, error = mean_and_error(found)
                rows.append((name, model, trials, len(found), shown(mean, error)))
                what = f"{name}, {model}, {len(found)} permutations, {trials} trials"
                verdicts.append(near(what, found, 0.5, 0.02))
    show("Permuted outcomes", ("table", "model", "trials", "permutations", "mean C"), rows)
    return verdicts


def one_permutation(study: Study, name: str, trials: int, seed: int) -> float:
    """Do what the control of an evaluation does: the whole procedure, one repeat."""
    model, X = prepare(study, name, ModelOptions(trials=trials), seed)
    bench = Bench({name: (model, [*X.columns])}, study.frame, study.endpoint, np.array([]))
    permuted = run_permutation(bench, study.features, FOLDS, Permutation(LABELS, seed))
    assert permuted.value is not None
    return permuted.value
