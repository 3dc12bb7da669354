"""``radpipe merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.interrupt import told_if_interrupted


def merge(
    runs: Annotated[list[Path], typer.Argument(help="Directories that `radpipe extract` made.")],
    out: Annotated[Path, typer.Option(help="New directory for the run of all of them.")],
) -> None:
    """Put the runs of several sites, or of shards of a cohort, into one."""
    from radpipe.store.merge import merge as merged

    with told_if_interrupted("the same command goes on"):
        counts = merged(runs, out).facts()["counts"]
    typer.echo(f"{counts['rows']} rows, {counts['failures']} failures: {out}")
