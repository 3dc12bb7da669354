"""The Parquet feature table: the only bridge between the image wing and the table wing."""

from __future__ import annotations

import json
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


def write_table(path: Path, frame: pd.DataFrame, provenance: Provenance | None = None) -> None:
    """Write a table to Parquet, whole or not at all.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    frame : DataFrame
        The table; its index is not kept.
    provenance : Provenance, optional
        Stands in the file's own metadata, so that a copied file still tells where it is from.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = frame.copy(deep=False)
    plain.attrs = {}
    table = pa.Table.from_pandas(plain, preserve_index=False)
    if provenance is not None:
        note = {_METADATA_KEY: json.dumps(asdict(provenance), sort_keys=True).encode()}
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **note})
    with whole_file(path) as part:
        pq.write_table(table, part, compression="zstd")


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
