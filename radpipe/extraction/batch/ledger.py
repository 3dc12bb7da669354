"""One parameter file's run: which of its cases are done, and its tables."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from radpipe.cohort import Case
from radpipe.errors import RunError
from radpipe.extraction.batch.job import Outcome, Suspect
from radpipe.extraction.batch.plan import Target, inputs_of
from radpipe.store import KEY_COLUMNS, Entry, Failure, InputFile, RunWriter

log = logging.getLogger("radpipe")


@dataclass(frozen=True)
class Summary:
    """What a command did to one run.

    Attributes
    ----------
    run, features : str
        The directory and its feature table.
    cases, rows, failures : int
        What the tables hold.
    reused, computed : int
        Rows that were there before, and that this command made.
    seconds : float
        Wall time of the command.
    """

    run: str
    features: str
    cases: int
    rows: int
    failures: int
    reused: int
    computed: int
    seconds: float


class Ledger:
    """The cases of one run, and what became of each.

    Parameters
    ----------
    writer : RunWriter
        The run.
    target : Target
        What is made of each case.
    cases : sequence of Case
        In the manifest's order, every ROI its own.
    facts : dict
        What ``run.json`` says besides.
    """

    def __init__(
        self,
        writer: RunWriter,
        target: Target,
        cases: Sequence[Case],
        facts: dict[str, Any],
    ) -> None:
        self.writer = writer
        self.target = target
        self._provenance = target.recipe.provenance
        self._cases = cases
        self._facts = {**facts, **target.recipe.facts()}
        self._entries: dict[int, Entry] = {}
        self._reused = 0
        self._started = time.perf_counter()

    def take_up(
        self, files: Mapping[str, InputFile], retry_failed: bool, fresh: bool, workers: str
    ) -> list[int]:
        """Compare the cases with what the run holds, and say in the run that it is being written.

        Parameters
        ----------
        files : mapping of str to InputFile
            What is known of the input files, by path.
        retry_failed : bool
            Whether failed cases are to be computed again.
        fresh : bool
            Whether all are.
        workers : str
            Where.

        Returns
        -------
        list of int
            Places of the cases to be computed.
        """
        keys = [self.target.key_of(case, files) for case in self._cases]
        if self.writer.is_missing([] if fresh else keys):
            folder = self.writer.set_aside()
            self.writer.run.log.add("set aside", folder=folder.name)
            log.warning(
                "%s held rows that this command does not make (other settings, images or cases): "
                "its tables are kept in %s",
                self.writer.run.path,
                folder,
            )
        self._facts["started"] = datetime.now(UTC).isoformat(timespec="seconds")
        self.writer.start(self._provenance, {**self._facts, "cases": len(self._cases)})
        if fresh:
            self.writer.forget()
        todo = []
        for place, (case, key) in enumerate(zip(self._cases, keys, strict=True)):
            if self._has(key) or (key in self.writer.failures and not retry_failed):
                self._enter(place, case, key, files)
            else:
                todo.append(place)
        self._reused = sum(entry.row_key in self.writer.rows for entry in self._entries.values())
        self.writer.run.log.add(
            "started",
            cases=len(self._cases),
            todo=len(todo),
            reused=self._reused,
            failed=len(self._entries) - self._reused,
            workers=workers,
        )
        return todo

    def fail(self, place: int, failure: Failure, files: Mapping[str, InputFile]) -> None:
        """Enter a case that fails without being computed.

        Parameters
        ----------
        place : int
            Its place.
        failure : Failure
            Why.
        files : mapping of str to InputFile
            What is known of its files.
        """
        case = self._cases[place]
        key = self.target.key_of(case, files)
        self.writer.run.rows.put(key, failure)
        self._fail(case, key, failure)
        self._enter(place, case, key, files)

    def take(self, outcome: Outcome) -> None:
        """Enter what became of a case.

        Parameters
        ----------
        outcome : Outcome
            As a worker gave it.
        """
        case, place = outcome.unit.case, outcome.unit.place
        self.writer.learn(outcome.files.values())
        if outcome.failure is not None:
            self._fail(case, outcome.key, outcome.failure)
        else:
            self.writer.rows.add(outcome.key)
            self.writer.run.log.add(
                "done",
                case_id=case.case_id,
                row_key=outcome.key,
                seconds=round(outcome.seconds, 4),
            )
        self._enter(place, case, outcome.key, outcome.files)

    def suspect(self, suspect: Suspect) -> None:
        """Say in the log that a case is to be tried once more, alone.

        Parameters
        ----------
        suspect : Suspect
            As a worker gave it.
        """
        self.writer.run.log.add("alone", case_id=suspect.unit.case.case_id, why=suspect.why)

    def stopped(self, error: BaseException) -> None:
        """Say in the log why the command ended before its time.

        Parameters
        ----------
        error : BaseException
            What ends it.
        """
        # A full disk, which may be the reason, has no room for this line either.
        with suppress(RunError):
            self.writer.run.log.add("stopped", why=f"{type(error).__name__}: {error}")

    def write(self) -> dict[str, int]:
        """Bring the tables up to date.

        Returns
        -------
        dict of str to int
            What they hold.
        """
        entries = [self._entries[place] for place in sorted(self._entries)]
        further = dict.fromkeys(name for case in self._cases for name in case.extra)
        counts = self.writer.write_tables(
            entries, self.target.recipe.columns, [*KEY_COLUMNS, *further], self._provenance
        )
        self.writer.run.log.add("tables", **counts)
        return counts

    def finish(self, csv: bool) -> Summary:
        """Write the tables, and say that the run came to its end.

        Parameters
        ----------
        csv : bool
            Write the feature table as text, too.

        Returns
        -------
        Summary
            What was done.
        """
        counts = self.write()
        self.writer.run.rows.drop_failures({entry.row_key for entry in self._entries.values()})
        seconds = round(time.perf_counter() - self._started, 3)
        facts = {**self._facts, "cases": len(self._cases), "counts": counts, "seconds": seconds}
        self.writer.finish(self._provenance, facts, csv=csv)
        self.writer.run.log.add("finished", **counts, seconds=seconds)
        run = self.writer.run
        return Summary(
            run=str(run.path),
            features=str(run.features_path),
            **counts,
            reused=self._reused,
            computed=counts["rows"] - self._reused,
            seconds=seconds,
        )

    def _has(self, key: str) -> bool:
        return key in self.writer.rows and self.target.recipe.is_whole(self.writer.run, key)

    def _fail(self, case: Case, key: str, failure: Failure) -> None:
        self.writer.failures[key] = failure
        self.writer.run.log.add(
            "failed", case_id=case.case_id, error=failure.error, message=failure.message
        )

    def _enter(self, place: int, case: Case, key: str, files: Mapping[str, InputFile]) -> None:
        self._entries[place] = Entry(case.keys(), key, inputs_of(case, files))
