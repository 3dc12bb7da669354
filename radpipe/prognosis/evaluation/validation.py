"""A frozen model on another cohort."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.evaluation.drift import drift, warn_of_drift
from radpipe.prognosis.evaluation.external import Frozen, facts_of_models
from radpipe.prognosis.evaluation.harmonisation import unharmonised, warn_of_unharmonised
from radpipe.prognosis.evaluation.matching import (
    require_match,
    require_times,
    unseen,
    within_follow_up,
)
from radpipe.prognosis.evaluation.measures import Pooled, prediction_times
from radpipe.prognosis.evaluation.overlap import find_overlap, warn_of_overlap
from radpipe.prognosis.evaluation.refit import recalibrated
from radpipe.prognosis.evaluation.result_tables import (
    contribution_table,
    horizons_of,
    prediction_table,
    probability_columns,
)
from radpipe.prognosis.evaluation.results import (
    SCHEMA_VERSION,
    TRAINING,
    Evaluation,
    risk_groups,
)
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.seeds import require_seed
from radpipe.prognosis.evaluation.study import Study, Table, make_study, versions
from radpipe.prognosis.evaluation.yardstick import volume_reversed
from radpipe.prognosis.models.storage import SavedModel, load
from radpipe.prognosis.survival import survival_at
from radpipe.prognosis.survival.endpoint import Floats

BOOTSTRAPS = PERMUTATIONS = 1000

# Each model's columns of the cohort.
Tables = dict[str, pd.DataFrame]

log = logging.getLogger("radpipe")


def validate(
    model: str | Path | SavedModel,
    table: Table,
    clinical: Table | None = None,
    *,
    time: str | None = None,
    event: str | None = None,
    volume: str | None = None,
    id: str | None = None,
    origin_days: str | None = None,
    unmatched: str = "refuse",
    horizons: Sequence[float] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure a frozen model on patients it was not trained on, beside the baselines it had.

    Nothing is fitted here but what ``metrics["recalibrated"]`` shows apart. What makes the result
    doubtful is logged as a warning to ``radpipe``: an extraction that nobody told of, training
    patients among these, tables that were standardised each by itself.

    Parameters
    ----------
    model : str, Path or SavedModel
        What ``train`` made; nothing of it changes.
    table : str, Path or DataFrame
        A run, a Parquet or CSV file, or a table in memory; reduced to one row a patient as the
        training table was.
    clinical : str, Path or DataFrame, optional
        Outcomes and clinical columns; else they stand in the feature table.
    time, event : str, optional
        Columns of the endpoint; else named as in training.
    volume : str, optional
        Column of the tumour's volume, in the unit of training; else named as in training.
    id : str, optional
        Column that names the patient; else named as in training.
    origin_days : str, optional
        Column of the day from which times run; else named as in training.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    horizons : sequence of float, optional
        Times to measure at; else the model's own, where this cohort allows them.
    seed : int
        Of bootstrap, permutations and refitting.

    Returns
    -------
    Evaluation
        Measures with patient-bootstrap intervals; groups divide at the training patients' median.
        ``metrics["drift"]`` compares the columns with those of training, ``metrics["overlap"]``
        counts the patients who were training patients.

    Raises
    ------
    TableError
        The tables are wrong, or no two patients can be compared.
    ModelError
        Columns, endpoint or extraction settings do not fit the model.
    SettingsError
        There is no such seed.
    """
    started = clock.perf_counter()
    require_seed(seed)
    saved = model if isinstance(model, SavedModel) else load(model)
    asked = {"time": time, "event": event, "volume": volume, "id": id, "origin_days": origin_days}
    require_times(saved, "--horizons", horizons)
    study = _study(saved, table, clinical, asked, unmatched)
    tables, withheld = _tables(saved, study)
    allowed, refused = horizons_of(study, horizons or saved.facts["horizons"])
    allowed, refused = within_follow_up(saved, allowed, refused)
    pooled = _pooled(saved, study, tables, prediction_times(study.endpoint, allowed))
    settings = {name: each.settings() for name, each in saved.models().items()}
    frozen = Frozen(study, settings, allowed, BOOTSTRAPS, PERMUTATIONS, seed)
    facts = facts_of_models(frozen, pooled)
    _require_pairs(study, facts[saved.name])
    metrics = {
        "schema": SCHEMA_VERSION,
        "kind": "validation",
        "main": saved.name,
        "endpoint": study.endpoint_facts(),
        "cohort": study.cohort_facts(),
        "design": {
            "seed": seed,
            "cuts": dict.fromkeys(pooled, TRAINING),
            "horizons": allowed.tolist(),
            "refused_horizons": [list(each) for each in refused],
            **_design(saved, study),
        },
        "models": facts,
        "recalibrated": {
            name: recalibrated(saved.models()[name], X, study.endpoint, allowed, seed)
            for name, X in tables.items()
        },
        "drift": _drift(saved, study),
        "unseen": unseen(saved, study.frame),
        **_overlap(saved, study, tables[saved.name]),
        "volume_reversed": volume_reversed(study),
        "withheld": withheld,
        "source": study.source_facts(),
        "versions": versions(study),
    }
    log.info("validated in %.0f s", clock.perf_counter() - started)
    return Evaluation(
        metrics,
        _predictions(study, pooled),
        _contributions(saved, tables),
        None,
        study.frame[study.clinical].reset_index() if study.clinical else None,
    )


def _study(
    saved: SavedModel,
    table: Table,
    clinical: Table | None,
    asked: Mapping[str, Any],
    unmatched: str,
) -> Study:
    roles = Roles(**saved.facts["training"]["roles"])
    require_times(saved, "--time", asked["time"])
    given = {name: value for name, value in asked.items() if value is not None}
    study = make_study(table, clinical, replace(roles, unmatched=unmatched, **given))
    learnt = saved.facts["training"]["volume"]
    if asked["volume"] is None or learnt in (None, study.volume):
        return study
    # Its name in training is the name under which the models look for it.
    volume = study.frame[asked["volume"]].rename(learnt)
    rest = study.frame.drop(columns=learnt, errors="ignore")
    frame = pd.concat([rest, volume], axis=1)
    frame.attrs = study.frame.attrs
    return replace(study, frame=frame)


def _tables(saved: SavedModel, study: Study) -> tuple[Tables, dict[str, str]]:
    tables, withheld = {saved.name: require_match(saved, study.frame)}, {}
    for name, baseline in saved.baselines.items():
        columns = [*baseline.feature_names_in_]
        missing = [column for column in columns if column not in study.frame.columns]
        if missing:
            withheld[name] = f"the table has no column {', '.join(missing)}"
        else:
            tables[name] = study.frame[columns]
    if saved.facts["training"]["volume"] is None:
        withheld["volume"] = "no volume baseline: the training table had no volume column"
    return tables, withheld


def _pooled(saved: SavedModel, study: Study, tables: Tables, times: Floats) -> dict[str, Pooled]:
    pooled, models = {}, saved.models()
    cuts = saved.facts["training"]["cuts"]
    for name, X in tables.items():
        risk = models[name].predict(X)
        if study.binary:
            predicted = models[name].predict_probability(X)
        else:
            predicted = models[name].predict_survival(X, times)
        pooled[name] = Pooled(
            y=study.endpoint,
            risk=risk,
            predicted=predicted,
            null=np.broadcast_to(_null(saved, times), predicted.shape),
            group=risk_groups(risk, cuts[name]),
            fold=np.zeros(len(risk), dtype=np.intp),
            times=times,
        )
    return pooled


def _null(saved: SavedModel, times: Floats) -> Floats:
    told = saved.facts["training"]["without_predictors"]
    if saved.binary:
        return np.asarray(told["probability"])
    return survival_at((told["times"], told["survival"]), times)


def _require_pairs(study: Study, facts: Mapping[str, Any]) -> None:
    if facts["auc" if study.binary else "c_index"] is None:
        raise TableError(
            "too few patients can be compared",
            where=study.where,
            found=f"{study.events} events in {len(study.frame)} patients",
            expected="events before another patient's last time",
            remedy="take a larger cohort or a longer follow-up",
        )


def _design(saved: SavedModel, study: Study) -> dict[str, Any]:
    training = saved.facts["training"]
    counts = {name: training[name] for name in ("patients", "events", "follow_up_median")}
    return {
        "bootstraps": BOOTSTRAPS,
        "interval": "patient bootstrap 95 %",
        "model": saved.path,
        "trained_on": {**counts, "endpoint": saved.facts["endpoint"]},
        "batch": study.batch,
        "unharmonised": _unharmonised(saved, study),
    }


def _unharmonised(saved: SavedModel, study: Study) -> dict[str, int] | None:
    """Count the patients whose scanner or hospital was not there to be harmonised."""
    if study.batch not in saved.facts["columns"]:
        return None
    found = unharmonised(study.frame[study.batch], saved.facts["training"]["batches"])
    warn_of_unharmonised(found)
    return found


def _drift(saved: SavedModel, study: Study) -> dict[str, Any]:
    training = saved.facts["training"]
    known = [each for each in training["columns"] if each["feature"] in study.frame.columns]
    roles = training["roles"]
    others = {*roles["clinical_columns"], roles["batch"]}
    features = [each["feature"] for each in known if each["feature"] not in others]
    X = study.frame[[each["feature"] for each in known]]
    found = drift(known, X, features, saved.model.used(), training["patients"])
    warn_of_drift(found)
    return found


def _overlap(saved: SavedModel, study: Study, X: pd.DataFrame) -> dict[str, Any]:
    found = find_overlap(saved.facts["training"], study, [*X.columns])
    warn_of_overlap(found, len(X))
    patients = {what: len(who) for what, who in (found or {}).items() if who}
    return {
        "overlap": None if found is None else len(set.union(*found.values())),
        "leaks": {"checked": [] if found is None else [*found], "found": patients},
    }


def _predictions(study: Study, pooled: Mapping[str, Pooled]) -> pd.DataFrame:
    tables = [
        prediction_table(
            study.identifiers(),
            {"model": name, "repeat": 0, "fold": 0},
            each.risk,
            each.group,
            probability_columns(each.predicted, each.times),
        )
        for name, each in pooled.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _contributions(saved: SavedModel, tables: Tables) -> pd.DataFrame:
    models = saved.models()
    return contribution_table(
        {name: models[name].contributions(X).abs().mean() for name, X in tables.items()}
    )
