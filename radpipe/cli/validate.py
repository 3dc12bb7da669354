"""``radpipe validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.evaluate import Clinical, DropUnmatched, Seed, Table, Volume, show


def validate(
    model: Annotated[Path, typer.Argument(help="A directory that `radpipe train` made.")],
    table: Table,
    clinical: Clinical,
    out: Annotated[Path, typer.Option(help="New directory for the evaluation.")],
    time: Annotated[str | None, typer.Option(help="Column; default: as in training.")] = None,
    event: Annotated[str | None, typer.Option(help="Column; default: as in training.")] = None,
    volume: Volume = None,
    drop_unmatched: DropUnmatched = False,
    seed: Seed = 0,
) -> None:
    """Measure a frozen model on another cohort, beside tumour volume alone."""
    from radpipe.prognosis.evaluation import validate as run
    from radpipe.store.files import empty_directory

    empty_directory(out)
    result = run(
        model,
        table,
        clinical,
        time=time,
        event=event,
        volume=volume,
        unmatched="drop" if drop_unmatched else "refuse",
        seed=seed,
    )
    result.save(out)
    show(result, out)
