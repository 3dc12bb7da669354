"""Train the model that goes out of the house: on all patients."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.evaluation.distance import UNLIKE, TrainingDistance
from radpipe.prognosis.evaluation.drift import alone_outside, column_facts
from radpipe.prognosis.evaluation.harmonisation import (
    require_harmonisable,
    unharmonised,
    warn_of_unharmonised,
)
from radpipe.prognosis.evaluation.models import (
    choose_models,
    prepare,
    source_facts,
    stability_facts,
)
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.oracles import require_no_oracle
from radpipe.prognosis.evaluation.overlap import patient_hashes
from radpipe.prognosis.evaluation.results import MIN_EVENTS
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.seeds import require_seed
from radpipe.prognosis.evaluation.similar import with_directions
from radpipe.prognosis.evaluation.study import Study, Table, make_study, versions
from radpipe.prognosis.evaluation.yardstick import volume_reversed
from radpipe.prognosis.models.base import Model, fewest_of
from radpipe.prognosis.models.storage import SavedModel, load, save
from radpipe.prognosis.models.table import BASELINES, DEFAULT, model_class
from radpipe.prognosis.survival import allowed_horizons, kaplan_meier
from radpipe.prognosis.tables.batches import batch_labels, harmonisable
from radpipe.progress import showing
from radpipe.store.files import empty_directory
from radpipe.store.patches import PATCH_FILE

log = logging.getLogger("radpipe")


def train(
    table: Table,
    clinical: Table | None = None,
    *,
    event: str,
    out: str | Path,
    time: str | None = None,
    model: str = DEFAULT,
    clinical_columns: Sequence[str] = (),
    features: str | None = None,
    volume: str | None = None,
    id: str = "patient_id",
    batch: str | None = None,
    origin_days: str | None = None,
    per_patient: str | None = None,
    unmatched: str = "refuse",
    force: bool = False,
    options: ModelOptions | None = None,
    seed: int = 0,
    progress: bool = False,
) -> SavedModel:
    """Train a model on a whole cohort and save it, and beside it the baselines it has to beat.

    Events too few for ``evaluate`` are logged as a warning to ``radpipe``.

    Parameters
    ----------
    table : str, Path or DataFrame
        Features: a run, a Parquet or CSV file, or a table in memory.
    clinical : str, Path or DataFrame, optional
        Outcomes and clinical columns; else they stand in the feature table.
    event : str
        Column that is 1 where the event happened, or ``COLUMN=VALUE``.
    out : str or Path
        A new or empty directory.
    time : str, optional
        Column of the time since the start; without it the endpoint is binary.
    model : str
        A name in ``MODELS``.
    clinical_columns : sequence of str
        Predictors beside the features.
    features : str, optional
        Patterns of the columns that are features; else those that extraction made.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    id : str
        Column that names the patient.
    batch : str, optional
        Column of scanner or hospital, for harmonisation by ComBat.
    origin_days : str, optional
        Column of the day from which times run.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    force : bool
        Take predictors whose names resemble a time, an event or a treatment.
    options : ModelOptions, optional
        How models are made.
    seed : int
        Decides all that is random, but bootstrap samples, which are always the same.
    progress : bool
        Show how far an encoder's training and the tuning are.

    Returns
    -------
    SavedModel
        As it was saved.

    Raises
    ------
    TableError
        The tables are wrong, hold no column for this model, or a batch that tells the outcome.
    LeakError
        A column alone orders the outcomes.
    ModelError
        The model is unknown, or has too little to learn from.
    RunError
        The directory is not empty.
    SettingsError
        A number makes no sense.
    """
    require_seed(seed)
    options = (options or ModelOptions()).resolved()
    model_class(model)
    empty_directory(out)
    roles = Roles(
        event=event,
        time=time,
        clinical_columns=clinical_columns,
        features=features,
        volume=volume,
        id=id,
        batch=batch,
        origin_days=origin_days,
        per_patient=per_patient,
        unmatched=unmatched,
        force=force,
    )
    study = make_study(table, clinical, roles)
    require_no_oracle(study)
    volume_reversed(study)
    require_harmonisable(study)
    stability_facts(study, options)
    # Before hours of work: options that no model takes are refused.
    others = [name for name in choose_models(study, [model], options)[0] if name in BASELINES]
    with showing(progress):
        fitted = _fit(study, model, options, seed)
    _warn_of_few_events(study, fitted)
    baselines = {name: _fit(study, name, options, seed) for name in others if name != model}
    facts = _facts(study, model, fitted, baselines)
    source = source_facts(study, options, seed)
    save(fitted, out, {**facts, "source": source}, baselines)
    return load(out)


def _fit(study: Study, name: str, options: ModelOptions, seed: int) -> Model:
    estimator, X = prepare(study, name, options, seed)
    return estimator.fit(X, study.endpoint)


def _warn_of_few_events(study: Study, model: Model) -> None:
    fewest = fewest_of(study.endpoint)
    if model.learns and fewest < MIN_EVENTS:
        log.warning(
            "trained on %d %s; `evaluate` needs %d to judge such a model",
            fewest,
            "patients of the rarer outcome" if study.binary else "events",
            MIN_EVENTS,
        )


def _facts(study: Study, name: str, model: Model, baselines: Mapping[str, Model]) -> dict[str, Any]:
    X = study.frame[[*model.feature_names_in_]]
    values = X.drop(columns=[study.batch, PATCH_FILE], errors="ignore")
    known = with_directions(model, X)
    distance = TrainingDistance.fit(known, _ranked(model, X, known))
    cohort = study.cohort_facts()
    training = {
        **cohort,
        # Who they were leaves the house with no model.
        "excluded": {why: len(patients) for why, patients in cohort["excluded"].items()},
        "roles": study.roles.facts(),
        "batches": _batches(study),
        "volume": study.volume,
        "cuts": {
            key: _median_risk(study, each) for key, each in {name: model, **baselines}.items()
        },
        "without_predictors": _without_predictors(study),
        "columns": column_facts(study.frame[_columns([model, *baselines.values()])]),
        "outside_range": float(np.percentile(alone_outside(values), UNLIKE)),
        "distance": None if distance is None else distance.write(),
        "patient_hashes": patient_hashes(study, [*X.columns]),
    }
    return {
        "endpoint": study.endpoint_facts(),
        "training": training,
        "horizons": _horizons(study),
        "versions": versions(study),
    }


def _batches(study: Study) -> list[str]:
    """Name the batches that the model harmonises, and warn of the others."""
    if study.batch is None:
        return []
    labels = batch_labels(study.frame[study.batch])
    known = harmonisable(labels)
    warn_of_unharmonised(unharmonised(labels, known))
    return known


def _columns(models: Iterable[Model]) -> list[str]:
    named = (name for model in models for name in model.feature_names_in_)
    # Where patches lie is no business of whoever gets the model.
    return [name for name in dict.fromkeys(named) if name != PATCH_FILE]


def _ranked(model: Model, X: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    """Name what moves the training patients' risk, the strongest first."""
    strength = model.contributions(X).abs().mean()
    moving = strength[strength > 0].sort_values(ascending=False, kind="stable")
    further = known.columns.difference(X.columns)
    # An embedding stands under its encoder's name, and is known by directions in it.
    return [
        str(column)
        for name in moving.index
        for column in ([name] if name in X else further[further.str.startswith(f"{name}_")])
    ]


def _median_risk(study: Study, model: Model) -> float:
    return float(np.median(model.predict(study.frame[[*model.feature_names_in_]])))


def _without_predictors(study: Study) -> dict[str, Any]:
    """Tell what would be predicted of every patient alike: the least a model has to beat."""
    if study.binary:
        return {"probability": float(study.endpoint.mean())}
    times, survival = kaplan_meier(study.endpoint)
    return {"times": times.tolist(), "survival": survival.tolist()}


def _horizons(study: Study) -> list[float]:
    """Choose when survival is told, unless another time is asked for."""
    if study.binary:
        return []
    allowed, refused = allowed_horizons(study.endpoint)
    # A model of few events was warned of; its survival is asked for all the same.
    return [*allowed.tolist()] or [time for time, _ in refused]
