"""How far a run is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from radpipe.progress import Pace
from radpipe.store import Run
from radpipe.store.lock import holder_of, is_held
from radpipe.store.run import FINISHED

_LAST = 5


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes
    ----------
    run : str
        The directory.
    state : str
        ``finished``, ``running``, or ``stopped`` where nobody goes on with it.
    holder : str
        Who writes to it; empty if nobody.
    cases, done, failed : int
        All cases of the last command, those that have a row, those that have none.
    pace : str
        Rate and remaining time; empty unless it is running.
    last_failures : list of str
        What was found in the last cases that failed.
    """

    run: str
    state: str
    holder: str
    cases: int
    done: int
    failed: int
    pace: str
    last_failures: list[str]

    def in_words(self) -> list[str]:
        """Tell a person.

        Returns
        -------
        list of str
            Lines.
        """
        who = f" by {self.holder}" if self.holder else ""
        lines = [f"{self.run}: {self.state}{who}"]
        left = f"; {self.pace}" if self.pace else ""
        lines.append(f"{self.done} of {self.cases} cases have a row, {self.failed} failed{left}")
        if self.state == "stopped":
            lines.append("give the same `radpipe extract` command again: it does what is missing")
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
    finished = run.state() == FINISHED
    held = is_held(run.path)
    events = _of_the_last_command(list(run.log.events()))
    started = next((event for event in events if event["event"] == "started"), {})
    failures = [event for event in events if event["event"] == "failed"]
    done = started.get("reused", 0) + sum(event["event"] == "done" for event in events)
    counts = {"rows": done, "failures": len(failures), "cases": started.get("cases", 0)}
    if finished:
        counts = run.facts()["counts"]
    return Status(
        run=str(path),
        state="running" if held else "finished" if finished else "stopped",
        holder=holder_of(run.path) if held else "",
        cases=counts["cases"],
        done=counts["rows"],
        failed=counts["failures"],
        pace=_pace(events, started) if held else "",
        last_failures=[f"case {each['case_id']}: {each['message']}" for each in failures[-_LAST:]],
    )


def _of_the_last_command(events: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
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
