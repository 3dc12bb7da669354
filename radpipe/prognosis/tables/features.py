"""Load the feature table of a run or a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import (
    feature_columns,
    listed,
    name_of_table,
    require_columns,
)
from radpipe.prognosis.tables.embeddings import (
    embedding_columns,
    is_of_encoder,
    join_embeddings,
    read_embeddings,
    without_fitted,
)
from radpipe.prognosis.tables.per_patient import reduce_to_patients
from radpipe.prognosis.tables.reading import IDENTIFIERS, PATIENT, read_any, with_patient_id
from radpipe.store import Run
from radpipe.store.patches import PATCH_FILE

_UNKNOWN = {
    "source": None,
    "run": None,
    "per_patient": None,
    "provenance": None,
    "embeddings": None,
}


def load_features(
    source: str | Path,
    per_patient: str | None = None,
    *,
    pattern: str | None = None,
    volume: str | None = None,
    identifier: str = PATIENT,
) -> pd.DataFrame:
    """Load a feature table with one row a patient.

    Parameters
    ----------
    source : str or Path
        A run directory, or a ``.parquet`` or ``.csv`` file with a column that names the patient.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows: keep the one with the largest ROI, average
        the numbers, or put the rows beside each other as columns.
    pattern : str, optional
        Which columns are features, where their names do not tell: see
        :func:`~radpipe.prognosis.tables.feature_columns`.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    identifier : str
        Column that names the patient.

    Returns
    -------
    DataFrame
        Indexed by ``case_id``, ``patient_id`` in front, features as float64.
        ``attrs["provenance"]`` (dict or None) tells what made the values, ``attrs["run"]`` (str or
        None) the run.

    Raises
    ------
    TableError
        The table cannot be read, has several rows a patient and nobody said what to do, holds
        text or infinity where a feature is meant, or lacks identifiers.
    RunError
        The directory holds no finished run.
    """
    rows = read_rows(source, identifier)
    return one_row_a_patient(rows, per_patient, feature_columns(rows, pattern), volume)


def read_rows(source: str | Path | pd.DataFrame, identifier: str = PATIENT) -> pd.DataFrame:
    """Read a feature table as it is: one row a case.

    Parameters
    ----------
    source : str, Path or DataFrame
        As for :func:`load_features`, or a table in memory.
    identifier : str
        Column that names the patient.

    Returns
    -------
    DataFrame
        With the columns ``case_id`` and ``patient_id``; ``attrs`` tell where it is from.

    Raises
    ------
    TableError
        It cannot be read, has no rows, or lacks identifiers.
    RunError
        The directory holds no finished run.
    """
    if isinstance(source, pd.DataFrame):
        # What load_features returned has its cases in the index.
        frame = source if source.index.name is None else source.reset_index()
        told: dict[Any, Any] = {**_UNKNOWN, **source.attrs}
        if told["embeddings"] is None and is_of_encoder(told["provenance"]):
            # What radpipe.embed returned.
            frame, told["embeddings"] = without_fitted(frame, told["provenance"], "the table")
            told["provenance"] = None
    else:
        frame, told = _read(Path(source), identifier)
    where = str(told["source"] or "the feature table")
    frame = _with_case_id(with_patient_id(frame, identifier, where))
    _check_identifiers(frame, where)
    frame.attrs = told
    return frame


def _read(path: Path, identifier: str) -> tuple[pd.DataFrame, dict[Any, Any]]:
    told: dict[Any, Any] = {
        **_UNKNOWN,
        "source": str(path),
        "run": str(path) if path.is_dir() else None,
    }
    run = Run(path)
    if path.is_dir() and run.embeddings_path.is_file() and not run.exists():
        path = run.embeddings_path
    is_run = path.is_dir()
    found = run.features() if is_run else read_any(path, (*IDENTIFIERS, identifier))
    frame, provenance = found
    if is_of_encoder(provenance):
        frame, told["embeddings"] = read_embeddings(path, identifier)
        return frame, told
    if is_run and run.embeddings_path.is_file():
        frame, told["embeddings"] = join_embeddings(frame, run.embeddings_path, identifier)
    return frame, told | {"provenance": None if provenance is None else asdict(provenance)}


def one_row_a_patient(
    rows: pd.DataFrame, per_patient: str | None, features: Sequence[str], volume: str | None = None
) -> pd.DataFrame:
    """Check the numbers, and make one row of a patient's.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`read_rows`.
    per_patient : str or None
        A name in ``PER_PATIENT``.
    features : sequence of str
        Columns that are features.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.

    Returns
    -------
    DataFrame
        As of :func:`load_features`.

    Raises
    ------
    TableError
        As of :func:`load_features`.
    """
    told = {**rows.attrs, "per_patient": per_patient or rows.attrs.get("per_patient")}
    sizes = [] if volume is None or volume not in rows.columns else [volume]
    where = name_of_table(rows, "the feature table")
    embeddings = told.get("embeddings")
    if embeddings is not None:
        features = [*dict.fromkeys([*features, *embeddings["columns"]])]
        rows = _with_one_patch(rows, per_patient, embeddings, where)
    numbers = _checked_numbers(rows, [*dict.fromkeys([*features, *sizes])], where)
    frame = reduce_to_patients(numbers, per_patient, where, features, volume)
    if embeddings is not None:
        columns = []
        # Of one that is fitted anew in each fold, columns of that name are somebody else's.
        if embeddings["training"] is None:
            columns = embedding_columns(frame.columns, embeddings["encoder"])
        told["embeddings"] = {**embeddings, "columns": columns}
    rest = [name for name in frame.columns if name not in ("case_id", PATIENT)]
    frame = frame.set_index("case_id")[[PATIENT, *rest]]
    frame.attrs = told
    return frame


def _with_one_patch(
    rows: pd.DataFrame, per_patient: str | None, embeddings: dict[str, Any], where: str
) -> pd.DataFrame:
    several = bool(rows[PATIENT].duplicated().any())
    if PATCH_FILE not in rows or per_patient in (None, "largest") or not several:
        return rows
    if embeddings["training"] is None:
        return rows.drop(columns=PATCH_FILE)
    raise TableError(
        "an encoder that is fitted in each fold takes one patch a patient",
        where=f"{where}, --per-patient",
        found=per_patient,
        expected="largest",
        remedy="take --per-patient largest, or embed with --weights",
    )


def patient_columns(
    rows: pd.DataFrame, names: Sequence[str], remedy: str | None = None
) -> pd.DataFrame:
    """Take columns of a feature table that say one thing of a patient, whatever the number of rows.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`read_rows`.
    names : sequence of str
        Such as the endpoint's.
    remedy : str, optional
        What to do where the table lacks them.

    Returns
    -------
    DataFrame
        Indexed by ``patient_id``, in the order of the patients' first rows.

    Raises
    ------
    TableError
        A column is missing, or the rows of a patient differ in it.
    """
    where = name_of_table(rows, "the feature table")
    require_columns(rows, names, where, remedy)
    told = rows[[PATIENT, *names]].drop_duplicates()
    twice = told[told[PATIENT].duplicated(keep=False)]
    if len(twice):
        differing = [name for name in names if twice.groupby(PATIENT)[name].nunique().gt(1).any()]
        raise TableError(
            "rows of a patient contradict each other",
            where=f"{where}, column {listed(differing)}",
            found=listed(f"patient {patient}" for patient in twice[PATIENT].unique()),
            expected="the same in all rows of a patient",
            remedy="correct these rows",
        )
    return told.set_index(PATIENT)


def _with_case_id(frame: pd.DataFrame) -> pd.DataFrame:
    if "case_id" in frame.columns:
        return frame
    if frame["patient_id"].is_unique:
        # A copy is in one piece: pandas warns of a wide table in many.
        return frame.copy().assign(case_id=frame["patient_id"])
    count = frame.groupby("patient_id").cumcount() + 1
    return frame.assign(case_id=frame["patient_id"] + "_" + count.astype("str"))


def _check_identifiers(frame: pd.DataFrame, where: str) -> None:
    if frame.empty:
        raise TableError(
            "the table has no rows",
            where=where,
            found=f"{frame.shape[1]} columns without rows",
            expected="one row a case",
            remedy="if it is a run, look at its failures.parquet",
        )
    for name in ("patient_id", "case_id"):
        if (frame[name] == "").any():
            rows = np.flatnonzero(frame[name] == "") + 1
            raise TableError(
                f"{name} is empty",
                where=where,
                found=f"rows {listed(rows)}",
                expected=f"a {name} in every row",
                remedy="fill these cells, or delete these rows",
            )
    twice = frame["case_id"][frame["case_id"].duplicated()].unique()
    if len(twice):
        raise TableError(
            "case_id is not unique",
            where=where,
            found=listed(twice),
            expected="another case_id in every row",
            remedy="rename the cases, or drop the column to have them numbered",
        )


def _checked_numbers(frame: pd.DataFrame, names: list[str], where: str) -> pd.DataFrame:
    kinds = frame[names].dtypes
    wrong = [name for name, kind in kinds.items() if not is_numeric_dtype(kind)]
    if wrong:
        raise TableError(
            "a feature column holds text",
            where=f"{where}, {listed(wrong)}",
            found=repr(_first_text(frame[wrong[0]])),
            expected="numbers, or empty where undefined",
            remedy="correct these cells; if it is no feature, rename the column, or train without "
            "it: --features PATTERN",
        )
    cast = [name for name, kind in kinds.items() if kind != np.float64]
    frame = frame.astype(dict.fromkeys(cast, np.float64)) if cast else frame
    infinite = np.isinf(frame[names].to_numpy()).any(axis=0)
    if infinite.any():
        raise TableError(
            "a feature is infinite",
            where=where,
            found=listed(np.array(names)[infinite]),
            expected="numbers, or empty where undefined",
            remedy="leave these cells empty",
        )
    return frame


def _first_text(column: pd.Series) -> object:
    text = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()]
    return text.iloc[0] if len(text) else "numbers saved as text"
