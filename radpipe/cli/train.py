"""``radpipe train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.evaluate import (
    Batch,
    Branch,
    Clinical,
    ClinicalColumns,
    Correlation,
    DropUnmatched,
    Event,
    Features,
    Force,
    Horizon,
    Identifier,
    Keep,
    ModelName,
    OriginDays,
    PerPatient,
    Seed,
    Selection,
    Stability,
    Table,
    Time,
    Trials,
    Volume,
    VolumeDependence,
    model_options,
    names_in,
)
from radpipe.prognosis.models.table import DEFAULT


def train(
    table: Table,
    event: Event,
    out: Annotated[Path, typer.Option(help="New directory for the model.")],
    clinical: Clinical = None,
    time: Time = None,
    clinical_columns: ClinicalColumns = "",
    features: Features = None,
    volume: Volume = None,
    identifier: Identifier = "patient_id",
    batch: Batch = None,
    origin_days: OriginDays = None,
    per_patient: PerPatient = None,
    drop_unmatched: DropUnmatched = False,
    force: Force = False,
    model: ModelName = DEFAULT,
    trials: Trials = 0,
    horizon: Horizon = None,
    stability: Stability = None,
    volume_dependence: VolumeDependence = None,
    correlation: Correlation = 0.9,
    selection: Selection = None,
    keep: Keep = 30,
    branch: Branch = None,
    seed: Seed = 0,
) -> None:
    """Train a model on the whole cohort; `evaluate` tells how good such a one is."""
    from rich.console import Console
    from rich.markup import escape

    from radpipe.prognosis.evaluation import train as run

    saved = run(
        table,
        clinical,
        event=event,
        time=time,
        out=out,
        model=model,
        clinical_columns=names_in(clinical_columns),
        features=features,
        volume=volume,
        id=identifier,
        batch=batch,
        origin_days=origin_days,
        per_patient=per_patient,
        unmatched="drop" if drop_unmatched else "refuse",
        force=force,
        options=model_options(
            trials=trials,
            horizon=horizon,
            stability=stability,
            volume_dependence=volume_dependence,
            correlation=correlation,
            selection=selection,
            keep=keep,
            branch=branch,
        ),
        seed=seed,
    )
    training = saved.facts["training"]
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{escape(model)} trained on {training['patients']} patients, {training['events']} events, "
        f"{len(saved.facts['columns'])} columns; uses {len(saved.model.used())} of them"
    )
    if saved.baselines:
        console.print(f"beside it, for `validate`: {', '.join(saved.baselines)}")
    console.print(f"written: {escape(str(out))}")
