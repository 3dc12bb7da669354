"""``radpipe train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radpipe.cli.options import (
    Batch,
    Branch,
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
    ModelName,
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
)
from radpipe.errors import SettingsError
from radpipe.prognosis.models.table import DEFAULT, MODELS

if TYPE_CHECKING:
    from radpipe.prognosis.models.storage import SavedModel


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
    keep: Keep = None,
    branch: Branch = None,
    components: Components = None,
    head: Head = None,
    method: Method = None,
    epochs: Epochs = None,
    patience: Patience = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Train a model on the whole cohort; `evaluate` tells how good such a one is."""
    from radpipe.prognosis.evaluation import train as run

    _require_one(model)
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
            components=components,
            head=head,
            method=method,
            epochs=epochs,
            patience=patience,
        ),
        seed=seed,
        progress=not quiet,
    )
    _show(saved, out)


def _require_one(model: str) -> None:
    if len(names_in(model)) > 1:
        raise SettingsError(
            "train takes one model",
            where="--model",
            found=model,
            expected=f"one of {', '.join(MODELS)}",
            remedy="train one after the other, each with its own --out",
        )


def _show(saved: SavedModel, out: Path) -> None:
    from rich.markup import escape

    from radpipe.cli.show import console, weights_in_words
    from radpipe.prognosis.tables.columns import counted
    from radpipe.store.patches import PATCH_FILE

    training, page = saved.facts["training"], console()
    patients = counted(training["patients"], "patient")
    events = counted(training["events"], "event")
    columns = [name for name in saved.facts["columns"] if name != PATCH_FILE]
    told = [patients, events]
    if len(columns) < len(saved.facts["columns"]):
        told.append("an encoder fitted to their patches")
    if columns:
        told.append(f"{counted(len(columns), 'column')}; uses {len(saved.model.used())} of them")
    page.print(f"{saved.name} trained on {', '.join(told)}")
    weights = saved.model.settings().get("weights")
    if weights:
        page.print(f"weights: {escape(weights_in_words(weights))}")
    if saved.baselines:
        page.print(f"beside it, for `validate`: {', '.join(saved.baselines)}")
    page.print(f"written: {escape(str(out))}")
