"""The run directory of an extraction.

::

    RUN/
      features.parquet      one row a case
      diagnostics.parquet   one row a case: its inputs, and what the engine says about it
      failures.parquet      one row a failed case
      run.json              settings, versions, counts, state
      run.log               what happened, one JSON object a line
      qc/                   one overlay picture a case
      rows/                 finished rows that are in no table yet
      files.json            hashes of the input files, so that unchanged ones are not read again
      earlier-N/            tables that a later command replaced
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.errors import RunError
from radpipe.store.files import read_json
from radpipe.store.log import RunLog
from radpipe.store.rows import RowFolder
from radpipe.store.table import Provenance, read_table

if TYPE_CHECKING:
    import pandas as pd

FINISHED, RUNNING = "finished", "running"


class Run:
    """A run directory, to be read.

    Parameters
    ----------
    path : Path
        The directory. Nothing is read until a method asks for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def features_path(self) -> Path:
        """The feature table."""
        return self.path / "features.parquet"

    @property
    def diagnostics_path(self) -> Path:
        """The table of inputs and diagnostics."""
        return self.path / "diagnostics.parquet"

    @property
    def failures_path(self) -> Path:
        """The table of failed cases."""
        return self.path / "failures.parquet"

    @property
    def facts_path(self) -> Path:
        """Settings, versions, counts, state."""
        return self.path / "run.json"

    @property
    def files_path(self) -> Path:
        """What is known of the input files."""
        return self.path / "files.json"

    @property
    def qc_path(self) -> Path:
        """The folder of overlay pictures."""
        return self.path / "qc"

    @property
    def attempts_path(self) -> Path:
        """The folder of marks that workers leave while they work."""
        return self.path / "attempts"

    @property
    def rows(self) -> RowFolder:
        """Rows that are in no table yet."""
        return RowFolder(self.path / "rows")

    @property
    def log(self) -> RunLog:
        """What happened."""
        return RunLog(self.path / "run.log")

    def picture_path(self, row_key: str) -> Path:
        """Return where the overlay of a row lies.

        Parameters
        ----------
        row_key : str
            The row; a case_id may hold characters that a file name may not.

        Returns
        -------
        Path
            A PNG file.
        """
        return self.qc_path / f"{row_key}.png"

    def exists(self) -> bool:
        """Tell whether the directory is a run, finished or not.

        Returns
        -------
        bool
            Whether it has a ``run.json``.
        """
        return self.facts_path.is_file()

    def state(self) -> str:
        """Tell whether the last command came to its end.

        Returns
        -------
        str
            ``finished`` or ``running``, as the last command left it.

        Raises
        ------
        RunError
            The directory is no run.
        """
        return str(self._facts().get("state", FINISHED))

    def features(self) -> tuple[pd.DataFrame, Provenance | None]:
        """Read the feature table.

        Returns
        -------
        tuple of (DataFrame, Provenance or None)
            One row a case, and what made it.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return read_table(self.features_path)

    def failures(self) -> pd.DataFrame:
        """Read the failed cases.

        Returns
        -------
        DataFrame
            Keys, ``stage``, ``error``, ``message``, ``remedy``, ``row_key``, and the
            inputs' paths and hashes.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return read_table(self.failures_path)[0]

    def diagnostics(self) -> pd.DataFrame:
        """Read what the cases were made from, and what the engine says about them.

        Returns
        -------
        DataFrame
            One row a case.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return read_table(self.diagnostics_path)[0]

    def facts(self) -> dict[str, Any]:
        """Read ``run.json``.

        Returns
        -------
        dict
            Settings, versions, counts, times.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return self._facts()

    def seconds(self) -> dict[str, float]:
        """Tell how long each row took; not in a table, whose bytes the values alone decide.

        Returns
        -------
        dict of str to float
            Wall time by row key, as the log has it.
        """
        return {
            event["row_key"]: float(event["seconds"])
            for event in self.log.events()
            if event["event"] == "done"
        }

    def _facts(self) -> dict[str, Any]:
        if not self.exists():
            raise RunError(
                "no run in this directory",
                where=str(self.path),
                found="no run.json" if self.path.is_dir() else "no such directory",
                expected="a directory that `radpipe extract --out` made",
            )
        facts: dict[str, Any] = read_json(self.facts_path)
        return facts

    def _require_finished(self) -> None:
        if self.state() != FINISHED:
            raise RunError(
                "the run is not finished",
                where=str(self.path),
                expected="a run that came to its end",
                remedy="give the same `radpipe extract` command again: it does what is missing",
            )
