"""Read a CSV or Parquet table without harming its identifiers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_string_dtype

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import id_text, listed, require_columns
from radpipe.store import read_table
from radpipe.store.files import csv_separator

PATIENT = "patient_id"
IDENTIFIERS = ("case_id", PATIENT, "modality", "roi")
_BARE = re.compile("[^a-z]")
_LIKELY = {"id", "patient", "patientid", "patid", "pid", "case", "caseid", "subject", "subjectid"}
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def read_any(path: Path, identifiers: Sequence[str] = IDENTIFIERS) -> tuple[pd.DataFrame, Any]:
    """Read a table; identifiers stay the text they are.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.csv.gz`` file, separated by ``,`` or ``;``, or a ``.parquet`` file.
    identifiers : sequence of str
        Columns where ``007`` keeps its zeros and ``NA`` is a name.

    Returns
    -------
    tuple of (DataFrame, Provenance or None)
        The table, and what made it, where the file says so.

    Raises
    ------
    TableError
        The file is missing, a folder, of another format, or empty, or a column of numbers has
        commas for decimal points.
    """
    _require_file(path)
    if path.suffix.lower() == ".parquet":
        frame, provenance = read_table(path)
        frame = frame.reset_index() if frame.index.name is not None else frame
        text = {name: id_text(frame[name]) for name in identifiers if name in frame.columns}
        frame = frame.assign(**text)
    else:
        frame, provenance = _read_csv(path, identifiers), None
    _refuse_decimal_commas(frame.drop(columns=[*identifiers], errors="ignore"), str(path))
    return frame, provenance


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise TableError(
            "cannot read the table",
            where=str(path),
            found="a folder" if path.is_dir() else "no such file",
            expected="a file",
            remedy="mend the path",
        )
    if path.stat().st_size == 0:
        raise TableError(
            "cannot read the table",
            where=str(path),
            found="a file without a byte",
            expected="a header, and rows below it",
            remedy="save it again, or name another one",
        )
    if not path.name.lower().endswith((".csv", ".csv.gz", ".parquet")):
        raise TableError(
            "unknown table format",
            where=str(path),
            found=path.suffix,
            expected=".csv or .parquet",
            remedy="save it as CSV in UTF-8",
        )


def _read_csv(path: Path, identifiers: Sequence[str]) -> pd.DataFrame:
    try:
        # A look of its own: pandas cannot keep "NA" here and take it for missing elsewhere.
        text = _parse(
            path,
            usecols=lambda name: name.strip() in identifiers,
            dtype=str,
            keep_default_na=False,
        )
        if not isinstance(text.index, pd.RangeIndex):
            # pandas takes the first column for an index, and shifts all names by one.
            raise ValueError("the rows have more cells than the header")
        frame = _parse(path, low_memory=False)
    except (ValueError, OSError, EOFError) as error:
        raise TableError(
            "cannot read the table",
            where=str(path),
            found=str(error).strip(),
            expected="CSV in UTF-8",
            remedy="save it again as CSV in UTF-8, with decimal points and no comma at a row's end",
        ) from error
    # pandas leaves a wide table in pieces and then warns of each column put beside it.
    frame = frame.copy().assign(**{name: text[name].str.strip() for name in text.columns})
    frame.columns = _bare_names(frame)
    return frame


def _parse(path: Path, **how: Any) -> pd.DataFrame:
    frame: pd.DataFrame = pd.read_csv(path, encoding="utf-8-sig", sep=csv_separator(path), **how)
    return frame


def _bare_names(frame: pd.DataFrame) -> list[str]:
    """Take the spaces off, which nobody sees, unless two columns differ in them alone."""
    bare = [str(name).strip() for name in frame.columns]
    return bare if len({*bare}) == len(bare) else [str(name) for name in frame.columns]


def with_patient_id(frame: pd.DataFrame, identifier: str, where: str) -> pd.DataFrame:
    """Give the column that names the patient its name.

    Parameters
    ----------
    frame : DataFrame
        A table as it was read.
    identifier : str
        Its column that names the patient. A table without it may hold ``patient_id``, as runs do.
    where : str
        What to call the table.

    Returns
    -------
    DataFrame
        With a column ``patient_id`` of text without spaces around it.

    Raises
    ------
    TableError
        Neither column is there; one that may be meant is told.
    """
    if identifier not in frame.columns and PATIENT not in frame.columns:
        _refuse_nameless(frame, identifier, where)
    if identifier in frame.columns and identifier != PATIENT:
        frame = frame.drop(columns=PATIENT, errors="ignore").rename(columns={identifier: PATIENT})
    return frame.assign(**{PATIENT: id_text(frame[PATIENT]).str.strip()})


def _refuse_nameless(frame: pd.DataFrame, identifier: str, where: str) -> None:
    likely = [name for name in frame.columns if _BARE.sub("", str(name).lower()) in _LIKELY]
    if identifier != PATIENT or not likely:
        require_columns(frame, [identifier], where)
    raise TableError(
        "no column names the patients",
        where=where,
        found=listed(likely),
        expected=PATIENT,
        remedy=f"name it with --id: --id '{likely[0]}'",
    )


def _refuse_decimal_commas(frame: pd.DataFrame, where: str) -> None:
    for name in frame.columns[[is_string_dtype(kind) for kind in frame.dtypes]]:
        cells = frame[name].dropna().astype("str").str.strip()
        commas = cells[cells.str.contains(",", regex=False)]
        if len(commas) and cells.str.fullmatch(_NUMBER).all():
            raise TableError(
                "a column of numbers has commas for decimal points",
                where=f"{where}, column {name}",
                found=commas.iloc[0],
                expected="decimal points",
                remedy=f"save the table with decimal points ({commas.iloc[0].replace(',', '.')}) "
                "and no thousands separators",
            )
