"""The rows that a run's tables hold, by row key."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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

    def values(self, wanted: set[str], columns: Sequence[str]) -> pd.DataFrame:
        """Read numbers.

        Parameters
        ----------
        wanted : set of str
            Row keys, all of them among ``keys``.
        columns : sequence of str
            Which.

        Returns
        -------
        DataFrame
            Indexed by row key.
        """
        if not wanted:
            return pd.DataFrame(columns=list(columns), dtype="float64")
        table = read_table(self._run.features_path)[0]
        table.index = pd.Index(self.listed)
        chosen = table.index.isin(wanted) & ~table.index.duplicated()
        return table.loc[chosen, list(columns)]

    def told(self, wanted: set[str]) -> dict[str, dict[str, Any]]:
        """Read diagnostics.

        Parameters
        ----------
        wanted : set of str
            Row keys, all of them among ``keys``.

        Returns
        -------
        dict of str to dict
            By row key; cells without content are left out.
        """
        if not wanted:
            return {}
        table = read_table(self._run.diagnostics_path)[0].drop(columns="case_id")
        return {
            record["row_key"]: {
                str(name): cell for name, cell in record.items() if not pd.isna(cell)
            }
            for record in table.to_dict("records")
            if record["row_key"] in wanted
        }


def _keys(path: Path) -> list[str]:
    try:
        return read_row_keys(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        log.warning("%s cannot be read, its rows are computed again: %s", path, error)
        return []
