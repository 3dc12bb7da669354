"""The Parquet feature table: the only bridge between the image wing and the table wing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.errors import TableError
from radpipe.store.files import whole_file

SCHEMA_VERSION = 1
KEY_COLUMNS = ("case_id", "patient_id", "modality", "roi", "label")
MASK_VOLUME = "mask_volume_mm3"
_METADATA_KEY = b"radpipe"
_ROW_KEYS = b"radpipe_row_keys"
# What decides values; the table's layout does not.
_DECIDING = ("engine", "values_version", "settings")
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
    """

    engine: str
    values_version: str
    settings: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION


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
    frame: pd.DataFrame,
    provenance: Provenance | None = None,
    row_keys: Sequence[str] = (),
) -> None:
    """Write a table to Parquet, whole or not at all.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    frame : DataFrame
        The table; its index is not kept.
    provenance : Provenance, optional
        Stands in the file's own metadata, so that a copied file still tells where it is from.
    row_keys : sequence of str
        One a row, for :func:`read_row_keys`: in the file itself, since two files cannot be replaced
        at the same instant.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = frame.copy(deep=False)
    plain.attrs = {}
    table = pa.Table.from_pandas(plain, preserve_index=False)
    notes = {_ROW_KEYS: json.dumps(list(row_keys)).encode()}
    if provenance is not None:
        notes[_METADATA_KEY] = json.dumps(asdict(provenance), sort_keys=True).encode()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **notes})
    with whole_file(path) as part:
        pq.write_table(table, part, compression="zstd")


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


def read_table(path: Path) -> tuple[pd.DataFrame, Provenance | None]:
    """Read a Parquet table and, if radpipe wrote it, what made it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of (DataFrame, Provenance or None)
        The table and its provenance.

    Raises
    ------
    TableError
        The file is not Parquet, or of a newer layout.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            "cannot read the table", where=str(path), found=error, expected="a Parquet file"
        ) from error
    note = (table.schema.metadata or {}).get(_METADATA_KEY)
    provenance = None if note is None else Provenance(**json.loads(note))
    if provenance is not None and provenance.schema > SCHEMA_VERSION:
        raise TableError(
            "the table was written by a newer radpipe",
            where=str(path),
            found=f"layout {provenance.schema}",
            expected=f"at most {SCHEMA_VERSION}",
            remedy="update radpipe",
        )
    return table.to_pandas(), provenance
