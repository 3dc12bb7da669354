"""How far a run is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from radpipe.progress import Pace
from radpipe.store import Run
from radpipe.store.lock import holder_of, host_elsewhere, is_held
from radpipe.store.run import FINISHED, RUNNING

PREPARING, STOPPED, MAYBE = "preparing", "stopped", "may be running"
_LAST = 5
# Of a command on another host that has said nothing for longer, nobody knows.
_FRESH_S = 600.0


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes
    ----------
    run : str
        The directory.
    state : str
        ``finished``, ``running``, ``preparing`` before the first case, ``stopped`` where nobody
        goes on with it, ``may be running`` where another host's lock may not show on this one.
    holder : str
        Who writes to it; empty if nobody.
    cases, done, failed : int
        All cases of the last command, those that have a row, those that have none; 0 while it is
        preparing.
    pace : str
        Rate and remaining time; empty unless it is running.
    last_failures : list of str
        What was found in the last cases that failed.
    command : str
        Which command goes on with it.
    """

    run: str
    state: str
    holder: str
    cases: int
    done: int
    failed: int
    pace: str
    last_failures: list[str]
    command: str = "radpipe extract"

    def in_words(self) -> list[str]:
        """Tell a person.

        Returns
        -------
        list of str
            Lines.
        """
        who = f" by {self.holder}" if self.holder else ""
        lines = [f"{self.run}: {self.state}{who}"]
        if self.state == PREPARING:
            return [*lines, "it reads headers, and hashes files that it does not know"]
        left = f"; {self.pace}" if self.pace else ""
        lines.append(f"{self.done} of {self.cases} cases have a row, {self.failed} failed{left}")
        if self.state == STOPPED:
            lines.append(f"give the same `{self.command}` command again: it does what is missing")
        return lines + [f"failed: {message}" for message in self.last_failures]


def status_of(path: str | Path) -> Status:
    """Tell how far a run is, while it runs or afterwards.

    Parameters
    ----------
    path : str or Path
        A run directory.

    Returns
    -------
    Status
        As the run's log has it.

    Raises
    ------
    RunError
        The directory is no run.
    """
    run = Run(Path(path))
    events = list(run.log.events())
    state = _state(run, events)
    held = state in (RUNNING, PREPARING)
    events = [] if state == PREPARING else _of_the_last_command(events)
    started = next((event for event in events if event["event"] == "started"), {})
    failures = [event for event in events if event["event"] == "failed"]
    counts = run.facts()["counts"] if state == FINISHED else _counts(events, started)
    return Status(
        run=str(path),
        state=state,
        holder=holder_of(run.path) if held or state == MAYBE else "",
        cases=counts["cases"],
        done=counts["rows"],
        failed=counts["failures"],
        pace=_pace(events, started) if held else "",
        last_failures=[f"case {each['case_id']}: {each['message']}" for each in failures[-_LAST:]],
        command=run.command(),
    )


def last_word(run: Run) -> str:
    """Tell when a command last wrote to a run's log.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    str
        In an order of text that is that of time; empty where there is no log.
    """
    return max((str(event["time"]) for event in run.log.events()), default="")


def is_fresh(path: Path) -> bool:
    """Tell whether a command on another host may still be at work.

    Parameters
    ----------
    path : Path
        A file that it writes to.

    Returns
    -------
    bool
        Whether it did so in the last ten minutes.
    """
    # It may be gone by now.
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime < _FRESH_S
    return False


def _state(run: Run, events: list[dict[str, Any]]) -> str:
    left = run.state()
    # Where its patches had the last word, `radpipe embed` holds it.
    if is_held(run.path) and last_word(run) >= last_word(run.patch_run):
        names = [event["event"] for event in events]
        begun = [name for name in names if name in ("preparing", "started")]
        return PREPARING if begun[-1:] == ["preparing"] else RUNNING
    if host_elsewhere(run.path) and is_fresh(run.log.path):
        return MAYBE
    return FINISHED if left == FINISHED else STOPPED


def _counts(events: Sequence[dict[str, Any]], started: dict[str, Any]) -> dict[str, int]:
    names = [event["event"] for event in events]
    return {
        "cases": started.get("cases", 0),
        "rows": started.get("reused", 0) + names.count("done"),
        "failures": started.get("failed", 0) + names.count("failed"),
    }


def _of_the_last_command(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    starts = [place for place, event in enumerate(events) if event["event"] == "started"]
    return events[starts[-1] :] if starts else events


def _pace(events: Sequence[dict[str, Any]], started: dict[str, Any]) -> str:
    if not started:
        return ""
    pace = Pace(started["todo"], _seconds(started))
    for event in events:
        if event["event"] in ("done", "failed"):
            pace.add(1, _seconds(event))
    return pace.told(_seconds(events[-1]))


def _seconds(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()
