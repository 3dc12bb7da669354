"""``radpipe evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.options import (
    DESIGN,
    MODEL,
    Batch,
    Branch,
    Centre,
    Clinical,
    ClinicalColumns,
    Components,
    Correlation,
    DropUnmatched,
    Epochs,
    Event,
    Features,
    Force,
    Head,
    Horizon,
    Identifier,
    Keep,
    Method,
    OriginDays,
    Patience,
    PerPatient,
    Quiet,
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
    times_in,
)
from radpipe.prognosis.models.table import MODELS


def evaluate(
    table: Table,
    event: Event,
    out: Annotated[Path, typer.Option(help="New directory for the evaluation.")],
    clinical: Clinical = None,
    time: Time = None,
    clinical_columns: ClinicalColumns = "",
    features: Features = None,
    volume: Volume = None,
    identifier: Identifier = "patient_id",
    batch: Batch = None,
    centre: Centre = None,
    origin_days: OriginDays = None,
    per_patient: PerPatient = None,
    drop_unmatched: DropUnmatched = False,
    force: Force = False,
    model: Annotated[
        str,
        typer.Option(
            help=f"Some of {', '.join(MODELS)}. Default: all that suit; baselines always.",
            rich_help_panel=MODEL,
        ),
    ] = "",
    trials: Trials = 0,
    horizon: Horizon = None,
    stability: Stability = None,
    volume_dependence: VolumeDependence = None,
    correlation: Correlation = 0.9,
    selection: Selection = None,
    keep: Keep = None,
    branch: Branch = None,
    components: Components = None,
    head: Head = None,
    method: Method = None,
    epochs: Epochs = None,
    patience: Patience = None,
    repeats: Annotated[
        int, typer.Option(help="Shuffles of the cohort.", rich_help_panel=DESIGN)
    ] = 5,
    folds: Annotated[int, typer.Option(help="Outer folds of each.", rich_help_panel=DESIGN)] = 5,
    permutations: Annotated[
        int,
        typer.Option(
            min=0,
            help="Runs on permuted outcomes, as a control; 0: none, and no learning curve.",
            rich_help_panel=DESIGN,
        ),
    ] = 20,
    horizons: Annotated[
        str,
        typer.Option(
            help="Times to measure at: 365,730. Default: quartiles of the event times.",
            rich_help_panel=DESIGN,
        ),
    ] = "",
    seed: Seed = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a running Dask scheduler: tcp://host:8786.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Estimate how good models would be, beside volume and clinical columns."""
    from radpipe.cli.interrupt import NOTHING_WRITTEN, told_if_interrupted
    from radpipe.cli.show import show
    from radpipe.parallel import default_workers
    from radpipe.prognosis.evaluation import evaluate as run
    from radpipe.store.files import empty_directory

    empty_directory(out)
    with told_if_interrupted(NOTHING_WRITTEN):
        result = run(
            table,
            clinical,
            event=event,
            time=time,
            models=names_in(model) or None,
            clinical_columns=names_in(clinical_columns),
            features=features,
            volume=volume,
            id=identifier,
            batch=batch,
            centre=centre,
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
                components=components,
                head=head,
                method=method,
                epochs=epochs,
                patience=patience,
            ),
            repeats=repeats,
            folds=folds,
            permutations=permutations,
            horizons=times_in(horizons),
            seed=seed,
            workers=default_workers() if workers is None else workers,
            scheduler=scheduler,
            progress=not quiet,
        )
        result.save(out)
    show(result, out)
