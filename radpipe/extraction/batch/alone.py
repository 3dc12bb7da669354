"""A suspect is tried once more in a process of its own, which tells how it ended.

Run as ``python -m radpipe.extraction.batch.alone TASK ANSWER PID`` by :func:`run_alone` only.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import psutil

from radpipe.errors import ImageError, OutOfMemoryError, TimedOutError, WorkerDiedError
from radpipe.extraction.batch.attempt import TIMED_OUT, Attempt, place_in
from radpipe.extraction.batch.job import Outcome, Suspect, failure_of, hash_of, run_job
from radpipe.extraction.batch.plan import Job, Plan, Unit, paths_of
from radpipe.parallel import memory_here
from radpipe.store import InputFile
from radpipe.store.rows import writing_to

_LOOK_EVERY_S = 0.02
# The child ends itself in time; this is for one that cannot even do that.
_GRACE_S = 60.0
_MB = 1e6
# Between the worker and the process: what to compute, what came of it, what was printed.
_FILES = ("task", "answer", "said")


@dataclass(frozen=True)
class _End:
    """How a process ended."""

    code: int
    peak: int = 0
    too_large: bool = False
    too_long: bool = False
    why: str = ""


def run_alone(plan: Plan, unit: Unit) -> Outcome:
    """Compute one unit in a process of its own.

    Parameters
    ----------
    plan : Plan
        What all jobs have in common.
    unit : Unit
        The suspect.

    Returns
    -------
    Outcome
        Its row, or a failure that tells the exception, or the signal and the peak memory.

    Raises
    ------
    RunError
        The run directory cannot be written to.
    """
    limit = plan.memory or memory_here()
    started = time.perf_counter()
    files = {path: plan.attempts_path / f"{Job((unit,)).name}.{path}" for path in _FILES}
    with writing_to(plan.attempts_path):
        files["task"].write_bytes(pickle.dumps((plan, unit)))
        said = files["said"].open("wb")
    with said:
        end = _run(files["task"], files["answer"], said, limit, plan.timeout_s)
    if end.code == 0 and files["answer"].is_file():
        outcome: Outcome | Suspect | Exception = pickle.loads(files["answer"].read_bytes())
        if isinstance(outcome, Outcome):
            return outcome
        if isinstance(outcome, Exception):
            raise outcome
    words = _attempt(plan, unit).last_words() or ""
    last = files["said"].read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
    error = _told(end, words, "".join(last), plan.timeout_s, limit)
    return _failed(plan, unit, error, time.perf_counter() - started)


def _run(task: Path, answer: Path, said: IO[bytes], limit: int, timeout_s: float) -> _End:
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", __name__, str(task), str(answer), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    except OSError as error:
        return _End(code=1, why=f"no process could start: {error.strerror}")
    return _watch(child, limit, timeout_s + _GRACE_S)


def _watch(child: subprocess.Popen[bytes], limit: int, seconds: float) -> _End:
    deadline = time.monotonic() + seconds
    peak, too_large, too_long = 0, False, False
    try:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            peak = max(peak, _memory_of(process))
            too_large = peak > limit
            too_long = time.monotonic() > deadline
            if too_large or too_long:
                child.kill()
                break
            time.sleep(_LOOK_EVERY_S)
    finally:
        child.kill()
        child.wait()
    return _End(child.returncode, peak, too_large, too_long)


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _told(end: _End, words: str, said: str, timeout_s: float, limit: int) -> WorkerDiedError:
    where = place_in(words)
    stood = f" ({where})" if where else ""
    peak = f"peak memory {end.peak / _MB:.0f} MB"
    if end.too_large:
        return OutOfMemoryError(
            f"out of memory at {end.peak / _MB:.0f} MB{stood}",
            expected=f"at most {limit / _MB:.0f} MB for one case",
            remedy="give more with --memory, crop the image, or resample it coarser",
        )
    if end.code == 0:
        return OutOfMemoryError(
            f"the system refused more memory at {end.peak / _MB:.0f} MB",
            remedy="crop the image, resample it coarser, or take a machine with more memory",
        )
    if words.startswith(TIMED_OUT) or end.too_long:
        return TimedOutError(
            f"time-out after {timeout_s:g} s{stood}",
            found=f"twice, the second time alone; {peak}",
            remedy="allow more with --timeout, or look at the case",
        )
    why = end.why or (said if end.code > 0 else "")
    remedy = "run the case alone with --workers 0, or look at its files"
    if end.code == -signal.SIGKILL:
        remedy = "the system ends processes so that take too much memory: give more, or " + remedy
    return WorkerDiedError(
        f"the process that computed the case ended by {_cause(end.code)}{stood}",
        found="; ".join(filter(None, (why, "twice, the second time alone", peak))),
        remedy=remedy,
    )


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"


def _failed(plan: Plan, unit: Unit, error: WorkerDiedError, seconds: float) -> Outcome:
    target = plan.targets[unit.target]
    files: dict[str, InputFile] = {}
    for path in paths_of(unit.case).values():
        with suppress(ImageError):
            files[path] = hash_of(Path(path))
    key = target.key_of(unit.case, files)
    if target.has(key):
        # It died after its row was whole.
        return Outcome(unit, key, files, None, seconds)
    failure = failure_of(error, files)
    target.run.rows.put(key, failure)
    return Outcome(unit, key, files, failure, seconds)


def _attempt(plan: Plan, unit: Unit) -> Attempt:
    return Attempt(plan.attempts_path / f"{Job((unit,)).name}.alone", plan.timeout_s)


def main(task: Path, answer: Path, worker: int) -> None:
    """Compute a unit, and leave the outcome in a file.

    Parameters
    ----------
    task : Path
        Pickled plan and unit.
    answer : Path
        Where the pickled outcome goes.
    worker : int
        Process that waits for it.
    """
    _die_with(worker)
    plan, unit = pickle.loads(task.read_bytes())
    with _attempt(plan, unit):
        outcome: Outcome | Suspect | Exception
        try:
            (outcome,) = run_job(replace(plan, watched=False), Job((unit,)))
        except Exception as error:
            outcome = error
    answer.write_bytes(pickle.dumps(outcome))


def _die_with(worker: int) -> None:
    """Ask Linux to end this process with the worker that started it, which may be killed."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != worker:
        raise SystemExit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
