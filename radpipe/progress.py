"""One progress bar for all verbs that take long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """Tells the bar that something is done."""

    def __call__(self, note: str | None = None, done: int = 1) -> None:
        """Move the bar.

        Parameters
        ----------
        note : str, optional
            What stands behind the bar from now on; what stood there if not given.
        done : int
            How much more is done.
        """


@contextmanager
def progress_bar(what: str, total: int, shown: bool) -> Iterator[Step]:
    """Show on standard error how far the work is, how fast it goes and how long it will take.

    Parameters
    ----------
    what : str
        What stands before the bar.
    total : int
        How much there is to do.
    shown : bool
        Whether there is a bar at all.

    Yields
    ------
    Step
        To be called when something is done, from any thread.
    """
    if not shown:
        yield lambda note=None, done=1: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, rate="", note="")
        started = time.perf_counter()

        def step(note: str | None = None, done: int = 1) -> None:
            finished = bar.tasks[task].completed + done
            rate = f"{finished / (time.perf_counter() - started):.3g}/s"
            bar.update(task, advance=done, rate=rate)
            if note is not None:
                bar.update(task, note=note)

        yield step
