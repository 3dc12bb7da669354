"""Clinical tables: outcomes and named predictors, joined on patient_id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.survival.endpoint import Endpoint, make_endpoint
from radpipe.prognosis.tables.columns import (
    feature_columns,
    id_text,
    listed,
    name_of_table,
    require_columns,
)
from radpipe.prognosis.tables.reading import read_any
from radpipe.store import KEY_COLUMNS, MASK_VOLUME

WITHOUT_CLINICAL = "features without clinical row"
WITHOUT_FEATURES = "clinical rows without features"


def read_clinical(path: str | Path) -> pd.DataFrame:
    """Read a clinical table.

    Parameters
    ----------
    path : str or Path
        A ``.csv`` file, separated by ``,`` or ``;``, or a ``.parquet`` file, with a column
        ``patient_id``, which stays text.

    Returns
    -------
    DataFrame
        ``attrs["source"]`` is the file. One row a patient is not checked here but where tables are
        joined.

    Raises
    ------
    TableError
        It cannot be read, or has no ``patient_id``.
    """
    frame, _ = read_any(Path(path), ("patient_id",))
    require_columns(frame, ["patient_id"], str(path))
    frame.attrs["source"] = str(path)
    return frame


def join_clinical(
    features: pd.DataFrame, clinical: pd.DataFrame, unmatched: str = "refuse"
) -> pd.DataFrame:
    """Put the clinical columns behind the features.

    Where both tables hold a column, features and keys come from the feature table and all else
    from the clinical one.

    Parameters
    ----------
    features : DataFrame
        Of :func:`load_features`: one row a patient, indexed by ``case_id``.
    clinical : DataFrame
        With a column ``patient_id``, one row a patient. Identifiers are compared as text.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.

    Returns
    -------
    DataFrame
        In the order of ``features``; ``attrs`` are kept, and ``attrs["dropped"]`` lists who was
        left out, and why.

    Raises
    ------
    TableError
        A patient stands in two rows of either table, in only one of the tables, or has no name.
    """
    if unmatched not in ("refuse", "drop"):
        raise TableError(
            "unknown way",
            where="unmatched",
            found=unmatched,
            expected="refuse|drop",
            remedy="give one of these two",
        )
    per_patient = "load the table with per_patient (--per-patient)"
    ours = _identified(features, "the feature table", per_patient)
    theirs = _identified(clinical, "the clinical table", "keep the row that is right")
    dropped = _unmatched(ours["patient_id"], theirs["patient_id"])
    if unmatched == "refuse":
        _refuse_unmatched(dropped, name_of_table(clinical, "the clinical table"))
    kept = {*KEY_COLUMNS, MASK_VOLUME, *feature_columns(features)}
    kept &= {*features.columns, features.index.name}
    theirs = theirs.set_index("patient_id").drop(columns=[*kept], errors="ignore")
    ours = ours[ours["patient_id"].isin(theirs.index)]
    ours = ours.drop(columns=[name for name in theirs.columns if name in ours.columns])
    joined = pd.concat([ours, theirs.loc[ours["patient_id"]].set_index(ours.index)], axis=1)
    joined.attrs = {**features.attrs, "dropped": dropped}
    return joined


def join_columns(
    features: pd.DataFrame,
    clinical: pd.DataFrame,
    names: Sequence[str],
    unmatched: str = "refuse",
) -> pd.DataFrame:
    """Put named clinical columns behind the features, and no other.

    Parameters
    ----------
    features : DataFrame
        As for :func:`join_clinical`.
    clinical : DataFrame
        As for :func:`join_clinical`.
    names : sequence of str
        Columns of the clinical table.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.

    Returns
    -------
    DataFrame
        As of :func:`join_clinical`.

    Raises
    ------
    TableError
        As in :func:`join_clinical`; or the clinical table lacks a column, or the feature table
        holds another one of that name.
    """
    where = name_of_table(clinical, "the clinical table")
    require_columns(clinical, ["patient_id", *names], where)
    rows = clinical[list(dict.fromkeys(["patient_id", *names]))]
    joined = join_clinical(features, rows, unmatched)
    for name in names:
        if name in features.columns and not _alike(features, rows, name, joined["patient_id"]):
            raise TableError(
                "both tables hold a column of this name, and they differ",
                where=where,
                found=name,
                expected=f"a name that {name_of_table(features, 'the feature table')} has not",
                remedy="rename it in the clinical table",
            )
    return joined


def _alike(features: pd.DataFrame, clinical: pd.DataFrame, name: str, patients: pd.Series) -> bool:
    """Compare as text, so that one file may serve as both tables."""
    ours, theirs = (
        id_text(frame[name].set_axis(id_text(frame["patient_id"])).loc[patients])
        for frame in (features, clinical)
    )
    return bool((ours.to_numpy(object) == theirs.to_numpy(object)).all())


def _identified(frame: pd.DataFrame, otherwise: str, remedy: str) -> pd.DataFrame:
    where = name_of_table(frame, otherwise)
    require_columns(frame, ["patient_id"], where)
    patients = id_text(frame["patient_id"])
    if (patients == "").any():
        raise TableError(
            "patient_id is empty",
            where=where,
            found=f"rows {listed(np.flatnonzero(patients == '') + 1)}",
            expected="a patient_id in every row",
            remedy="fill these cells, or delete these rows",
        )
    _refuse_duplicates(patients, where, remedy)
    return frame.assign(patient_id=patients)


def _refuse_duplicates(patients: pd.Series, where: str, remedy: str) -> None:
    twice = patients[patients.duplicated()].unique()
    if len(twice):
        raise TableError(
            "a patient has several rows",
            where=where,
            found=listed(twice),
            expected="one row a patient",
            remedy=remedy,
        )


def _unmatched(ours: pd.Series, theirs: pd.Series) -> dict[str, list[str]]:
    return {
        WITHOUT_CLINICAL: ours[~ours.isin(theirs)].tolist(),
        WITHOUT_FEATURES: theirs[~theirs.isin(ours)].tolist(),
    }


def _refuse_unmatched(dropped: dict[str, list[str]], where: str) -> None:
    found = [f"{len(ids)} {what}: {listed(ids)}" for what, ids in dropped.items() if ids]
    if found:
        raise TableError(
            "the tables do not hold the same patients",
            where=where,
            found="; ".join(found),
            expected="the same patient_id in both",
            remedy="correct the tables, or leave these patients out with --drop-unmatched",
        )


def endpoint_of(
    frame: pd.DataFrame, time: str, event: str, where: str = "the clinical table"
) -> Endpoint:
    """Take time and event out of a table.

    Parameters
    ----------
    frame : DataFrame
        With a column ``patient_id`` for the messages.
    time : str
        Column of the time since the start; any unit.
    event : str
        Column that is 1 or True where it happened, 0 or False where the patient was censored.
    where : str
        What to call the table.

    Returns
    -------
    ndarray, shape (n,)
        Structured array with ``event`` (bool) and ``time`` (float64).

    Raises
    ------
    TableError
        A column is missing, a time is missing or not positive, an event is neither 0 nor 1.
    """
    require_columns(frame, [time, event], where)
    times = pd.to_numeric(frame[time], errors="coerce").astype(np.float64)
    _refuse(frame, time, ~((times > 0) & (times < np.inf)), "a positive number", where)
    text = frame[event].astype("str").str.lower()
    happened = text.isin(["1", "1.0", "true"])
    _refuse(frame, event, ~(happened | text.isin(["0", "0.0", "false"])), "0 or 1", where)
    return make_endpoint(happened.to_numpy(bool), times.to_numpy())


def _refuse(frame: pd.DataFrame, column: str, wrong: pd.Series, expected: str, where: str) -> None:
    if wrong.any():
        found = zip(frame["patient_id"][wrong], frame[column][wrong], strict=True)
        raise TableError(
            "the endpoint is wrong",
            where=f"{where}, column {column}",
            found=listed(f"patient {patient}: {value}" for patient, value in found),
            expected=expected,
            remedy="correct these rows, or take these patients out of the cohort",
        )
