"""What lies on disk: the run directory and the Parquet table between the two wings."""

from radpipe.store.frames import Entry
from radpipe.store.inputs import InputFile
from radpipe.store.rows import Failure, Row, row_key
from radpipe.store.run import Run
from radpipe.store.table import (
    KEY_COLUMNS,
    MASK_VOLUME,
    Provenance,
    read_table,
    write_table,
)
from radpipe.store.writer import RunWriter, writer_of

__all__ = [
    "KEY_COLUMNS",
    "MASK_VOLUME",
    "Entry",
    "Failure",
    "InputFile",
    "Provenance",
    "Row",
    "Run",
    "RunWriter",
    "read_table",
    "row_key",
    "write_table",
    "writer_of",
]
