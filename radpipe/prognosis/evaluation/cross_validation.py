"""Repeated nested cross-validation: how good a model trained like this would be.

Everything fitted on more than one patient is fitted inside the training folds. A C-index counts
pairs within one test fold only: risk scores of different fits have no common scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import TableError
from radpipe.parallel import in_order, require_workers
from radpipe.prognosis.evaluation.gain import gain_over_volume
from radpipe.prognosis.evaluation.results import (
    SCHEMA_VERSION,
    Evaluation,
    interval_facts,
    ranked,
    risk_groups,
)
from radpipe.prognosis.evaluation.seeds import require_seed
from radpipe.prognosis.evaluation.study import (
    Outcomes,
    Study,
    Table,
    make_study,
    prepare,
    versions,
)
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.table import DEFAULT, VOLUME, model_class
from radpipe.prognosis.survival import (
    NoPairsError,
    concordance_index,
    nadeau_bengio,
    repeated_folds,
)
from radpipe.prognosis.survival.endpoint import Endpoint, Floats
from radpipe.prognosis.survival.splits import Fold
from radpipe.prognosis.tables import name_of_table
from radpipe.progress import progress_bar

# Below this a test fold of five holds three events or fewer, and tuning has no more to go by.
MIN_EVENTS = 20


@dataclass(frozen=True)
class _Fitted:
    """What one model did in one outer fold."""

    fold: Fold
    risk: Floats
    group: NDArray[np.str_]
    c_index: float | None
    parameters: dict[str, Any]
    contributions: pd.Series | None = None


def evaluate(
    table: Table,
    clinical: Table,
    *,
    time: str,
    event: str,
    model: str = DEFAULT,
    clinical_columns: Sequence[str] = (),
    volume: str | None = None,
    per_patient: str | None = None,
    unmatched: str = "refuse",
    repeats: int = 5,
    folds: int = 5,
    seed: int = 0,
    workers: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Estimate a model's C-index beside that of tumour volume in the same folds.

    Parameters
    ----------
    table : str, Path or DataFrame
        A run, a Parquet or CSV file, or what ``load_features`` returned.
    clinical : str, Path or DataFrame
        Clinical table with a column ``patient_id``.
    time, event : str
        Its columns of the endpoint.
    model : str
        A name in ``MODELS``.
    clinical_columns : sequence of str
        Its columns to use as predictors beside the features.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    repeats, folds : int
        Outer folds.
    seed : int
        Decides everything that is random.
    workers : int
        Worker processes; the result does not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Evaluation
        Metrics, out-of-fold risk scores, contributions. With fewer than 20 events only volume
        is evaluated, and ``metrics["withheld"]`` says so.

    Raises
    ------
    TableError
        The tables are wrong, there are fewer events than folds, or no fold has a comparable pair.
    ModelError
        The model is unknown.
    SettingsError
        The number of workers is negative, or there is no such seed.
    """
    require_workers(workers)
    require_seed(seed)
    kind = model_class(model)
    outcomes = Outcomes(clinical, time, event, clinical_columns, unmatched)
    study = make_study(table, outcomes, volume=volume, per_patient=per_patient)
    parts = _outer_folds(study, repeats, folds, seed)
    withheld = _withheld(study, model)
    results = {
        name: _run(study, name, parts, seed, workers, progress)
        for name in dict.fromkeys((model, VOLUME))
        if name not in withheld
    }
    if not results:
        raise TableError(
            "nothing can be evaluated",
            where=name_of_table(study.frame, "the feature table"),
            found="; ".join(withheld.values()),
            expected="a model with enough events, or a volume column",
            remedy="take a larger cohort, or name the column of the tumour's volume with --volume",
        )
    design = {
        "repeats": repeats,
        "folds": folds,
        # A model that was withheld was not tuned.
        "inner_folds": kind().get_params().get("inner_folds") if model in results else None,
        "seed": seed,
    }
    metrics = _metrics(study, results, withheld, design)
    tables = [_predictions(name, done, study) for name, done in results.items()]
    return Evaluation(
        metrics, pd.concat(tables, ignore_index=True), _contributions(results.get(model, []))
    )


def _outer_folds(study: Study, repeats: int, folds: int, seed: int) -> list[Fold]:
    if repeats < 1 or folds < 2:
        raise TableError(
            "too few folds",
            where="--repeats, --folds",
            found=f"{repeats} x {folds}",
            expected="1 repeat and 2 folds or more",
            remedy="leave both out for 5 x 5",
        )
    if study.events < folds:
        raise TableError(
            "fewer events than folds",
            where=f"{study.outcomes.where}, column {study.outcomes.event}",
            found=f"{study.events} events",
            expected=f"at least {folds}, one a fold",
            remedy="take fewer --folds, or a larger cohort",
        )
    return repeated_folds(study.endpoint["event"], repeats=repeats, folds=folds, seed=seed)


def _withheld(study: Study, model: str) -> dict[str, str]:
    withheld = {}
    if study.volume is None:
        withheld[VOLUME] = "the table has no volume column; name one with --volume COLUMN"
    if model_class(model).learns and study.events < MIN_EVENTS:
        withheld[model] = (
            f"{study.events} events; at least {MIN_EVENTS} are needed to evaluate a model"
        )
    return withheld


def _run(
    study: Study, name: str, parts: list[Fold], seed: int, workers: int, progress: bool
) -> list[_Fitted]:
    estimator, X = prepare(study, name, seed)
    job = partial(_fit_fold, estimator, X, study.endpoint)
    # Where nothing is learnt, worker processes would take longer to start than the work takes.
    processes = workers if estimator.learns else 0
    with progress_bar(f"{name}: outer folds", len(parts), progress) as step:
        return in_order(job, parts, processes, step)


def _fit_fold(estimator: Model, X: pd.DataFrame, y: Endpoint, fold: Fold) -> _Fitted:
    from sklearn.base import clone

    model: Model = clone(estimator).fit(X.iloc[fold.train], y[fold.train])
    X_test = X.iloc[fold.test]
    risk = model.predict(X_test)
    return _Fitted(
        fold,
        risk,
        risk_groups(risk, float(np.median(model.predict(X.iloc[fold.train])))),
        _c_index(y[fold.test], risk),
        getattr(model, "parameters_", {}),
        model.contributions(X_test).abs().mean() if hasattr(model, "contributions") else None,
    )


def _c_index(y: Endpoint, risk: Floats) -> float | None:
    try:
        return concordance_index(y, risk)
    except NoPairsError:
        return None


def _metrics(
    study: Study,
    results: dict[str, list[_Fitted]],
    withheld: dict[str, str],
    design: dict[str, Any],
) -> dict[str, Any]:
    return {
        "schema": SCHEMA_VERSION,
        "kind": "cross-validation",
        "endpoint": study.endpoint_facts(),
        "cohort": study.cohort_facts(),
        "design": {**design, "interval": "Nadeau-Bengio 95 %"},
        "models": _models(study, results),
        "withheld": withheld,
        "source": study.source_facts(),
        "versions": versions(),
    }


def _models(study: Study, results: dict[str, list[_Fitted]]) -> dict[str, Any]:
    models = {name: _model_facts(done, study, name) for name, done in results.items()}
    for name in models.keys() - {VOLUME}:
        if VOLUME in models:
            shape = _shape_of_folds(results[name])
            gain = gain_over_volume(models[name]["folds"], models[VOLUME]["folds"], *shape)
            models[name]["gain_over_volume"] = None if gain is None else interval_facts(gain)
    return models


def _shape_of_folds(done: list[_Fitted]) -> tuple[float, int]:
    """Return the number of test patients to one of training, and of folds in a repeat."""
    ratio = float(np.mean([len(one.fold.test) / len(one.fold.train) for one in done]))
    return ratio, 1 + max(one.fold.fold for one in done)


def _model_facts(done: list[_Fitted], study: Study, name: str) -> dict[str, Any]:
    values = [one.c_index for one in done if one.c_index is not None]
    if len(values) < 2:
        raise TableError(
            "too few test folds have a comparable pair of patients",
            found=f"{len(values)} of {len(done)} folds",
            expected="at least 2",
            remedy="take fewer --folds, or a larger cohort",
        )
    interval = nadeau_bengio(values, *_shape_of_folds(done))
    facts: dict[str, Any] = {"c_index": interval_facts(interval)}
    if name == VOLUME:
        facts["column"] = study.volume
    facts["folds_without_pairs"] = len(done) - len(values)
    facts["folds"] = [
        {
            "repeat": one.fold.repeat,
            "fold": one.fold.fold,
            "c_index": one.c_index,
            "parameters": one.parameters,
        }
        for one in done
    ]
    return facts


def _predictions(name: str, done: list[_Fitted], study: Study) -> pd.DataFrame:
    identifiers = study.identifiers()
    tables = []
    for one in done:
        table = identifiers.iloc[one.fold.test].reset_index(drop=True)
        table.insert(0, "fold", one.fold.fold)
        table.insert(0, "repeat", one.fold.repeat)
        table.insert(0, "model", name)
        tables.append(table.assign(risk_score=one.risk, group=one.group))
    return pd.concat(tables, ignore_index=True)


def _contributions(done: list[_Fitted]) -> pd.DataFrame | None:
    parts = [one.contributions for one in done if one.contributions is not None]
    return ranked(pd.concat(parts, axis=1).mean(axis=1)) if parts else None
