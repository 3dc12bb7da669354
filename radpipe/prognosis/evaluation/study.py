"""One cohort, ready for models: predictors, endpoint, identifiers, and where they are from."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.evaluation.checks import (
    refuse_suspects,
    require_events,
    warn_if_below_zero,
    warn_if_constant,
    warn_of_unnamed_embeddings,
)
from radpipe.prognosis.evaluation.patients import require_patients, select, with_embeddings
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.survival import median_follow_up
from radpipe.prognosis.survival.endpoint import events_of, is_binary
from radpipe.prognosis.tables import (
    clean_columns,
    feature_columns,
    join_columns,
    label_columns,
    name_of_table,
    read_clinical,
    volume_column,
)
from radpipe.prognosis.tables.batches import batch_labels
from radpipe.prognosis.tables.features import one_row_a_patient, patient_columns, read_rows
from radpipe.prognosis.tables.outcomes import event_column
from radpipe.store.patches import PATCH_FILE

__all__ = ["Roles", "Study", "Table", "as_predictors", "make_study", "versions"]

Table = str | Path | pd.DataFrame
_CLINICAL = "give the table that holds the clinical columns and outcomes with --clinical FILE"

log = logging.getLogger("radpipe")


@dataclass(frozen=True)
class Study:
    """One row a patient.

    Attributes
    ----------
    frame : DataFrame
        ``patient_id``, features, embeddings, volume, named clinical columns, batch and centre,
        nothing of the endpoint; indexed by ``case_id``.
    features : list of str
        Predictors from images.
    embeddings : list of str
        Columns of an encoder that saw no patient of this cohort; else ``patch``, to fit one on.
    clinical : list of str
        Predictors beside them.
    endpoint : ndarray
        Structured array with ``event`` and ``time``, or of bool where there are no times.
    volume : str or None
        Column of the tumour's volume.
    batch, centre : str or None
        Columns.
    roles : Roles
        What was asked for.
    excluded : dict of str to list of str
        Reason, and patients left out for it.
    codes, competing : dict of str to int
        Values of the event column and how often; those of them that are other events.
    """

    frame: pd.DataFrame
    features: list[str]
    embeddings: list[str]
    clinical: list[str]
    endpoint: NDArray[Any]
    volume: str | None
    batch: str | None
    centre: str | None
    roles: Roles
    excluded: dict[str, list[str]]
    codes: dict[str, int]
    competing: dict[str, int]

    @property
    def events(self) -> int:
        """Number of events."""
        return int(events_of(self.endpoint).sum())

    @property
    def binary(self) -> bool:
        """Whether the endpoint has no times."""
        return is_binary(self.endpoint)

    @property
    def predictors(self) -> list[str]:
        """Columns of numbers and words that a model may use."""
        embeddings = [name for name in self.embeddings if name != PATCH_FILE]
        return [*self.features, *embeddings, *self.clinical]

    @property
    def encoder(self) -> str | None:
        """Whose embeddings these are."""
        return self.frame.attrs["embeddings"]["encoder"] if self.embeddings else None

    @property
    def encoder_training(self) -> dict[str, Any] | None:
        """How the encoder is to be fitted in each fold; None where it saw no patient."""
        return self.frame.attrs["embeddings"]["training"] if self.embeddings else None

    @property
    def encoder_patch(self) -> dict[str, Any] | None:
        """What an encoder that is fitted in each fold is shown; None where it is the usual."""
        if self.encoder_training is None:
            return None
        patch: dict[str, Any] | None
        patch = self.frame.attrs["embeddings"]["provenance"]["settings"].get("patch")
        return patch

    @property
    def harmonised(self) -> str | None:
        """The batch column that ComBat can use: none if each hospital left out takes its own."""
        if self.batch is None or self.centre is None:
            return self.batch
        labels = batch_labels(self.frame[self.batch])
        centres = self.frame[self.centre].astype("str").groupby(labels).nunique()
        return self.batch if centres.max() > 1 else None

    @property
    def where(self) -> str:
        """What to call the table of outcomes in a message."""
        return str(self.frame.attrs["clinical"] or name_of_table(self.frame, "the feature table"))

    def identifiers(self) -> pd.DataFrame:
        """Return the columns that name each prediction.

        Returns
        -------
        DataFrame
            ``patient_id``, ``case_id``, ``time`` if the endpoint has times, ``event``.
        """
        columns = {
            "patient_id": self.frame["patient_id"].to_numpy(),
            "case_id": self.frame.index.to_numpy(),
        }
        times = {} if self.binary else {"time": self.endpoint["time"]}
        return pd.DataFrame({**columns, **times, "event": events_of(self.endpoint)})

    def cohort_facts(self) -> dict[str, Any]:
        """Count the cohort.

        Returns
        -------
        dict
            ``patients``, ``events``, ``follow_up_median``, ``features``, ``embeddings``,
            ``clinical``, ``excluded``.
        """
        follow_up = math.nan if self.binary else median_follow_up(self.endpoint)
        return {
            "patients": len(self.frame),
            "events": self.events,
            "follow_up_median": None if math.isnan(follow_up) else follow_up,
            "features": len(self.features),
            "embeddings": len([name for name in self.embeddings if name != PATCH_FILE]),
            "clinical": len(self.clinical),
            "excluded": self.excluded,
        }

    def source_facts(self) -> dict[str, Any]:
        """Tell where the columns are from.

        Returns
        -------
        dict
            ``table``, ``clinical``, ``run``, ``provenance``, ``embeddings``.
        """
        attrs = self.frame.attrs
        told = {name: attrs.get(name) for name in ("clinical", "run", "provenance")}
        return {"table": attrs.get("source"), **told, "embeddings": self._embedding_facts()}

    def _embedding_facts(self) -> dict[str, Any] | None:
        facts = self.frame.attrs.get("embeddings")
        if not self.embeddings or facts is None:
            return None
        return {name: facts[name] for name in ("encoder", "training", "provenance")}

    def endpoint_facts(self) -> dict[str, Any]:
        """Name the endpoint's columns, and what their values mean.

        Returns
        -------
        dict
            ``kind`` (survival or binary), ``time``, ``event``, ``value`` where the event was named
            as ``COLUMN=VALUE``, ``codes``, ``competing``, ``origin_days``.
        """
        # A column's own name may hold "=", and then its codes are the plain ones.
        event, value = event_column(self.roles.event, self.frame.attrs["outcome_columns"])
        return {
            "kind": "binary" if self.binary else "survival",
            "time": self.roles.time,
            "event": event,
            "value": value,
            "codes": self.codes,
            "competing": self.competing,
            "origin_days": self.roles.origin_days,
        }


def as_predictors(
    table: Table,
    clinical: Table | None,
    roles: Roles,
    unmatched: str = "refuse",
    embedded: bool = True,
) -> pd.DataFrame:
    """Join what a model may ask for of patients whose outcomes nobody knows.

    Parameters
    ----------
    table : str, Path or DataFrame
        Features: a run, a file, or a table in memory.
    clinical : str, Path, DataFrame or None
        Where the named clinical columns and the batch stand, if not in the feature table. It may
        know more patients.
    roles : Roles
        Of the training table. The endpoint's columns may be absent.
    unmatched : {"refuse", "drop"}
        What to do with patients whom the clinical table does not know; those left out are logged
        as a warning to ``radpipe``.
    embedded : bool
        Whether the model needs embeddings, where the table has them.

    Returns
    -------
    DataFrame
        One row a patient, indexed by ``case_id``.

    Raises
    ------
    TableError
        The tables are wrong, a patient has no clinical row, or nobody is left.
    RunError
        The directory holds no finished run.
    """
    rows = read_rows(table, roles.id)
    features = _features(rows, roles, roles.others([*rows.columns]))
    told = None if clinical is None else read_clinical(clinical, roles.id)
    if told is not None:
        told = told[told["patient_id"].isin(features["patient_id"])]
    named = [*roles.clinical_columns, *([] if roles.batch is None else [roles.batch])]
    joined = _joined(rows, features, told, list(dict.fromkeys(named)), unmatched)
    joined = with_embeddings(joined, unmatched) if embedded else joined
    _tell_dropped(joined)
    return _cleaned(joined, roles, [roles.batch])


def _tell_dropped(joined: pd.DataFrame) -> None:
    dropped = joined.attrs.get("dropped", {})
    require_patients(joined, dropped)
    for why, patients in dropped.items():
        if patients:
            log.warning("left out, %s: %s", why, ", ".join(patients))


def _features(rows: pd.DataFrame, roles: Roles, others: list[str]) -> pd.DataFrame:
    chosen = feature_columns(rows, roles.features, others)
    return one_row_a_patient(rows, roles.per_patient, chosen, roles.volume)


def make_study(table: Table, clinical: Table | None, roles: Roles) -> Study:
    """Join features and outcomes, and check them.

    Parameters
    ----------
    table : str, Path or DataFrame
        Features: a run, a file, or a table in memory.
    clinical : str, Path, DataFrame or None
        Outcomes and other predictors; None where they stand in the feature table.
    roles : Roles
        Which column plays which part. One that the clinical table lacks may stand in the feature
        table.

    Returns
    -------
    Study
        Checked.

    Raises
    ------
    TableError
        The tables are wrong, no patient is left, or no event.
    RunError
        The directory holds no finished run.
    """
    roles.require_sense()
    rows = read_rows(table, roles.id)
    told = None if clinical is None else read_clinical(clinical, roles.id)
    others = roles.others([*rows.columns, *([] if told is None else told.columns)])
    features = _features(rows, roles, others)
    # Before the join: a clinical column may be named like a feature, and is none.
    # In order of name, as patients are: the same table in another order is the same study.
    extracted = sorted(feature_columns(features, roles.features, others))
    size = volume_column(features, roles.volume)
    refuse_suspects(roles, features, extracted)
    warn_of_unnamed_embeddings(rows, {*extracted, *others, size})
    joined = _joined(rows, features, told, others, roles.unmatched)
    joined = with_embeddings(joined, roles.unmatched)
    joined = _in_order(_cleaned(joined, roles, [roles.batch, roles.centre]))
    cohort = select(joined, roles.time, roles.event, roles.origin_days, roles.unmatched)
    require_events(cohort, roles)
    warn_if_constant(cohort.frame[extracted])
    warn_if_below_zero(cohort.frame, extracted, size)
    named = [size, *roles.clinical_columns, roles.batch, roles.centre]
    embeddings = _embeddings(cohort.frame, {*extracted, *named})
    known = (name for name in (*embeddings, *named) if name is not None)
    kept = ["patient_id", *extracted, *known]
    frame = cohort.frame[list(dict.fromkeys(kept))].copy()
    frame.attrs = {
        **features.attrs,
        "clinical": None if told is None else joined.attrs["outcomes"],
        "outcome_columns": others,
    }
    return Study(
        frame=frame,
        features=extracted,
        embeddings=embeddings,
        clinical=[name for name in dict.fromkeys(roles.clinical_columns) if name not in extracted],
        endpoint=cohort.endpoint,
        volume=size,
        batch=roles.batch,
        centre=roles.centre,
        roles=roles,
        excluded=cohort.excluded,
        codes=cohort.event.codes,
        competing=cohort.event.competing,
    )


def _embeddings(frame: pd.DataFrame, taken: Collection[str | None]) -> list[str]:
    facts = frame.attrs.get("embeddings")
    if facts is None:
        return []
    columns = [PATCH_FILE] if facts["training"] is not None else facts["columns"]
    return [name for name in columns if name not in taken]


def _joined(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    clinical: pd.DataFrame | None,
    others: list[str],
    unmatched: str,
) -> pd.DataFrame:
    where = name_of_table(rows, "the feature table")
    theirs: list[str] = []
    frame = features
    if clinical is not None:
        where = name_of_table(clinical, "the clinical table")
        theirs = [name for name in others if name in clinical.columns or name not in rows.columns]
        frame = join_columns(features, clinical, theirs, unmatched)
    remedy = None if clinical is not None else _CLINICAL
    ours = patient_columns(rows, [name for name in others if name not in theirs], remedy)
    values = ours.loc[frame["patient_id"]].set_index(frame.index)
    attrs = {**frame.attrs, "outcomes": where}
    frame = pd.concat([frame.drop(columns=ours.columns, errors="ignore"), values], axis=1)
    # pandas drops them where the tables' differ.
    frame.attrs = attrs
    return frame


def _in_order(joined: pd.DataFrame) -> pd.DataFrame:
    ordered = joined.sort_values("patient_id", kind="stable")
    ordered.attrs = joined.attrs
    return ordered


def _cleaned(joined: pd.DataFrame, roles: Roles, groups: Iterable[str | None]) -> pd.DataFrame:
    where = str(joined.attrs["outcomes"])
    # A group that is a predictor as well stays what it is: its numbers may be an order.
    named = {name for name in groups if name is not None} - {*roles.clinical_columns}
    cleaned = clean_columns(joined, roles.clinical_columns, where)
    return label_columns(cleaned, sorted(named), where)


def versions(study: Study) -> dict[str, str]:
    """List what decides the last bits of a result.

    Parameters
    ----------
    study : Study
        What was learnt from.

    Returns
    -------
    dict of str to str
        Package and version.
    """
    packages = ("radpipe", "numpy", "scipy", "pandas", "numba", "scikit-learn")
    learners = ("xgboost", "skglm", "optuna")
    networks = () if study.encoder_training is None else ("torch", "monai")
    found = {name: version(name) for name in (*packages, *learners, *networks)}
    return {"radpipe": found.pop("radpipe"), "python": python_version(), **found}
