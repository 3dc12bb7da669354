"""``radpipe verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CHECK_FAILED = 3


def verify(
    run: Annotated[Path, typer.Argument(help="Directory that `radpipe extract` made.")],
    sample: Annotated[int, typer.Option(min=1, help="How many of its cases.")] = 5,
) -> None:
    """Recompute cases of a run with PyRadiomics itself; exit 3 if a value differs."""
    from radpipe.extraction.verify import in_words
    from radpipe.extraction.verify import verify as compare

    found = compare(run, sample)
    for line in in_words(found):
        typer.echo(line)
    if not found.passed:
        raise typer.Exit(CHECK_FAILED)
