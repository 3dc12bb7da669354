"""The Parquet feature table: the only bridge between the image wing and the table wing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from radpipe.errors import TableError
from radpipe.store.files import whole_file

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
KEY_COLUMNS = ("case_id", "patient_id", "modality", "roi", "label")
MASK_VOLUME = "mask_volume_mm3"
_METADATA_KEY = b"radpipe"
_ROW_KEYS = b"radpipe_row_keys"
# What decides values; the table's layout does not.
_DECIDING = ("engine", "values_version", "settings", "control")
_ABSENT = "absent"


@dataclass(frozen=True)
class Provenance:
    """What decides a feature table's values, apart from the images.

    Attributes
    ----------
    engine : str
        Name of the extraction engine.
    values_version : str
        Version of the engine's values.
    settings : dict
        The parameter file, complete: ``imageType``, ``featureClass``, ``setting``.
    schema : int
        Version of this table's layout.
    control : str or None
        What was done to each image first, so that it holds nothing to learn from.
    """

    engine: str
    values_version: str
    settings: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION
    control: str | None = None


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name what decides values and is not the same in two provenances.

    Parameters
    ----------
    ours, theirs : dict
        Two :class:`Provenance` as dicts.

    Yields
    ------
    tuple of (str, object, object)
        Path, such as ``settings.setting.binWidth``, and both entries.
    """
    for name in _DECIDING:
        yield from _differences(name, ours.get(name), theirs.get(name))


def _differences(path: str, ours: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys(), key=str):
            yield from _differences(
                f"{path}.{key}", ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
            )
    elif ours != theirs:
        yield path, ours, theirs


def write_table(
    path: Path,
    frame: pd.DataFrame | pa.Table,
    provenance: Provenance | None = None,
    row_keys: Sequence[str] = (),
) -> None:
    """Write a table to Parquet, whole or not at all.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    frame : DataFrame or pyarrow.Table
        The table; a DataFrame's index is not kept.
    provenance : Provenance, optional
        Stands in the file's own metadata, so that a copied file still tells where it is from.
    row_keys : sequence of str
        One a row, for :func:`read_row_keys`: in the file itself, since two files cannot be replaced
        at the same instant.
    """
    import pyarrow.parquet as pq

    table = _plain(frame) if isinstance(frame, pd.DataFrame) else frame
    notes = {_ROW_KEYS: json.dumps(list(row_keys)).encode()}
    if provenance is not None:
        notes[_METADATA_KEY] = json.dumps(asdict(provenance), sort_keys=True).encode()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **notes})
    with whole_file(path) as part:
        pq.write_table(table, part, compression="zstd", write_page_checksum=True)


def _plain(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    plain = frame.copy(deep=False)
    plain.attrs = {}
    return pa.Table.from_pandas(plain, preserve_index=False)


def read_row_keys(path: Path) -> list[str]:
    """Read the row keys that :func:`write_table` was given.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of str
        One a row; empty if there is no such file, or none were given.
    """
    import pyarrow.parquet as pq

    if not path.is_file():
        return []
    keys: list[str] = json.loads((pq.read_schema(path).metadata or {}).get(_ROW_KEYS, b"[]"))
    return keys


def read_table(
    path: Path, columns: Sequence[str] | None = None
) -> tuple[pd.DataFrame, Provenance | None]:
    """Read a Parquet table and, if radpipe wrote it, what made it.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str, optional
        Only these.

    Returns
    -------
    tuple of (DataFrame, Provenance or None)
        The table and its provenance.

    Raises
    ------
    TableError
        The file is not Parquet, or of a newer layout.
    """
    import pyarrow.parquet as pq

    with _readable(path):
        table = pq.read_table(
            path,
            columns=None if columns is None else list(columns),
            page_checksum_verification=True,
        )
    return table.to_pandas(), _provenance_in(table.schema, path)


def read_provenance(path: Path) -> Provenance | None:
    """Read what made a table, and nothing else of it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Provenance or None
        None if radpipe did not write it.

    Raises
    ------
    TableError
        The file is not Parquet, or of a newer layout.
    """
    return _provenance_in(_schema_of(path), path)


def column_names(path: Path) -> list[str]:
    """Read the names of a table's columns.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of str
        In order.

    Raises
    ------
    TableError
        The file is not Parquet.
    """
    names: list[str] = _schema_of(path).names
    return names


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[pa.ChunkedArray]:
    """Read columns one after the other: a large table need not be in memory.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Names.

    Yields
    ------
    pyarrow.ChunkedArray
        One a name.

    Raises
    ------
    TableError
        The file is not Parquet, or has no such column.
    """
    import pyarrow.parquet as pq

    with _readable(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        for name in columns:
            yield file.read(columns=[name]).column(name)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        raise TableError(
            "cannot read the table", where=str(path), found=error, expected="a Parquet file"
        ) from error


def _schema_of(path: Path) -> pa.Schema:
    import pyarrow.parquet as pq

    with _readable(path):
        return pq.read_schema(path)


def _provenance_in(schema: pa.Schema, path: Path) -> Provenance | None:
    note = (schema.metadata or {}).get(_METADATA_KEY)
    provenance = None if note is None else Provenance(**json.loads(note))
    if provenance is not None and provenance.schema > SCHEMA_VERSION:
        raise TableError(
            "the table was written by a newer radpipe",
            where=str(path),
            found=f"layout {provenance.schema}",
            expected=f"at most {SCHEMA_VERSION}",
            remedy="update radpipe",
        )
    return provenance
