"""Read a CSV or Parquet table without harming its identifiers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_string_dtype

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import id_text
from radpipe.store import read_table
from radpipe.store.files import csv_separator, read_csv_text

IDENTIFIERS = ("case_id", "patient_id", "modality", "roi")
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
        text = read_csv_text(path)
        # A second look: pandas cannot keep "NA" in one column and take it for missing elsewhere.
        frame = pd.read_csv(
            path, encoding="utf-8-sig", sep=csv_separator(path), low_memory=False
        ).rename(columns=str)
    except (ValueError, OSError) as error:
        raise TableError(
            "cannot read the table",
            where=str(path),
            found=str(error).strip(),
            expected="CSV in UTF-8",
            remedy="save it again as CSV in UTF-8, with decimal points and no comma at a row's end",
        ) from error
    # pandas leaves a wide table in pieces and then warns of each column put beside it.
    frame = frame.copy()
    told = [name for name in identifiers if name in frame.columns]
    return frame.assign(**{name: text[name].str.strip() for name in told})


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
