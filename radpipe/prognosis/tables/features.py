"""Load the feature table of a run or a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import feature_columns, listed, require_columns
from radpipe.prognosis.tables.per_patient import reduce_to_patients
from radpipe.prognosis.tables.reading import read_any
from radpipe.store import Run


def load_features(source: str | Path, per_patient: str | None = None) -> pd.DataFrame:
    """Load a feature table with one row a patient.

    Parameters
    ----------
    source : str or Path
        A run directory, or a ``.parquet`` or ``.csv`` file with a column ``patient_id``.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows: keep the one with the largest ROI, average
        the numbers, or put the rows beside each other as columns.

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
        text where a feature is meant, or lacks identifiers.
    RunError
        The directory holds no finished run.
    """
    path = Path(source)
    is_run = path.is_dir()
    frame, provenance = Run(path).features() if is_run else read_any(path)
    require_columns(frame, ["patient_id"], str(source))
    frame = _with_case_id(frame)
    _check_identifiers(frame, str(source))
    frame = reduce_to_patients(_checked_numbers(frame), per_patient, str(source))
    told: dict[str, Any] = {
        "source": str(source),
        "run": str(source) if is_run else None,
        "per_patient": per_patient,
        "provenance": None if provenance is None else asdict(provenance),
    }
    frame = frame.set_index("case_id")
    rest = [name for name in frame.columns if name != "patient_id"]
    frame = frame[["patient_id", *rest]]
    frame.attrs.update(told)
    return frame


def _with_case_id(frame: pd.DataFrame) -> pd.DataFrame:
    if "case_id" in frame.columns:
        return frame
    if frame["patient_id"].is_unique:
        return frame.assign(case_id=frame["patient_id"])
    count = frame.groupby("patient_id").cumcount() + 1
    return frame.assign(case_id=frame["patient_id"] + "_" + count.astype("str"))


def _check_identifiers(frame: pd.DataFrame, where: str) -> None:
    if frame.empty:
        raise TableError(
            "the table has no rows",
            where=where,
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


def _checked_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    names = feature_columns(frame)
    wrong = [name for name in names if not is_numeric_dtype(frame[name].dtype)]
    if wrong:
        raise TableError(
            "a feature column holds text",
            where=listed(wrong),
            found=repr(_first_text(frame[wrong[0]])),
            expected="numbers, or empty where undefined",
            remedy="correct these cells; if it is no feature, rename the column",
        )
    return frame.astype(dict.fromkeys(names, np.float64))


def _first_text(column: pd.Series) -> object:
    return column[pd.to_numeric(column, errors="coerce").isna() & column.notna()].iloc[0]
