"""Six published tables with a binary outcome, beside an L1-logistic model in the same folds.

The main model is the fusion, or the logistic one where there is no volume to fuse with.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from shown import Verdict, interval, run, show
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import binary_tables

from radpipe.prognosis.evaluation import ModelOptions, evaluate
from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.survival import auc, nadeau_bengio

FOLDS, PENALTIES = 5, 10
MODELS = ["logistic", "xgb_classifier", "fusion"]


def measure(chosen: argparse.Namespace) -> list[Verdict]:
    verdicts, rows = [], []
    tables = binary_tables(chosen)
    found = run(partial(one_table, tables, chosen), [*tables], chosen)
    for name, (metrics, peer, gain, seconds) in zip(tables, found, strict=True):
        models, main = metrics["models"], metrics["main"]
        against_volume = models[main]["versus"].get("volume")
        values = [
            interval(models[model]["auc"]) if model in models else "none"
            for model in ("volume", *MODELS)
        ]
        cohort = f"{metrics['cohort']['patients']}, {metrics['cohort']['events']}"
        told = (interval(peer), interval(gain), interval(against_volume) or "none")
        rows.append((name, cohort, *values, *told, *(f"{each:.0f}" for each in seconds)))
        for other, facts in (("the L1-logistic model", gain), ("volume", against_volume)):
            if facts is not None:
                what = f"{name}: {main} against {other}"
                passed = facts["high"] >= 0
                verdicts.append(Verdict(what, interval(facts), "interval not below 0", passed))
    columns = (
        *("table", "patients, events", "volume", *MODELS),
        *("L1-logistic", "main - L1-logistic", "main - volume", "seconds", "L1-logistic seconds"),
    )
    show("Nested AUC", columns, rows)
    return verdicts


def one_table(
    tables: dict[str, tuple[pd.DataFrame, dict[str, Any]]], chosen: argparse.Namespace, name: str
) -> tuple[dict[str, Any], dict[str, float], dict[str, float], tuple[float, float]]:
    table, roles = tables[name]
    started = time.perf_counter()
    result = evaluate(
        table,
        **roles,
        models=chosen.models or MODELS,
        options=ModelOptions(trials=chosen.trials),
        repeats=chosen.repeats or 5,
        folds=FOLDS,
        permutations=0,
    )
    between = time.perf_counter()
    ours, theirs = in_same_folds(
        table.set_index(table["ID"].astype(str)).drop(columns="ID"), result
    )
    finished = time.perf_counter()
    # Of one test patient to so many training ones.
    ratio = 1 / (FOLDS - 1)
    peer = nadeau_bengio(theirs, ratio, FOLDS)._asdict()
    gain = nadeau_bengio(ours - theirs, ratio, FOLDS, (-1.0, 1.0))._asdict()
    return result.metrics, peer, gain, (between - started, finished - between)


def in_same_folds(table: pd.DataFrame, result: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """Return the AUC of the main model and of the L1-logistic model in every outer fold."""
    target, features = table["Target"] == 1, table.drop(columns="Target")
    ours, theirs = [], []
    found = result.predictions
    for _, part in found[found["model"] == result.metrics["main"]].groupby(["repeat", "fold"]):
        test = table.index.isin(part["patient_id"])
        model = l1_logistic().fit(features[~test], target[~test])
        theirs.append(auc(target[test], model.decision_function(features[test])))
        ours.append(auc(part["event"], part["risk_score"]))
    return np.array(ours), np.array(theirs)


def l1_logistic() -> Any:
    """Make what a careful user of scikit-learn would: scaled, tuned by AUC in inner folds."""
    inner = StratifiedKFold(5, shuffle=True, random_state=0)
    return make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=PENALTIES,
            l1_ratios=(1.0,),
            solver="liblinear",
            scoring="roc_auc",
            cv=inner,
            random_state=0,
            use_legacy_attributes=False,
        ),
    )
