"""The three tables of a run, put together from rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from radpipe.store.rows import Failure
from radpipe.store.table import KEY_COLUMNS

_INPUTS = ("image", "image_sha256", "mask", "mask_sha256")
_LEADING = ("case_id", "row_key", "label_channel", *_INPUTS)
_TOLD = ("stage", "error", "message", "remedy")


@dataclass(frozen=True)
class Entry:
    """One case of the manifest, and the key of what the run holds for it.

    Attributes
    ----------
    keys : dict
        ``case_id`` … ``label`` and any further manifest column.
    row_key : str
        Of its row or failure.
    inputs : dict
        ``image``, ``mask``, their hashes, ``label_channel``.
    """

    keys: dict[str, Any]
    row_key: str
    inputs: dict[str, Any]


def gathered(
    sources: Sequence[Iterable[pa.ChunkedArray]], places: Sequence[int]
) -> Iterator[pa.Array]:
    """Put columns of numbers together, one after the other.

    Parameters
    ----------
    sources : sequence of iterable of pyarrow.ChunkedArray
        The same columns of several tables, float64.
    places : sequence of int
        Which row of them all, one below the other, stands where.

    Yields
    ------
    pyarrow.Array
        One a column, float64, in one piece whatever it was made of.
    """
    taken = pa.array(places, pa.int64())
    for parts in zip(*sources, strict=True):
        pieces = [piece for part in parts for piece in part.chunks]
        yield pa.chunked_array(pieces, pa.float64()).take(taken).combine_chunks()


def feature_table(
    keys: pd.DataFrame, names: Sequence[str], numbers: Iterable[pa.Array]
) -> pa.Table:
    """Make the feature table.

    Parameters
    ----------
    keys : DataFrame
        ``case_id`` … and the manifest's further columns.
    names : sequence of str
        Of the columns of numbers.
    numbers : iterable of pyarrow.Array
        The columns, as long as ``keys``.

    Returns
    -------
    pyarrow.Table
        Never in pandas: a thousand columns of it cost several times their size.
    """
    named = pa.Table.from_pandas(keys, preserve_index=False)
    return pa.table(
        [*named.columns, *numbers],
        names=[*named.column_names, *names],
        metadata=named.schema.metadata,
    )


def diagnostics_frame(entries: Sequence[Entry], told: pd.DataFrame) -> pd.DataFrame:
    """Make the table of what cases were made from, and what the engine says about them.

    Parameters
    ----------
    entries : sequence of Entry
        Cases, in order.
    told : DataFrame
        Diagnostics and picture, indexed by row key.

    Returns
    -------
    DataFrame
        One row an entry.
    """
    if not entries:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("case_id", "row_key")})
    known = pd.DataFrame(
        [
            {"case_id": entry.keys["case_id"], "row_key": entry.row_key, **entry.inputs}
            for entry in entries
        ]
    )
    # What an earlier table says of the inputs may be another path of the same bytes.
    rest = told.loc[known["row_key"], told.columns.difference(known.columns)]
    return canonical(pd.concat([known, rest.reset_index(drop=True)], axis=1))


def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of diagnostics one below the other.

    Parameters
    ----------
    tables : sequence of DataFrame
        At least one.

    Returns
    -------
    DataFrame
        All their rows.
    """
    # A column without content has no type to speak of.
    filled = [table.dropna(axis=1, how="all") for table in tables if len(table)]
    return pd.concat(filled) if filled else tables[0]


def canonical(table: pd.DataFrame) -> pd.DataFrame:
    """Let order and types of columns depend on the values alone, not on where these came from.

    Parameters
    ----------
    table : DataFrame
        Diagnostics.

    Returns
    -------
    DataFrame
        What names the case and its inputs first, the rest sorted; no column without content.
    """
    first = [name for name in _LEADING if name in table.columns]
    names = [*first, *sorted(table.columns.difference(first))]
    table = table[names].dropna(axis=1, how="all")
    # A plain column of whole numbers becomes one of integers, and one that could hold NA does not.
    plain = dict.fromkeys(table.select_dtypes("Float64").columns, "float64")
    return table.astype(plain).convert_dtypes()


def failure_frame(entries: Sequence[Entry], failures: dict[str, Failure]) -> pd.DataFrame:
    """Make the table of failed cases.

    Parameters
    ----------
    entries : sequence of Entry
        Cases, in order.
    failures : dict of str to Failure
        By row key.

    Returns
    -------
    DataFrame
        Keys, ``stage``, ``error``, ``message``, ``remedy``, ``row_key``, and the
        inputs' paths and hashes.
    """
    keys = key_frame([entry.keys for entry in entries], KEY_COLUMNS)
    found = [failures[entry.row_key] for entry in entries]
    columns = {name: [getattr(failure, name) for failure in found] for name in _TOLD}
    columns["message"] = [
        _named(entry, failure) for entry, failure in zip(entries, found, strict=True)
    ]
    columns["row_key"] = [entry.row_key for entry in entries]
    columns |= {name: [entry.inputs[name] for entry in entries] for name in _INPUTS}
    return keys.assign(**{name: pd.Series(cells, dtype="str") for name, cells in columns.items()})


def _named(entry: Entry, failure: Failure) -> str:
    where = f"case {entry.keys['case_id']}"
    image, mask = entry.inputs["image"], entry.inputs["mask"]
    if image not in failure.message and mask not in failure.message:
        where += f" (image {image}, mask {mask})"
    return f"{where}: {failure.message}"


def key_frame(keys: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Make the columns that name cases.

    Parameters
    ----------
    keys : sequence of dict
        One a case.
    columns : sequence of str
        Which of them, in order.

    Returns
    -------
    DataFrame
        One row a case.
    """
    frame = pd.DataFrame({name: [row.get(name) for row in keys] for name in columns})
    for name in ("case_id", "patient_id", "modality", "roi"):
        frame[name] = frame[name].astype("str").where(frame[name].notna(), "")
    frame["label"] = frame["label"].astype("Int64")
    return frame
