"""How far long work is: a bar on a terminal, now and then a plain line in a batch job's log."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_LINE_EVERY_SECONDS = 30.0
_MARKS = 60
_MARK_EVERY_SECONDS = 1.0


class Step(Protocol):
    """Tells that something is done."""

    def __call__(self, note: str | None = None, done: int = 1) -> None:
        """Count on.

        Parameters
        ----------
        note : str, optional
            What stands beside the count from now on; what stood there if not given.
        done : int
            How much more is done.
        """


_inside: ContextVar[bool] = ContextVar("inside", default=False)


@contextmanager
def showing(shown: bool) -> Iterator[None]:
    """Show bars of what takes long inside a model, whose estimators know of no terminal.

    Parameters
    ----------
    shown : bool
        Whether :func:`progress_bar` shows anything where nobody tells it.

    Yields
    ------
    None
        While it holds, in this thread.
    """
    before = _inside.set(shown)
    try:
        yield
    finally:
        _inside.reset(before)


@contextmanager
def progress_bar(what: str, total: int, shown: bool | None = None) -> Iterator[Step]:
    """Show on standard error how far the work is, how fast it goes and how long it will take.

    Parameters
    ----------
    what : str
        What is done, in a word.
    total : int
        How much there is to do.
    shown : bool, optional
        Whether anything is shown: on a terminal a bar, elsewhere a line every half minute. By
        default as :func:`showing` says, and on a terminal until the work is done.

    Yields
    ------
    Step
        To be called when something is done, from any thread.
    """
    if not (_inside.get() if shown is None else shown):
        yield lambda note=None, done=1: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal or console.is_jupyter:
        with _bar(what, total, console, transient=shown is None) as step:
            yield step
    else:
        yield _lines(what, total)


class Pace:
    """How fast work goes and how long the rest will take, from the recent past.

    Cases are started largest first and caches warm up, so that the mean since the start would
    mislead for hours. What counts is the last minute, or the last 60 steps where they are slower
    than one a second.

    Parameters
    ----------
    total : int
        How much there is to do.
    now : float
        Time in seconds, as ``time.monotonic`` tells it.
    """

    def __init__(self, total: int, now: float) -> None:
        self.total = total
        self.done = 0
        self._marks = deque([(now, 0)], maxlen=_MARKS)

    def add(self, done: int, now: float) -> None:
        """Count on.

        Parameters
        ----------
        done : int
            How much more is done.
        now : float
            Time in seconds.
        """
        self.done += done
        if now - self._marks[-1][0] >= _MARK_EVERY_SECONDS:
            self._marks.append((now, self.done))

    def told(self, now: float) -> str:
        """Tell rate and remaining time.

        Parameters
        ----------
        now : float
            Time in seconds.

        Returns
        -------
        str
            Such as ``2.1/s, about 15 min left``; empty before anything can be said.
        """
        since, before = self._marks[0]
        if now <= since or self.done <= before:
            return ""
        rate = (self.done - before) / (now - since)
        left = _duration(max(self.total - self.done, 0) / rate)
        return f"{_rate(rate)}, about {left} left"


def _rate(rate: float) -> str:
    for unit, seconds in (("s", 1), ("min", 60)):
        if rate * seconds >= 1:
            return f"{_short(rate * seconds)}/{unit}"
    return f"{_short(rate * 3600)}/h"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1), ("min", 60)):
        if seconds < 90 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def _lines(what: str, total: int) -> Step:
    pace = Pace(total, time.monotonic())
    lock = threading.Lock()
    told = time.monotonic()
    noted = ""

    def step(note: str | None = None, done: int = 1) -> None:
        nonlocal told, noted
        with lock:
            now = time.monotonic()
            pace.add(done, now)
            noted = noted if note is None else note
            if now - told < _LINE_EVERY_SECONDS:
                return
            told = now
            parts = [f"{what}: {pace.done} of {total} done", noted, pace.told(now)]
            sys.stderr.write(", ".join(filter(None, parts)) + "\n")
            sys.stderr.flush()

    return step


@contextmanager
def _bar(what: str, total: int, console: Console, transient: bool) -> Iterator[Step]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    pace = Pace(total, time.monotonic())
    lock = threading.Lock()
    with Progress(*columns, console=console, transient=transient) as bar:
        task = bar.add_task(what, total=total, note="", pace="")

        def step(note: str | None = None, done: int = 1) -> None:
            with lock:
                now = time.monotonic()
                pace.add(done, now)
                bar.update(task, advance=done, pace=pace.told(now))
            if note is not None:
                bar.update(task, note=note)

        yield step
