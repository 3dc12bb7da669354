"""``radpipe train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.evaluate import (
    Clinical,
    ClinicalColumns,
    DropUnmatched,
    Event,
    ModelName,
    PerPatient,
    Seed,
    Table,
    Time,
    Volume,
    names_in,
)
from radpipe.prognosis.models.table import DEFAULT


def train(
    table: Table,
    clinical: Clinical,
    time: Time,
    event: Event,
    out: Annotated[Path, typer.Option(help="New directory for the model.")],
    model: ModelName = DEFAULT,
    clinical_columns: ClinicalColumns = "",
    volume: Volume = None,
    per_patient: PerPatient = None,
    drop_unmatched: DropUnmatched = False,
    seed: Seed = 0,
) -> None:
    """Train a model on the whole cohort; `evaluate` tells how good such a one is."""
    from rich.console import Console
    from rich.markup import escape

    from radpipe.prognosis.evaluation import train as run

    saved = run(
        table,
        clinical,
        time=time,
        event=event,
        out=out,
        model=model,
        clinical_columns=names_in(clinical_columns),
        volume=volume,
        per_patient=per_patient,
        unmatched="drop" if drop_unmatched else "refuse",
        seed=seed,
    )
    training = saved.facts["training"]
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{escape(model)} trained on {training['patients']} patients, {training['events']} events, "
        f"{len(saved.facts['columns'])} columns"
    )
    console.print(f"written: {escape(str(out))}")
