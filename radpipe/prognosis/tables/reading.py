"""Read a CSV or Parquet table without harming its identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.errors import TableError
from radpipe.store import read_table

IDENTIFIERS = ("case_id", "patient_id", "modality", "roi")


def read_any(path: Path, identifiers: Sequence[str] = IDENTIFIERS) -> tuple[pd.DataFrame, Any]:
    """Read a table; identifiers stay the text they are.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.csv.gz`` or ``.parquet`` file.
    identifiers : sequence of str
        Columns where ``007`` keeps its zeros and ``NA`` is a name.

    Returns
    -------
    tuple of (DataFrame, Provenance or None)
        The table, and what made it, where the file says so.

    Raises
    ------
    TableError
        The file is missing, a folder, of another format, or empty.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise TableError("cannot read the table", where=str(path), found=found, expected="a file")
    if path.suffix.lower() == ".parquet":
        frame, provenance = read_table(path)
        frame = frame.reset_index() if frame.index.name is not None else frame
        text = {name: _as_text(frame[name]) for name in identifiers if name in frame.columns}
        return frame.assign(**text), provenance
    if path.name.lower().endswith((".csv", ".csv.gz")):
        return _read_csv(path, identifiers), None
    raise TableError(
        "unknown table format", where=str(path), found=path.suffix, expected=".csv or .parquet"
    )


def _read_csv(path: Path, identifiers: Sequence[str]) -> pd.DataFrame:
    try:
        # pandas leaves a wide table in pieces and then warns of each column put beside it.
        frame = pd.read_csv(path, encoding="utf-8-sig", low_memory=False).rename(columns=str).copy()
        # A second look: pandas cannot keep "NA" in one column and take it for missing elsewhere.
        text = pd.read_csv(
            path,
            usecols=[name for name in identifiers if name in frame.columns],
            dtype="str",
            keep_default_na=False,
            encoding="utf-8-sig",
        )
    except (ValueError, OSError) as error:
        raise TableError(
            "cannot read the table", where=str(path), found=error, expected="CSV in UTF-8"
        ) from error
    return frame.assign(**{name: text[name].str.strip() for name in text.columns})


def _as_text(column: pd.Series) -> pd.Series:
    return column.astype("str").where(column.notna(), "")
