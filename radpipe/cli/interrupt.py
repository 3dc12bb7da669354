"""What every verb that writes a directory says when it is interrupted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

INTERRUPTED = 130


@contextmanager
def unfinished_if_interrupted(out: Path) -> Iterator[None]:
    """Tell what Ctrl-C leaves behind, and exit."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped: {out} is unfinished; remove it, or name another --out\n")
        raise typer.Exit(INTERRUPTED) from None
