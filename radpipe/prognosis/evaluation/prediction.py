"""Score new patients with a saved model."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import ModelError
from radpipe.prognosis.evaluation.distance import UNLIKE, TrainingDistance
from radpipe.prognosis.evaluation.drift import outside_range
from radpipe.prognosis.evaluation.harmonisation import unharmonised, warn_of_unharmonised
from radpipe.prognosis.evaluation.matching import (
    require_follow_up,
    require_match,
    require_times,
    unseen_cells,
)
from radpipe.prognosis.evaluation.overlap import has_outcomes_of_training, known_identifiers
from radpipe.prognosis.evaluation.result_tables import probability_columns
from radpipe.prognosis.evaluation.results import risk_groups
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.similar import encoder_of, nearest, with_directions
from radpipe.prognosis.evaluation.study import Table, as_predictors, make_study
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.storage import SavedModel, load
from radpipe.prognosis.tables.columns import counted
from radpipe.prognosis.tables.features import read_rows

log = logging.getLogger("radpipe")
# What drove a risk, told of each patient.
DRIVERS = 5


def predict(
    model: str | Path | SavedModel,
    table: Table,
    horizons: Sequence[float] | None = None,
    *,
    clinical: Table | None = None,
    id: str | None = None,
    unmatched: str = "refuse",
    similar: Table | None = None,
    similar_clinical: Table | None = None,
) -> pd.DataFrame:
    """Tell each patient's risk, what drove it, and whether the model knows such patients.

    What makes it doubtful is logged as a warning to ``radpipe``: a table or a model that does not
    tell how its features were extracted, categories that training lacked, a horizon after the last
    training event, patients whom the model was trained on.

    Parameters
    ----------
    model : str, Path or SavedModel
        What ``train`` made.
    table : str, Path or DataFrame
        A run, a Parquet or CSV file, or what ``load_features`` returned; reduced to one row a
        patient as the training table was.
    horizons : sequence of float, optional
        Times in the training unit, up to the longest follow-up of the training patients; else the
        model's own.
    clinical : str, Path or DataFrame, optional
        Clinical table, where the model uses columns of it that the feature table lacks.
    id : str, optional
        Column that names the patient; else named as in training.
    unmatched : {"refuse", "drop"}
        What to do with patients whom the clinical table does not know; those left out are logged
        as a warning to ``radpipe``.
    similar : str, Path or DataFrame, optional
        The training run, to name its patients whose embeddings are most like each patient's: the
        model itself names nobody.
    similar_clinical : str, Path or DataFrame, optional
        Their outcomes; else the file that the model was trained with.

    Returns
    -------
    DataFrame
        ``case_id``, ``patient_id``; ``risk_score``, higher = earlier or likelier event; ``group``,
        ``high`` above the training patients' median; ``survival_at_<horizon>``, or ``probability``
        of a binary endpoint. ``driver_1`` ... ``driver_5``, the columns that moved this risk most,
        and ``driver_1_contribution`` ..., what each added in log-hazard or log-odds against the
        mean training patient. ``distance_percentile``, the share of training patients who lie
        nearer to their centre, in percent, by these columns and by random directions of an
        embedding (see
        :class:`~radpipe.prognosis.evaluation.distance.TrainingDistance`); ``outside_range``, how
        many of the model's columns lie outside the training range; ``unlike_training``, True where
        either is greater than in 99 of 100 training patients, and in patients of a category that
        training lacked; ``missing``, how many of the model's columns are empty or of such a
        category.

    Raises
    ------
    TableError
        The table cannot be read, or has no ``patient_id``.
    ModelError
        Columns or extraction settings do not fit the model, or horizons make no sense or lie beyond
        its follow-up.
    """
    saved = model if isinstance(model, SavedModel) else load(model)
    times = _times(saved, horizons)
    frame = as_predictors(table, clinical, roles_of(saved, id), unmatched, needs_embedding(saved))
    X = require_match(saved, frame)
    training = saved.facts["training"]
    learnt_from = known_identifiers(training, frame["patient_id"])
    if learnt_from:
        log.warning(
            "%d of %d patients %s the identifier of a training patient: the model knew what became "
            "of them, and such scores tell nothing of how well it does with others",
            len(learnt_from),
            len(frame),
            "bears" if len(learnt_from) == 1 else "bear",
        )
    batch = training["roles"]["batch"]
    if batch in X:
        warn_of_unharmonised(unharmonised(X[batch], training["batches"]))
    risk = saved.model.predict(X)
    cut = training["cuts"][saved.name]
    scores = pd.DataFrame(
        {
            "case_id": frame.index.astype("str"),
            "patient_id": frame["patient_id"].to_numpy(),
            "risk_score": risk,
            "group": risk_groups(risk, cut),
        }
    )
    parts = [_probabilities(saved, X, times), drivers(saved.model, X), acquaintance(saved, X)]
    if similar is not None:
        parts.append(similar_patients(saved, X, frame["patient_id"], similar, similar_clinical))
    return pd.concat([scores, *(part.reset_index(drop=True) for part in parts)], axis=1)


def needs_embedding(saved: SavedModel) -> bool:
    """Tell whether a model, or a branch of it, learnt from an embedding.

    Parameters
    ----------
    saved : SavedModel
        The model.

    Returns
    -------
    bool
        Whether patients without one cannot be scored.
    """
    return encoder_of(saved.model) is not None


def drivers(model: Model, X: pd.DataFrame) -> pd.DataFrame:
    """Name the columns that moved each patient's risk most.

    Parameters
    ----------
    model : Model
        Fitted.
    X : DataFrame, shape (n, p)
        Its columns.

    Returns
    -------
    DataFrame, shape (n, 10)
        ``driver_1``, ``driver_1_contribution`` ...; empty where fewer columns moved it.
    """
    split = model.contributions(X)
    # By name first, so that equal contributions always come in the same order.
    names = np.array([*sorted(split.columns), *[None] * DRIVERS], dtype=object)
    values = split[names[:-DRIVERS]].to_numpy(np.float64)
    values = np.hstack([values, np.zeros((len(X), DRIVERS))])
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :DRIVERS]
    added = np.take_along_axis(values, order, axis=1)
    told: dict[str, Any] = {}
    for place in range(DRIVERS):
        moved = added[:, place] != 0
        who = pd.Series(names[order[:, place]], X.index, "str")
        told[f"driver_{place + 1}"] = who.where(moved)
        told[f"driver_{place + 1}_contribution"] = np.where(moved, added[:, place], np.nan)
    return pd.DataFrame(told, X.index)


def acquaintance(saved: SavedModel, X: pd.DataFrame) -> pd.DataFrame:
    """Tell whether the model knows such patients.

    Parameters
    ----------
    saved : SavedModel
        The model.
    X : DataFrame, shape (n, p)
        Its columns.

    Returns
    -------
    DataFrame, shape (n, 4)
        ``distance_percentile`` (of the columns that move the risk, and of random
        directions of an embedding; empty where there are none of numbers), ``outside_range``,
        ``unlike_training``, ``missing``.
    """
    training = saved.facts["training"]
    percentile = np.full(len(X), np.nan)
    if training["distance"] is not None:
        distance = TrainingDistance.restore(training["distance"])
        percentile = distance.percentile_of(with_directions(saved.model, X))
    facts = {each["feature"]: each for each in training["columns"]}
    # Another hospital's batch is new by its nature.
    columns = [name for name in X.columns if name in facts and name != training["roles"]["batch"]]
    outside = outside_range([facts[name] for name in columns], X[columns]).sum(axis=1)
    unseen = unseen_cells(saved, X).to_numpy()
    known = columns or training["distance"] is not None
    unlike = (percentile > UNLIKE) | (outside > training["outside_range"])
    told = {
        "distance_percentile": percentile,
        "outside_range": outside,
        # Where nothing was looked at, nobody can tell.
        "unlike_training": unlike | unseen.any(axis=1) if known else pd.array([pd.NA] * len(X)),
        "missing": X.isna().sum(axis=1).to_numpy() + unseen.sum(axis=1),
    }
    return pd.DataFrame(told, X.index)


def similar_patients(
    saved: SavedModel,
    X: pd.DataFrame,
    patients: pd.Series,
    table: Table,
    clinical: Table | None = None,
) -> pd.DataFrame:
    """Name the training patients most like each patient, and what became of them.

    Parameters
    ----------
    saved : SavedModel
        With an embedding.
    X : DataFrame, shape (n, p)
        Its columns.
    patients : Series of str, shape (n,)
        Whose rows these are: nobody is similar to himself.
    table : str, Path or DataFrame
        The training table.
    clinical : str, Path or DataFrame, optional
        Its outcomes; else where the model says.

    Returns
    -------
    DataFrame
        ``similar_percentile``, how many percent of the training patients have a nearer one;
        ``similar_1`` (a case_id), ``similar_1_cosine``, ``similar_1_time``, ``similar_1_event``
        (False: censored then) ...

    Raises
    ------
    ModelError
        The model holds no embedding, or the table is not that of its training.
    """
    encoder = encoder_of(saved.model)
    if encoder is None:
        raise ModelError(
            "no embedding in this model, which alone tells whose tumours look alike",
            where="--similar",
            found=saved.name,
            expected="cnn, or a fusion with embeddings",
            remedy="leave it out",
        )
    training = saved.facts["training"]
    roles = Roles(**training["roles"])
    # Before the join, where patients whom the run lacks would be told of as clinical rows.
    _require_training_patients(training, read_rows(table, roles.id)["patient_id"])
    told = _outcomes(saved) if clinical is None else clinical
    study = make_study(table, told, roles)
    _require_training_patients(training, study.frame["patient_id"], alone=True)
    if not has_outcomes_of_training(training, study):
        log.warning(
            "these patients' outcomes are not those that the model learnt from: of a longer "
            "follow-up, or of other patients; similar cases are told with what stands in %s",
            study.where,
        )
    columns = [*encoder.feature_names_in_]
    known = require_match(saved, study.frame)[columns]
    own = patients.to_numpy()[:, np.newaxis] == study.frame["patient_id"].to_numpy()
    found = nearest(encoder.vectors(known), encoder.vectors(X[columns]), own=own)
    outcomes = study.identifiers().drop(columns="patient_id")
    parts = {"similar_percentile": found.percentile}
    for rank, places in enumerate(found.places.T, 1):
        other, cosine = outcomes.iloc[places].reset_index(drop=True), found.cosines[:, rank - 1]
        # Where there are too few others, the last would be the patient himself.
        other = other[np.isfinite(cosine)].reindex(other.index)
        parts[f"similar_{rank}"] = other.pop("case_id")
        parts[f"similar_{rank}_cosine"] = np.where(other["event"].isna(), np.nan, cosine)
        parts |= {f"similar_{rank}_{name}": column for name, column in other.items()}
    return pd.DataFrame(parts)


def _outcomes(saved: SavedModel) -> str | None:
    told: str | None = saved.facts["source"]["clinical"]
    if told is not None and not Path(told).is_file():
        raise ModelError(
            "the training patients' outcomes are not where they were",
            where=f"--similar, {saved.path}",
            found=f"no file {told!r}: it was moved, or was a table in memory",
            expected="the clinical table that the model was trained with",
            remedy="name it with --similar-clinical FILE",
        )
    return told


def _require_training_patients(
    training: Mapping[str, Any], patients: Iterable[str], *, alone: bool = False
) -> None:
    """Refuse a run that lacks some of them; with ``alone``, one that holds others as well."""
    patients = {*patients}
    found, expected = known_identifiers(training, patients), training["patients"]
    others = len(patients) - len(found) if alone else 0
    if training.get("patient_hashes") is not None and (others or len(found) < expected):
        beside = f", beside {counted(others, 'other')}" if others else ""
        raise ModelError(
            "these are not the training patients",
            where="--similar",
            found=f"{len(found)} of the {expected} training patients{beside}",
            expected="the run that the model was trained on",
            remedy="name that run; all of its cases, with their outcomes",
        )


def roles_of(saved: SavedModel, id: str | None) -> Roles:
    """Tell what a model asks for of patients whose outcomes nobody knows.

    Parameters
    ----------
    saved : SavedModel
        The model.
    id : str or None
        Column that names the patient; None: as in training.

    Returns
    -------
    Roles
        Of training, without the clinical columns and the batch that the model does not use.
    """
    roles = Roles(**saved.facts["training"]["roles"])
    needed = [name for name in roles.clinical_columns if name in saved.facts["columns"]]
    batch = roles.batch if roles.batch in saved.facts["columns"] else None
    return replace(roles, clinical_columns=needed, batch=batch, id=id or roles.id)


def _probabilities(saved: SavedModel, X: pd.DataFrame, times: Sequence[float]) -> pd.DataFrame:
    if saved.binary:
        predicted = saved.model.predict_probability(X)
    else:
        predicted = saved.model.predict_survival(X, times)
    return probability_columns(predicted, times).set_index(X.index)


def _times(saved: SavedModel, horizons: Sequence[float] | None) -> list[float]:
    require_times(saved, "--horizons", horizons)
    asked = saved.facts["horizons"] if horizons is None else horizons
    # Two that differ in their last bit would be one column's name.
    times = [*{f"{time:.15g}": float(time) for time in asked}.values()]
    if not all(np.isfinite(time) and time > 0 for time in times):
        raise ModelError(
            "a horizon is not positive",
            where="--horizons",
            found=times,
            expected="times after the start, in the unit of the training times",
            remedy="leave it out, or leave --horizons out for the model's own",
        )
    require_follow_up(saved, times)
    return times
