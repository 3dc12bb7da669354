"""A suspect is tried once more in a process of its own, which tells how it ended.

Run as ``python -m radpipe.extraction.batch.alone TASK ANSWER`` by :func:`run_alone` only.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from radpipe.errors import FileChangedError, OutOfMemoryError, TimedOutError, WorkerDiedError
from radpipe.extraction.batch.attempt import TIMED_OUT, Attempt, place_in
from radpipe.extraction.batch.job import Outcome, Suspect, failure_of, run_job
from radpipe.extraction.batch.plan import Job, Plan, Unit, key_of, paths_of
from radpipe.parallel import memory_here
from radpipe.store import InputFile

_LOOK_EVERY_S = 0.02
# The child ends itself in time; this is for one that cannot even do that.
_GRACE_S = 60.0
_MB = 1e6


@dataclass(frozen=True)
class _End:
    """How a process ended."""

    code: int
    peak: int
    too_large: bool


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
    with tempfile.TemporaryDirectory(prefix="radpipe-") as folder:
        task, answer = Path(folder) / "task", Path(folder) / "answer"
        task.write_bytes(pickle.dumps((plan, unit)))
        child = subprocess.Popen(
            [sys.executable, "-m", __name__, str(task), str(answer)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = _watch(child, limit, plan.timeout_s + _GRACE_S)
        if end.code == 0 and answer.is_file():
            outcome: Outcome | Suspect | Exception = pickle.loads(answer.read_bytes())
            if isinstance(outcome, Outcome):
                return outcome
            if isinstance(outcome, Exception):
                raise outcome
    attempt = _attempt(plan, unit)
    error = _told(end, attempt.last_words() or "", plan.timeout_s, limit)
    return _failed(plan, unit, error, time.perf_counter() - started)


def _watch(child: subprocess.Popen[bytes], limit: int, seconds: float) -> _End:
    deadline = time.monotonic() + seconds
    peak, too_large = 0, False
    try:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            peak = max(peak, _memory_of(process))
            too_large = too_large or peak > limit
            if too_large or time.monotonic() > deadline:
                child.kill()
            time.sleep(_LOOK_EVERY_S)
    finally:
        child.kill()
        child.wait()
    return _End(child.returncode, peak, too_large)


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _told(end: _End, words: str, timeout_s: float, limit: int) -> WorkerDiedError:
    where = place_in(words)
    stood = f" ({where})" if where else ""
    peak = f"peak memory {end.peak / _MB:.0f} MB"
    if end.too_large or (end.code == 0 and not words):
        return OutOfMemoryError(
            f"out of memory at {end.peak / _MB:.0f} MB{stood}",
            expected=f"at most {limit / _MB:.0f} MB for one case",
            remedy="give more with --memory, crop the image, or resample it coarser",
        )
    if words.startswith(TIMED_OUT):
        return TimedOutError(
            f"time-out after {timeout_s:g} s{stood}",
            found=f"twice, the second time alone; {peak}",
            remedy="allow more with --timeout, or look at the case",
        )
    return WorkerDiedError(
        f"the process that computed the case ended by {_cause(end.code)}{stood}",
        found=f"twice, the second time alone; {peak}",
        remedy="run the case alone with --workers 0, or look at its files",
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
        with suppress(OSError, FileChangedError):
            files[path] = InputFile.of(Path(path))
    failure = failure_of(error, files)
    key = key_of(unit.case, target.decides, files)
    target.run.rows.put(key, failure)
    return Outcome(unit, key, files, failure, seconds)


def _attempt(plan: Plan, unit: Unit) -> Attempt:
    return Attempt(plan.attempts_path / f"{Job((unit,)).name}.alone", plan.timeout_s)


def main(task: Path, answer: Path) -> None:
    """Compute a unit, and leave the outcome in a file.

    Parameters
    ----------
    task : Path
        Pickled plan and unit.
    answer : Path
        Where the pickled outcome goes.
    """
    _die_with_the_parent()
    plan, unit = pickle.loads(task.read_bytes())
    with _attempt(plan, unit):
        outcome: Outcome | Suspect | Exception
        try:
            (outcome,) = run_job(replace(plan, watched=False), Job((unit,)))
        except Exception as error:
            outcome = error
    answer.write_bytes(pickle.dumps(outcome))


def _die_with_the_parent() -> None:
    """Ask Linux to end this process with the worker that started it, which may be killed."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
