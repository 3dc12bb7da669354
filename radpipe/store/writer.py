"""A run directory, to be written: what it holds already, and its tables brought up to date."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from radpipe.errors import RunError
from radpipe.store.files import is_part, read_json, remove_parts, write_json
from radpipe.store.frames import (
    Entry,
    diagnostics_frame,
    failure_frame,
    feature_frame,
)
from radpipe.store.held import HeldRows
from radpipe.store.inputs import InputFile
from radpipe.store.lock import HOLDER, LOCK, sole_writer
from radpipe.store.rows import Row, writing_to
from radpipe.store.run import FINISHED, RUNNING, Run
from radpipe.store.table import MASK_VOLUME, Provenance, write_table

log = logging.getLogger("radpipe")
Floats = npt.NDArray[np.float64]
# Written at most every so often, and never for more than a twentieth of the time.
_INTERVAL_S, _SHARE = 60.0, 20.0
_TABLES = ("features.parquet", "diagnostics.parquet", "failures.parquet", "run.json")


class RunWriter:
    """A run directory that this process alone writes to, its workers' rows apart.

    Parameters
    ----------
    run : Run
        An existing directory, held by :func:`~radpipe.store.lock.sole_writer`.

    Attributes
    ----------
    rows : set of str
        Keys of the rows that the run holds.
    failures : dict of str to Failure
        Failed cases by row key.
    files : dict of str to InputFile
        Input files by path, as they were last hashed.
    labels : dict of str to list of int
        Labels of masks by their hash and channel.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._held = HeldRows(run)
        self.rows = set(self._held.keys)
        self.failures = dict(run.rows.failures())
        self.files, self.labels = _known_files(run)
        for key, row in run.rows.rows():
            self.rows.add(key)
            self.learn(row.inputs)
        self._last, self._cost = time.monotonic(), 0.0

    def set_aside(self) -> Path:
        """Copy the tables into a folder of their own, since this command will replace them.

        Returns
        -------
        Path
            The folder.
        """
        number = 1 + sum(1 for _ in self.run.path.glob("earlier-*"))
        folder = self.run.path / f"earlier-{number}"
        with writing_to(folder):
            folder.mkdir()
            for name in _TABLES:
                if (self.run.path / name).is_file():
                    shutil.copy2(self.run.path / name, folder / name)
        return folder

    def start_afresh(self) -> None:
        """Drop every row, the tables once copied aside: all will be computed again."""
        if self.run.features_path.is_file():
            self.set_aside()
        for name in _TABLES[:3]:
            (self.run.path / name).unlink(missing_ok=True)
        self.run.rows.clear()
        self._held = HeldRows(self.run)
        self.rows, self.failures = set(), {}

    def is_missing(self, row_keys: Iterable[str]) -> bool:
        """Tell whether tables hold rows that are not among these.

        Parameters
        ----------
        row_keys : iterable of str
            The rows that the tables will hold.

        Returns
        -------
        bool
            Whether a row would be lost.
        """
        unnamed = not self._held.listed and self.run.features_path.is_file()
        return unnamed or not set(self._held.listed) <= set(row_keys)

    def start(self, provenance: Provenance, facts: dict[str, Any]) -> None:
        """Say in ``run.json`` that the run is being written.

        Parameters
        ----------
        provenance : Provenance
            What decides the values.
        facts : dict
            Further entries.
        """
        self._write_facts({**asdict(provenance), **facts, "state": RUNNING})

    def learn(self, inputs: Iterable[InputFile]) -> None:
        """Remember files as they were hashed.

        Parameters
        ----------
        inputs : iterable of InputFile
            The files.
        """
        self.files |= {each.path: each for each in inputs}

    def due(self) -> bool:
        """Tell whether it is time to bring the tables up to date.

        Returns
        -------
        bool
            At most once a minute, and for at most a twentieth of the time.
        """
        return time.monotonic() - self._last > max(_INTERVAL_S, _SHARE * self._cost)

    def write_tables(
        self,
        entries: Sequence[Entry],
        columns: Sequence[str],
        key_columns: Sequence[str],
        provenance: Provenance,
    ) -> dict[str, int]:
        """Bring the three tables up to date, then drop the single rows that they hold.

        Parameters
        ----------
        entries : sequence of Entry
            All cases that are done or failed, in the manifest's order.
        columns : sequence of str
            Planned feature columns, in order; all are written, also where no case gave one.
        key_columns : sequence of str
            ``case_id`` … and the manifest's further columns, in order.
        provenance : Provenance
            What decided the values.

        Returns
        -------
        dict of str to int
            How many ``cases``, ``rows``, ``failures`` the tables hold.
        """
        started = time.monotonic()
        done = [entry for entry in entries if entry.row_key in self.rows]
        failed = [entry for entry in entries if entry.row_key not in self.rows]
        wanted = {entry.row_key for entry in done}
        keys = [entry.row_key for entry in done]
        with writing_to(self.run.path):
            values, told = self._rows(wanted, columns)
            write_table(
                self.run.features_path, feature_frame(done, values, key_columns), provenance, keys
            )
            write_table(self.run.diagnostics_path, diagnostics_frame(done, told), provenance, keys)
            write_table(self.run.failures_path, failure_frame(failed, self.failures), provenance)
            self.write_files()
            self._held = HeldRows(self.run)
            self.run.rows.drop(wanted)
        self._last, self._cost = time.monotonic(), time.monotonic() - started
        return {"cases": len(entries), "rows": len(done), "failures": len(failed)}

    def finish(self, provenance: Provenance, facts: dict[str, Any]) -> None:
        """Say in ``run.json`` that the run came to its end, and remove what only served it.

        Parameters
        ----------
        provenance : Provenance
            What decided the values.
        facts : dict
            Further entries.
        """
        self._write_facts({**asdict(provenance), **facts, "state": FINISHED})
        shutil.rmtree(self.run.attempts_path, ignore_errors=True)
        if not any(self.run.rows.path.iterdir()):
            self.run.rows.path.rmdir()

    def _rows(
        self, wanted: set[str], columns: Sequence[str]
    ) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
        """Bring together what tables hold and what lies in single files, read one by one."""
        kept = wanted & self._held.keys
        names = [MASK_VOLUME, *columns]
        told = self._held.told(kept)
        numbers: dict[str, Floats] = {}
        for key in wanted - kept:
            if row := self.run.rows.row(key):
                numbers[key] = np.array([row.features[name] for name in names])
                told[key] = self._facts_of(key, row)
        fresh = pd.DataFrame.from_dict(numbers, orient="index", columns=names, dtype="float64")
        return pd.concat([self._held.values(kept, names), fresh]) if kept else fresh, told

    def _facts_of(self, key: str, row: Row) -> dict[str, Any]:
        picture = self.run.picture_path(key)
        place = picture.relative_to(self.run.path).as_posix() if picture.is_file() else ""
        return {"picture": place, **row.diagnostics}

    def write_files(self) -> None:
        """Keep what is known of the input files."""
        states = {
            path: [each.size, each.mtime_ns, each.inode, each.sha256]
            for path, each in sorted(self.files.items())
        }
        write_json(self.run.files_path, {"files": states, "labels": self.labels}, dense=True)

    def _write_facts(self, facts: dict[str, Any]) -> None:
        with writing_to(self.run.path):
            write_json(self.run.facts_path, facts)


def _known_files(run: Run) -> tuple[dict[str, InputFile], dict[str, list[int]]]:
    try:
        content = read_json(run.files_path)
        files = {path: InputFile(path, *state) for path, state in content["files"].items()}
        return files, content["labels"]
    except FileNotFoundError:
        return {}, {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read, all files are hashed again: %s", run.files_path, error)
        return {}, {}


@contextmanager
def writer_of(path: str | Path) -> Iterator[RunWriter]:
    """Make or take up a run directory, and hold it.

    Parameters
    ----------
    path : str or Path
        A run of before, finished or not, or a new or empty directory.

    Yields
    ------
    RunWriter
        To write with.

    Raises
    ------
    RunError
        It holds other files than a run's, cannot be made, or another process writes to it.
    """
    run = Run(Path(path))
    _make(run)
    with sole_writer(run.path):
        with writing_to(run.path):
            shutil.rmtree(run.attempts_path, ignore_errors=True)
            for folder in (run.qc_path, run.rows.path, run.attempts_path):
                folder.mkdir(exist_ok=True)
            remove_parts(run.path)
            remove_parts(run.rows.path)
        try:
            yield RunWriter(run)
        finally:
            if not run.exists():
                _unmake(run)


def _unmake(run: Run) -> None:
    """Leave nothing of a run that was refused before it began."""
    for name in (HOLDER, LOCK):
        (run.path / name).unlink(missing_ok=True)
    for folder in (run.qc_path, run.rows.path, run.attempts_path, run.path):
        with suppress(OSError):
            folder.rmdir()


def _make(run: Run) -> None:
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        # A command killed at its very start leaves these and no run.json.
        ours = {LOCK, HOLDER, "rows", "qc", "attempts", "run.log"}
        foreign = not run.exists() and any(
            place.name not in ours and not is_part(place) for place in run.path.iterdir()
        )
    except OSError as error:
        raise RunError(
            "cannot make the output directory",
            where=str(run.path),
            found=error.strerror,
            remedy="name another one with --out",
        ) from error
    if foreign:
        raise RunError(
            "the output directory is not empty, and no run",
            where=str(run.path),
            expected="a new or empty directory, or a run to go on with",
            remedy="name another one with --out",
        )
