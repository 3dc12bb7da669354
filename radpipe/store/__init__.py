"""What lies on disk: the run directory and the Parquet table between the two wings."""

from radpipe.store.run import Failure, Row, Run
from radpipe.store.table import (
    KEY_COLUMNS,
    MASK_VOLUME,
    Provenance,
    read_table,
    write_table,
)

__all__ = [
    "KEY_COLUMNS",
    "MASK_VOLUME",
    "Failure",
    "Provenance",
    "Row",
    "Run",
    "read_table",
    "write_table",
]
