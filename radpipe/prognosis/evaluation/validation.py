"""A frozen model on another cohort."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import ModelError, TableError
from radpipe.prognosis.evaluation.matching import require_match
from radpipe.prognosis.evaluation.overlap import count_overlap
from radpipe.prognosis.evaluation.results import (
    COHORT,
    SCHEMA_VERSION,
    TRAINING,
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
from radpipe.prognosis.models.storage import SavedModel, load
from radpipe.prognosis.models.table import VOLUME
from radpipe.prognosis.survival import NoPairsError, bootstrap_concordance
from radpipe.prognosis.survival.endpoint import Floats

BOOTSTRAPS = 1000

log = logging.getLogger("radpipe")


def validate(
    model: str | Path | SavedModel,
    table: Table,
    clinical: Table,
    *,
    time: str | None = None,
    event: str | None = None,
    volume: str | None = None,
    unmatched: str = "refuse",
    seed: int = 0,
) -> Evaluation:
    """Measure a model's C-index on patients it was not trained on, beside that of volume.

    Where the table or the model does not tell how its features were extracted, or where patients
    bear a training patient's identifier, this is logged as a warning to ``radpipe``.

    Parameters
    ----------
    model : str, Path or SavedModel
        What ``train`` made; nothing of it changes.
    table : str, Path or DataFrame
        A run, a Parquet or CSV file, or what ``load_features`` returned; reduced to one row a
        patient as the training table was.
    clinical : str, Path or DataFrame
        Clinical table with a column ``patient_id``.
    time, event : str, optional
        Its columns of the endpoint; else named as in training.
    volume : str, optional
        Column of the tumour's volume; else the one of training.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evaluation
        C-indices with patient-bootstrap intervals; groups divide at the training median where it
        is known, and ``metrics["design"]["cuts"]`` tells. ``metrics["overlap"]`` counts the
        patients whose identifier a training patient had.

    Raises
    ------
    TableError
        The tables are wrong, or no two patients can be compared.
    ModelError
        Columns or extraction settings do not fit the model.
    SettingsError
        There is no such seed.
    """
    require_seed(seed)
    saved = model if isinstance(model, SavedModel) else load(model)
    study = _study(saved, table, clinical, time, event, volume, unmatched)
    X = require_match(saved, study.frame)
    scores = _scores(saved, study, X)
    medians = _training_medians(saved, study)
    overlap = count_overlap(saved.facts["training"], study)
    _warn_of(overlap, len(X))
    metrics = {
        "schema": SCHEMA_VERSION,
        "kind": "validation",
        "endpoint": study.endpoint_facts(),
        "cohort": study.cohort_facts(),
        "design": {
            "bootstraps": BOOTSTRAPS,
            "seed": seed,
            "interval": "patient bootstrap 95 %",
            "model": saved.path,
            "cuts": {name: COHORT if medians[name] is None else TRAINING for name in scores},
        },
        "overlap": overlap,
        "models": {name: _metrics(study, name, risk, seed) for name, risk in scores.items()},
        "withheld": {} if VOLUME in scores else {VOLUME: "the table has no volume column"},
        "source": study.source_facts(),
        "versions": versions(),
    }
    tables = [_predictions(study, name, risk, medians[name]) for name, risk in scores.items()]
    return Evaluation(metrics, pd.concat(tables, ignore_index=True), _contributions(saved, X))


def _study(
    saved: SavedModel,
    table: Table,
    clinical: Table,
    time: str | None,
    event: str | None,
    volume: str | None,
    unmatched: str,
) -> Study:
    endpoint, training = saved.facts["endpoint"], saved.facts["training"]
    outcomes = Outcomes(
        clinical,
        time or endpoint["time"],
        event or endpoint["event"],
        training["clinical_columns"],
        unmatched,
    )
    learnt = (training["volume"] or {}).get("column")
    if saved.facts["model"] == VOLUME and volume not in (None, learnt):
        raise ModelError(
            "this model is a column of volumes, and another one is named",
            where="--volume",
            found=volume,
            expected=learnt,
            remedy="leave out --volume, or train a volume model on the other column",
        )
    return make_study(table, outcomes, volume=volume or learnt, per_patient=training["per_patient"])


def _scores(saved: SavedModel, study: Study, X: pd.DataFrame) -> dict[str, Floats]:
    scores = {saved.facts["model"]: saved.model.predict(X)}
    if study.volume is not None and VOLUME not in scores:
        baseline, column = prepare(study, VOLUME, seed=0)
        scores[VOLUME] = baseline.fit(column, study.endpoint).predict(column)
    return scores


def _training_medians(saved: SavedModel, study: Study) -> dict[str, float | None]:
    training = saved.facts["training"]
    volume = training["volume"] or {}
    # Another column may be in another unit.
    known = volume.get("column") == study.volume
    medians = {VOLUME: volume.get("median") if known else None}
    return {**medians, saved.facts["model"]: training["median_risk"]}


def _warn_of(overlap: int | None, patients: int) -> None:
    if overlap:
        log.warning(
            "%d of %d patients bear the patient_id of a training patient: no external validation; "
            "leave them out, or rename them if they are others",
            overlap,
            patients,
        )


def _metrics(study: Study, name: str, risk: Floats, seed: int) -> dict[str, Any]:
    try:
        interval = bootstrap_concordance(study.endpoint, risk, bootstraps=BOOTSTRAPS, seed=seed)
    except NoPairsError as error:
        raise TableError(
            "no C-index can be computed",
            where=f"{study.outcomes.where}, model {name}",
            found=f"{error}; {study.events} events in {len(risk)} patients",
            expected="at least one event before another patient's last time",
            remedy="take a larger cohort or a longer follow-up",
        ) from error
    facts: dict[str, Any] = {"c_index": interval_facts(interval), "folds": []}
    return {**facts, "column": study.volume} if name == VOLUME else facts


def _predictions(
    study: Study, name: str, risk: Floats, training_median: float | None
) -> pd.DataFrame:
    # A model trained without this column of volumes knows no median of it; then the cohort's own.
    median = float(np.median(risk)) if training_median is None else training_median
    table = study.identifiers()
    table.insert(0, "fold", 0)
    table.insert(0, "repeat", 0)
    table.insert(0, "model", name)
    return table.assign(risk_score=risk, group=risk_groups(risk, median))


def _contributions(saved: SavedModel, X: pd.DataFrame) -> pd.DataFrame | None:
    if not hasattr(saved.model, "contributions"):
        return None
    return ranked(saved.model.contributions(X).abs().mean())
