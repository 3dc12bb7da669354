"""One cohort, ready for models: predictors, endpoint, identifiers, and where they are from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.table import model_class
from radpipe.prognosis.survival import median_follow_up
from radpipe.prognosis.survival.endpoint import Endpoint
from radpipe.prognosis.tables import (
    endpoint_of,
    feature_columns,
    join_columns,
    load_features,
    name_of_table,
    read_clinical,
    require_columns,
    volume_column,
)
from radpipe.prognosis.tables.columns import listed

Table = str | Path | pd.DataFrame


@dataclass(frozen=True)
class Outcomes:
    """Where the endpoint and the other predictors stand.

    Attributes
    ----------
    clinical : str, Path or DataFrame
        The clinical table.
    time, event : str
        Its columns of the endpoint.
    columns : sequence of str
        Its columns to use as predictors.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    """

    clinical: Table
    time: str
    event: str
    columns: Sequence[str] = ()
    unmatched: str = "refuse"

    @property
    def where(self) -> str:
        """What to call the clinical table in a message."""
        if isinstance(self.clinical, pd.DataFrame):
            return name_of_table(self.clinical, "the clinical table")
        return str(self.clinical)


@dataclass(frozen=True)
class Study:
    """One row a patient.

    Attributes
    ----------
    frame : DataFrame
        The feature table, then the clinical columns asked for; indexed by ``case_id``.
    features : list of str
        Columns that extraction made.
    endpoint : ndarray
        Structured array with ``event`` and ``time``.
    predictors : list of str
        Columns a model may use.
    volume : str or None
        Column of the tumour's volume.
    outcomes : Outcomes
        What was asked for.
    """

    frame: pd.DataFrame
    features: list[str]
    endpoint: Endpoint
    predictors: list[str]
    volume: str | None
    outcomes: Outcomes

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.endpoint["event"].sum())

    def identifiers(self) -> pd.DataFrame:
        """Return the columns that name each prediction.

        Returns
        -------
        DataFrame
            ``patient_id``, ``case_id``, ``time``, ``event``.
        """
        return pd.DataFrame(
            {
                "patient_id": self.frame["patient_id"].to_numpy(),
                "case_id": self.frame.index.to_numpy(),
                "time": self.endpoint["time"],
                "event": self.endpoint["event"],
            }
        )

    def cohort_facts(self) -> dict[str, Any]:
        """Count the cohort.

        Returns
        -------
        dict
            ``patients``, ``events``, ``follow_up_median``, ``features``, ``dropped``.
        """
        follow_up = median_follow_up(self.endpoint)
        return {
            "patients": len(self.frame),
            "events": self.events,
            "follow_up_median": None if math.isnan(follow_up) else follow_up,
            "features": len(self.features),
            "dropped": self.frame.attrs["dropped"],
        }

    def source_facts(self) -> dict[str, Any]:
        """Tell where the features are from.

        Returns
        -------
        dict
            ``table``, ``run``, ``provenance``.
        """
        attrs = self.frame.attrs
        return {
            "table": attrs.get("source"),
            "run": attrs.get("run"),
            "provenance": attrs.get("provenance"),
        }

    def endpoint_facts(self) -> dict[str, str]:
        """Name the endpoint's columns.

        Returns
        -------
        dict
            ``time``, ``event``.
        """
        return {"time": self.outcomes.time, "event": self.outcomes.event}


def as_features(table: Table, per_patient: str | None = None) -> pd.DataFrame:
    """Load a table, unless it is one.

    Parameters
    ----------
    table : str, Path or DataFrame
        A run, a file, or what :func:`~radpipe.prognosis.tables.load_features` returned.
    per_patient : str, optional
        What to do where a patient has several rows.

    Returns
    -------
    DataFrame
        Indexed by ``case_id``.

    Raises
    ------
    TableError
        It cannot be read, or has no ``patient_id``.
    """
    if not isinstance(table, pd.DataFrame):
        return load_features(table, per_patient)
    require_columns(table, ["patient_id"], name_of_table(table, "the feature table"))
    return table


def as_clinical(table: Table) -> pd.DataFrame:
    """Read a clinical table, unless it is one.

    Parameters
    ----------
    table : str, Path or DataFrame
        A file, or what :func:`~radpipe.prognosis.tables.read_clinical` returned.

    Returns
    -------
    DataFrame
        With a column ``patient_id``.

    Raises
    ------
    TableError
        It cannot be read, or has no ``patient_id``.
    """
    if not isinstance(table, pd.DataFrame):
        return read_clinical(table)
    require_columns(table, ["patient_id"], name_of_table(table, "the clinical table"))
    return table


def make_study(
    table: Table, outcomes: Outcomes, *, volume: str | None = None, per_patient: str | None = None
) -> Study:
    """Join features and outcomes, and check them.

    Parameters
    ----------
    table : str, Path or DataFrame
        Features.
    outcomes : Outcomes
        Clinical table, endpoint, other predictors.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    per_patient : str, optional
        What to do where a patient has several rows.

    Returns
    -------
    Study
        Checked.

    Raises
    ------
    TableError
        The tables are wrong, or no patient is left.
    """
    _refuse_endpoint_as_predictor(outcomes)
    features, clinical = as_features(table, per_patient), as_clinical(outcomes.clinical)
    # Before the join: a clinical column may be named like a feature, and is none.
    extracted, size = feature_columns(features), volume_column(features, volume)
    asked = list(dict.fromkeys([outcomes.time, outcomes.event, *outcomes.columns]))
    frame = join_columns(features, clinical, asked, outcomes.unmatched)
    if frame.empty:
        raise TableError(
            "no patient is in both tables",
            where=outcomes.where,
            expected="the same patient_id in both",
            remedy="write the identifiers alike, leading zeros too",
        )
    endpoint = endpoint_of(frame, outcomes.time, outcomes.event, outcomes.where)
    predictors = list(dict.fromkeys([*extracted, *outcomes.columns]))
    return Study(frame, extracted, endpoint, predictors, size, outcomes)


def _refuse_endpoint_as_predictor(outcomes: Outcomes) -> None:
    leaking = {outcomes.time, outcomes.event} & set(outcomes.columns)
    if leaking:
        raise TableError(
            "the endpoint cannot predict itself",
            where="--clinical-columns",
            found=", ".join(sorted(leaking)),
            expected="columns known at the start",
            remedy="leave them out of --clinical-columns",
        )


def prepare(study: Study, name: str, seed: int) -> tuple[Model, pd.DataFrame]:
    """Make a model for a cohort, and choose its columns.

    Parameters
    ----------
    study : Study
        The cohort.
    name : str
        A name in ``MODELS``.
    seed : int
        For a model that has the parameter ``seed``.

    Returns
    -------
    tuple of (Model, DataFrame)
        Not fitted yet, and what to fit it on.

    Raises
    ------
    TableError
        The table has no column for this model.
    """
    model = model_class(name)()
    offered = {"seed": seed, "column": study.volume}
    taken = model.get_params()
    model.set_params(**{key: value for key, value in offered.items() if key in taken})
    chosen = model.choose_columns(study.predictors, study.volume)
    if not chosen:
        raise TableError(
            "no column to learn from",
            where=name_of_table(study.frame, "the feature table"),
            found=listed(study.frame.columns),
            expected="columns named as extraction names them, like original_shape_MeshVolume",
            remedy="rename them so, or name predictors with --clinical-columns and the volume with "
            "--volume",
        )
    return model, study.frame[chosen]


def versions() -> dict[str, str]:
    """List what decides the last bits of a result.

    Returns
    -------
    dict of str to str
        Package and version.
    """
    packages = ("radpipe", "numpy", "pandas", "xgboost", "scikit-learn")
    found = {name: version(name) for name in packages}
    return {"radpipe": found.pop("radpipe"), "python": python_version(), **found}
