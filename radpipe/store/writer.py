"""A run directory, to be written: what it holds already, and its tables brought up to date."""

from __future__ import annotations

import re
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
import pyarrow as pa

from radpipe.errors import RunError
from radpipe.store.files import (
    is_part,
    making_directory,
    remove_parts,
    whole_file,
    whole_folder,
    write_json,
)
from radpipe.store.frames import (
    Entry,
    diagnostics_frame,
    failure_frame,
    feature_table,
    gathered,
    key_frame,
    stacked,
)
from radpipe.store.held import HeldRows
from radpipe.store.inputs import InputFile
from radpipe.store.lock import HOLDER, LOCK, MARKER, sole_writer
from radpipe.store.rows import Row, writing_to
from radpipe.store.run import FINISHED, RUNNING, Run
from radpipe.store.table import (
    MASK_VOLUME,
    Provenance,
    read_columns,
    read_table,
    write_table,
)

Floats = npt.NDArray[np.float64]
# Written at most every so often, and never for more than a twentieth of the time.
_INTERVAL_S, _SHARE = 60.0, 20.0
_TABLES = ("features.parquet", "diagnostics.parquet", "failures.parquet", "features.csv")
_EARLIER = re.compile(r"earlier-(\d+)")


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
        known, self.labels = run.known_files()
        # Failures stay for long: what was found since then is newer.
        found = {each.path: each for failed in self.failures.values() for each in failed.inputs}
        self.files = found | known
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
        names = [_EARLIER.fullmatch(place.name) for place in self.run.path.iterdir()]
        number = 1 + max((int(name[1]) for name in names if name), default=0)
        folder = self.run.path / f"earlier-{number}"
        with writing_to(folder), whole_folder(folder) as part:
            for name in (*_TABLES, self.run.facts_path.name):
                if (self.run.path / name).is_file():
                    with whole_file(part / name) as copy:
                        shutil.copy2(self.run.path / name, copy)
        return folder

    def forget(self) -> None:
        """Drop every row: all will be computed again."""
        with writing_to(self.run.path):
            for name in _TABLES:
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

        Raises
        ------
        RunError
            The disk is full, or a row of this command is gone from it.
        """
        started = time.monotonic()
        done = [entry for entry in entries if entry.row_key in self.rows]
        failed = [entry for entry in entries if entry.row_key not in self.rows]
        keys = [entry.row_key for entry in done]
        with writing_to(self.run.path):
            features, diagnostics = self._tables(done, [MASK_VOLUME, *columns], key_columns)
            self.run.csv_path.unlink(missing_ok=True)
            write_table(self.run.features_path, features, provenance, keys)
            write_table(self.run.diagnostics_path, diagnostics, provenance, keys)
            write_table(self.run.failures_path, failure_frame(failed, self.failures), provenance)
            self.write_files()
            self._hold(set(keys))
        self._last, self._cost = time.monotonic(), time.monotonic() - started
        return {"cases": len(entries), "rows": len(done), "failures": len(failed)}

    def finish(self, provenance: Provenance, facts: dict[str, Any], *, csv: bool = False) -> None:
        """Say in ``run.json`` that the run came to its end, and remove what only served it.

        Parameters
        ----------
        provenance : Provenance
            What decided the values.
        facts : dict
            Further entries.
        csv : bool
            Write the feature table as text, too; one of before is gone since it was replaced.
        """
        if csv:
            with writing_to(self.run.path), whole_file(self.run.csv_path) as part:
                read_table(self.run.features_path)[0].to_csv(part, index=False)
        self._write_facts({**asdict(provenance), **facts, "state": FINISHED})
        shutil.rmtree(self.run.attempts_path, ignore_errors=True)
        with suppress(OSError):
            # Unless it holds failures.
            self.run.rows.path.rmdir()

    def _tables(
        self, done: Sequence[Entry], names: Sequence[str], key_columns: Sequence[str]
    ) -> tuple[pa.Table, pd.DataFrame]:
        """Bring together what tables hold and what lies in single files."""
        keys = [entry.row_key for entry in done]
        kept = self._held.keys.intersection(keys)
        fresh = sorted(set(keys) - kept)
        values, told = self._single_rows(fresh, names)
        single = (pa.chunked_array([pa.array(each, from_pandas=True)]) for each in values)
        sources: list[Iterable[pa.ChunkedArray]] = [single]
        if kept:
            sources.insert(0, read_columns(self.run.features_path, names))
            told = stacked([self._held.told(kept), told])
        listed = [*(self._held.listed if kept else ()), *fresh]
        places = {key: place for place, key in enumerate(listed)}
        numbers = gathered(sources, [places[key] for key in keys])
        named = key_frame([entry.keys for entry in done], key_columns)
        return feature_table(named, names, numbers), diagnostics_frame(done, told)

    def _single_rows(
        self, keys: Sequence[str], names: Sequence[str]
    ) -> tuple[Floats, pd.DataFrame]:
        """Read rows one by one: numbers, a column each, and what is told of them."""
        values = np.empty((len(names), len(keys)))
        told = []
        for place, key in enumerate(keys):
            row = self.run.rows.row(key)
            if row is None:
                raise self._gone(key)
            values[:, place] = [row.features[name] for name in names]
            told.append(self._facts_of(key, row))
        return values, pd.DataFrame(told, index=list(keys))

    def _gone(self, key: str) -> RunError:
        self.rows.discard(key)
        return RunError(
            "a finished row is gone from the run directory",
            where=str(self.run.rows.path),
            found=f"no {key}.json that can be read",
            expected="a folder that nothing but radpipe writes to",
            remedy="give the same command again: it computes the row again",
        )

    def _hold(self, keys: set[str]) -> None:
        """Take up what the tables hold now; rows that only the old ones held are gone."""
        self.rows -= self._held.keys - keys
        self._held = HeldRows(self.run)
        self.run.rows.drop(keys)

    def _facts_of(self, key: str, row: Row) -> dict[str, Any]:
        picture = self.run.picture_path(key)
        place = picture.relative_to(self.run.path).as_posix() if picture.is_file() else ""
        return {"picture": place, **row.diagnostics}

    def write_files(self) -> None:
        """Keep what is known of the input files."""
        states = {
            path: [each.size, each.mtime_ns, each.ctime_ns, each.inode, each.sha256]
            for path, each in sorted(self.files.items())
        }
        write_json(self.run.files_path, {"files": states, "labels": self.labels}, dense=True)

    def _write_facts(self, facts: dict[str, Any]) -> None:
        with writing_to(self.run.path):
            write_json(self.run.facts_path, facts)


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
    with held_run(path) as run:
        _furnish(run)
        try:
            yield RunWriter(run)
        finally:
            if not run.exists():
                _clear(run)


@contextmanager
def held_run(path: str | Path) -> Iterator[Run]:
    """Make or take up a directory for a run, and hold it.

    Parameters
    ----------
    path : str or Path
        A run of before, finished or not, or a new or empty directory.

    Yields
    ------
    Run
        It; a directory to which nothing was written is gone afterwards.

    Raises
    ------
    RunError
        It holds other files than a run's, cannot be made, or another process writes to it.
    """
    run = Run(Path(path))
    _make(run)
    try:
        with sole_writer(run.path):
            yield run
    finally:
        _remove_bare(run.path)


def _furnish(run: Run) -> None:
    with writing_to(run.path):
        shutil.rmtree(run.attempts_path, ignore_errors=True)
        for folder in (run.qc_path, run.rows.path, run.attempts_path):
            folder.mkdir(exist_ok=True)
        for folder in (run.path, run.qc_path, run.rows.path, run.patches.path):
            remove_parts(folder)
    run.log.add("preparing")


def _clear(run: Run) -> None:
    """Leave nothing of a run that was refused before it began."""
    run.log.path.unlink(missing_ok=True)
    for folder in (run.qc_path, run.rows.path, run.attempts_path):
        with suppress(OSError):
            folder.rmdir()


def _remove_bare(path: Path) -> None:
    """Remove a directory of which only the lock is left, now that it is not held."""
    with suppress(OSError):
        if {place.name for place in path.iterdir()} <= {LOCK}:
            (path / LOCK).unlink(missing_ok=True)
            path.rmdir()


def _make(run: Run) -> None:
    # A command killed at its very start leaves these and no run.json.
    ours = {LOCK, MARKER, HOLDER, "rows", "qc", "attempts", "run.log"}
    # And one that embeds makes these and no run.json.
    ours |= {"patches", *(path.name for path in run.embedded_paths)}
    with making_directory(run.path):
        run.path.mkdir(parents=True, exist_ok=True)
        foreign = not run.exists() and any(
            place.name not in ours and not is_part(place) for place in run.path.iterdir()
        )
    if foreign:
        raise RunError(
            "the output directory is not empty, and no run",
            where=str(run.path),
            expected="a new or empty directory, or a run to go on with",
            remedy="name another one with --out",
        )
