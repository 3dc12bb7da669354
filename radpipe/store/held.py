"""The rows that a run's tables hold, by row key."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa

from radpipe.store.run import Run
from radpipe.store.table import read_row_keys, read_table

log = logging.getLogger("radpipe")


class HeldRows:
    """The rows of the feature table that have their diagnostics.

    Parameters
    ----------
    run : Run
        The run.

    Attributes
    ----------
    listed : list of str
        Row keys of the feature table.
    keys : set of str
        Those that stand in the table of diagnostics too: a killed command may have replaced one
        of two tables.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.listed = _keys(run.features_path)
        self.keys = set(self.listed) & set(_keys(run.diagnostics_path))

    def told(self, wanted: set[str]) -> pd.DataFrame:
        """Read diagnostics.

        Parameters
        ----------
        wanted : set of str
            Row keys, all of them among ``keys``.

        Returns
        -------
        DataFrame
            Indexed by row key.
        """
        table = read_table(self._run.diagnostics_path)[0]
        chosen = table[table["row_key"].isin(wanted)].drop_duplicates("row_key")
        return chosen.set_index("row_key")


def _keys(path: Path) -> list[str]:
    try:
        return read_row_keys(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        log.warning("%s cannot be read, its rows are computed again: %s", path, error)
        return []
