"""Train the model that goes out of the house: on all patients."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from radpipe.errors import ModelError
from radpipe.prognosis.evaluation.cross_validation import MIN_EVENTS
from radpipe.prognosis.evaluation.overlap import patient_hashes
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
from radpipe.prognosis.models.storage import SavedModel, load, save
from radpipe.prognosis.models.table import DEFAULT, model_class
from radpipe.store.files import empty_directory

_QUARTILES = (0.25, 0.5, 0.75)

log = logging.getLogger("radpipe")


def train(
    table: Table,
    clinical: Table,
    *,
    time: str,
    event: str,
    out: str | Path,
    model: str = DEFAULT,
    clinical_columns: Sequence[str] = (),
    volume: str | None = None,
    per_patient: str | None = None,
    unmatched: str = "refuse",
    seed: int = 0,
) -> SavedModel:
    """Train a model on a whole cohort and save it.

    Events too few for ``evaluate`` are logged as a warning to ``radpipe``.

    Parameters
    ----------
    table : str, Path or DataFrame
        A run, a Parquet or CSV file, or what ``load_features`` returned.
    clinical : str, Path or DataFrame
        Clinical table with a column ``patient_id``.
    time, event : str
        Its columns of the endpoint.
    out : str or Path
        A new or empty directory.
    model : str
        A name in ``MODELS``.
    clinical_columns : sequence of str
        Columns of the clinical table to use as predictors beside the features.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    seed : int
        Decides everything that is random.

    Returns
    -------
    SavedModel
        As it was saved.

    Raises
    ------
    TableError
        The tables are wrong.
    ModelError
        The model is unknown, or has too little to learn from.
    RunError
        The directory is not empty.
    SettingsError
        There is no such seed.
    """
    require_seed(seed)
    model_class(model)
    empty_directory(out)
    outcomes = Outcomes(clinical, time, event, clinical_columns, unmatched)
    study = make_study(table, outcomes, volume=volume, per_patient=per_patient)
    if study.events == 0:
        raise ModelError(
            "no event to learn from",
            where=f"{outcomes.where}, column {event}",
            expected="at least 2",
            remedy="take a larger cohort or a longer follow-up",
        )
    estimator, X = prepare(study, model, seed)
    if estimator.learns and study.events < MIN_EVENTS:
        log.warning(
            "trained on %d events; `evaluate` needs %d to judge such a model",
            study.events,
            MIN_EVENTS,
        )
    fitted = estimator.fit(X, study.endpoint)
    save(fitted, out, _facts(study, fitted))
    return load(out)


def _facts(study: Study, model: Model) -> dict[str, Any]:
    times = study.endpoint["time"][study.endpoint["event"]]
    risk = model.predict(study.frame[model.feature_names_in_.tolist()])
    training = {
        **study.cohort_facts(),
        "patient_hashes": patient_hashes(study),
        "median_risk": float(np.median(risk)),
        "clinical_columns": list(study.outcomes.columns),
        "per_patient": study.frame.attrs.get("per_patient"),
        "volume": _volume_facts(study),
    }
    return {
        "endpoint": study.endpoint_facts(),
        "training": training,
        "horizons": np.unique(np.quantile(times, _QUARTILES)).tolist(),
        "source": study.source_facts(),
        "versions": versions(),
    }


def _volume_facts(study: Study) -> dict[str, Any] | None:
    if study.volume is None:
        return None
    return {"column": study.volume, "median": float(study.frame[study.volume].median())}
