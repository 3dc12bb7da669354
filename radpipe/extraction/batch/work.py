"""Units given to workers, and what comes back; failures are decided about here."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from radpipe.errors import OutOfMemoryError, WorkerDiedError
from radpipe.extraction.batch.alone import run_alone
from radpipe.extraction.batch.attempt import TIMED_OUT, Guard
from radpipe.extraction.batch.job import Outcome, Suspect, failure_of, hash_of, run_job
from radpipe.extraction.batch.ledger import Ledger
from radpipe.extraction.batch.memory import Need, need_by_rois, needs_by_headers
from radpipe.extraction.batch.plan import Job, Plan, Unit, jobs_of, one_by_one, paths_of
from radpipe.parallel import Pool
from radpipe.progress import Step, progress_bar
from radpipe.store import InputFile

# Jobs whose headers a worker reads at a stretch.
_HEADERS = 50
_MB = 1e6


def hashed(paths: Sequence[str], pool: Pool, guard: Guard, progress: bool) -> dict[str, InputFile]:
    """Hash files on the pool's workers.

    Parameters
    ----------
    paths : sequence of str
        The files; one that cannot be read is left out, its case will say why.
    pool : Pool
        Where.
    guard : Guard
        Ends a file that is never read.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    dict of str to InputFile
        By path.
    """
    found = {}
    there = [Path(path) for path in paths]
    with progress_bar("hashing", len(there), progress and bool(there)) as step:
        for _, outcome in pool.as_done(partial(guard.call, hash_of), there):
            if isinstance(outcome, InputFile):
                found[outcome.path] = outcome
            step()
    return found


def compute(
    plan: Plan,
    ledgers: Sequence[Ledger],
    units: Sequence[Unit],
    files: Mapping[str, InputFile],
    pool: Pool,
    progress: bool,
) -> None:
    """Compute units, the largest first, and enter each outcome in its ledger.

    Parameters
    ----------
    plan : Plan
        What all jobs have in common.
    ledgers : sequence of Ledger
        One a run.
    units : sequence of Unit
        What is to be computed.
    files : mapping of str to InputFile
        What is known of the input files.
    pool : Pool
        Where.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    RunError
        The run directory cannot be written to, or the scheduler is gone.
    """
    jobs = jobs_of(units)
    needs = _needs(plan, jobs, pool, progress)
    # A mask that can never fit must not take along the others of its image.
    jobs = [part for job, need in zip(jobs, needs, strict=True) for part in _parts(plan, job, need)]
    if len(jobs) > len(needs):
        needs = _needs(plan, jobs, pool, progress)
    with progress_bar(plan.targets[0].recipe.doing, len(units), progress) as step:
        book = _Book(ledgers, step)
        jobs, needs = _fitting(plan, jobs, needs, pool, book)
        suspects = _first_attempts(plan, jobs, needs, pool, book)
        _second_attempts(plan, suspects, files, pool, book)


class _Book:
    """Enters outcomes, and shows them."""

    def __init__(self, ledgers: Sequence[Ledger], step: Step) -> None:
        self._ledgers = ledgers
        self._step = step
        self._failed = 0

    def fail(self, unit: Unit, error: Exception, files: Mapping[str, InputFile]) -> None:
        self._ledgers[unit.target].fail(unit.place, failure_of(error, {}), files)
        self._count(failed=True)

    def take(self, outcome: Outcome) -> None:
        ledger = self._ledgers[outcome.unit.target]
        ledger.take(outcome)
        if ledger.writer.due():
            ledger.write()
        self._count(failed=outcome.failure is not None)

    def suspect(self, each: Suspect) -> None:
        self._ledgers[each.unit.target].suspect(each)

    def _count(self, failed: bool) -> None:
        self._failed += failed
        self._step(f"{self._failed} failed")


def _needs(plan: Plan, jobs: list[Job], pool: Pool, progress: bool) -> list[Need]:
    """Estimate what each job takes: from headers, and where that is too much, from its ROIs."""
    if not plan.watched:
        return [Need(0, 0)] * len(jobs)
    guard = Guard(plan.attempts_path, plan.timeout_s)
    parts = [jobs[start : start + _HEADERS] for start in range(0, len(jobs), _HEADERS)]
    needs = [Need(0, 0)] * len(jobs)
    with progress_bar("reading headers", len(jobs), progress) as step:
        for place, found in pool.as_done(
            partial(guard.call, partial(needs_by_headers, plan)), parts
        ):
            if not isinstance(found, Exception):
                needs[place * _HEADERS : place * _HEADERS + len(found)] = found
            step(done=len(parts[place]))
    share = sys.maxsize if plan.memory is None else plan.memory // plan.share
    large = [
        place
        for place, need in enumerate(needs)
        if need.expected > share and need.least <= (plan.memory or sys.maxsize)
    ]
    sizes = [needs[place].least for place in large]
    with progress_bar("reading masks", len(large), progress and bool(large)) as step:
        measured = partial(guard.call, partial(need_by_rois, plan))
        for place, need in pool.as_done(measured, [jobs[place] for place in large], sizes):
            if isinstance(need, Need):
                needs[large[place]] = need
            step()
    return needs


def _parts(plan: Plan, job: Job, need: Need) -> list[Job]:
    return one_by_one(job) if _is_too_large(plan, need) else [job]


def _is_too_large(plan: Plan, need: Need) -> bool:
    return plan.memory is not None and need.least > plan.memory


def _fitting(
    plan: Plan, jobs: list[Job], needs: list[Need], pool: Pool, book: _Book
) -> tuple[list[Job], list[Need]]:
    """Let what can never fit fail with the figure, its pixels unread."""
    pairs = list(zip(jobs, needs, strict=True))
    refused = [(job, need) for job, need in pairs if _is_too_large(plan, need)]
    paths = {
        path for job, _ in refused for unit in job.units for path in paths_of(unit.case).values()
    }
    files = hashed(sorted(paths), pool, Guard(plan.attempts_path, plan.timeout_s), progress=False)
    for job, need in refused:
        error = OutOfMemoryError(
            "the case can never fit into the memory",
            found=f"at least {need.least / _MB:.0f} MB by its header",
            expected=f"at most {(plan.memory or 0) / _MB:.0f} MB",
            remedy="give more with --memory, or crop the image",
        )
        for unit in job.units:
            book.fail(unit, error, files)
    kept = [pair for pair in pairs if not _is_too_large(plan, pair[1])]
    return [job for job, _ in kept], [need for _, need in kept]


def _first_attempts(
    plan: Plan, jobs: list[Job], needs: list[Need], pool: Pool, book: _Book
) -> list[tuple[Suspect, int]]:
    suspects: list[tuple[Suspect, int]] = []
    sizes = [need.expected for need in needs]
    for place, outcomes in pool.as_done(partial(run_job, plan), jobs, sizes):
        if isinstance(outcomes, WorkerDiedError):
            outcomes = [Suspect(unit, str(outcomes)) for unit in jobs[place].units]
        if isinstance(outcomes, Exception):
            raise outcomes
        for outcome in outcomes:
            if isinstance(outcome, Suspect):
                book.suspect(outcome)
                suspects.append((outcome, sizes[place]))
            else:
                book.take(outcome)
    return suspects


def _second_attempts(
    plan: Plan,
    suspects: list[tuple[Suspect, int]],
    files: Mapping[str, InputFile],
    pool: Pool,
    book: _Book,
) -> None:
    units = [suspect.unit for suspect, _ in suspects]
    # Only of those whose time was up is it known that they did not end for want of memory.
    sizes = [
        size if suspect.why.startswith(TIMED_OUT) else plan.memory or size
        for suspect, size in suspects
    ]
    for place, outcome in pool.as_done(partial(run_alone, plan), units, sizes):
        if isinstance(outcome, WorkerDiedError):
            book.fail(units[place], outcome, files)
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            book.take(outcome)
