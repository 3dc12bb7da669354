"""What every verb that writes a directory says when it is interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from radpipe.errors import raise_if_interrupted

INTERRUPTED = 130
NOTHING_WRITTEN = "nothing was written; give the same command again"


@contextmanager
def told_if_interrupted(remedy: str, out: Path | None = None) -> Iterator[None]:
    """Tell what Ctrl-C, or a cluster that ends a job, leaves behind; and exit.

    Where ``out`` is not there yet, nothing was left.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _unmasked():
            yield
    except KeyboardInterrupt:
        nothing = out is not None and not out.exists()
        sys.stderr.write(f"stopped: {NOTHING_WRITTEN if nothing else remedy}\n")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _unmasked() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise_if_interrupted(error)
        raise


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
