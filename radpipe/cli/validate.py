"""``radpipe validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.options import Clinical, DropUnmatched, Seed, Table, TrainedIdentifier, times_in


def validate(
    model: Annotated[Path, typer.Argument(help="A directory that `radpipe train` made.")],
    table: Table,
    out: Annotated[Path, typer.Option(help="New directory for the evaluation.")],
    clinical: Clinical = None,
    time: Annotated[str | None, typer.Option(help="Column; default: as in training.")] = None,
    event: Annotated[
        str | None, typer.Option(help="Column, or COLUMN=VALUE; default: as in training.")
    ] = None,
    volume: Annotated[
        str | None,
        typer.Option(help="Column of the tumour's volume, in the unit of the training table's."),
    ] = None,
    identifier: TrainedIdentifier = None,
    origin_days: Annotated[
        str | None,
        typer.Option(help="Column of the day from which times run; default: as in training."),
    ] = None,
    drop_unmatched: DropUnmatched = False,
    horizons: Annotated[
        str, typer.Option(help="Times to measure at: 365,730. Default: the model's own.")
    ] = "",
    seed: Seed = 0,
) -> None:
    """Measure a frozen model on another cohort, beside the baselines of its training."""
    from radpipe.cli.show import show
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
        id=identifier,
        origin_days=origin_days,
        unmatched="drop" if drop_unmatched else "refuse",
        horizons=times_in(horizons),
        seed=seed,
    )
    result.save(out)
    show(result, out)
    typer.echo(result.metrics["drift"]["summary"])
