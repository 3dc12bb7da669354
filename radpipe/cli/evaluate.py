"""``radpipe evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radpipe.prognosis.evaluation.seeds import LARGEST_SEED
from radpipe.prognosis.models.table import DEFAULT, MODELS

if TYPE_CHECKING:
    from radpipe.prognosis.evaluation import Evaluation

Table = Annotated[Path, typer.Argument(help="A run, or a .parquet or .csv table of features.")]
Clinical = Annotated[Path, typer.Option(help="Clinical table: patient_id, time, event, …")]
Time = Annotated[str, typer.Option(help="Column of the time since the start.")]
Event = Annotated[str, typer.Option(help="Column that is 1 where the event happened, else 0.")]
ModelName = Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")]
ClinicalColumns = Annotated[
    str, typer.Option(help="Clinical columns to use as predictors: age,sex,…")
]
Volume = Annotated[
    str | None, typer.Option(help="Column of the tumour's volume, where its name does not tell.")
]
PerPatient = Annotated[
    str | None, typer.Option(help="Several rows a patient: largest, mean or wide.")
]
DropUnmatched = Annotated[
    bool, typer.Option("--drop-unmatched", help="Leave out patients of one table only.")
]
Seed = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="Decides everything that is random.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def evaluate(
    table: Table,
    clinical: Clinical,
    time: Time,
    event: Event,
    out: Annotated[Path, typer.Option(help="New directory for the evaluation.")],
    model: ModelName = DEFAULT,
    clinical_columns: ClinicalColumns = "",
    volume: Volume = None,
    per_patient: PerPatient = None,
    drop_unmatched: DropUnmatched = False,
    repeats: Annotated[int, typer.Option(help="Shuffles of the cohort.")] = 5,
    folds: Annotated[int, typer.Option(help="Outer folds of each.")] = 5,
    seed: Seed = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Estimate how good such a model would be, beside tumour volume alone."""
    from radpipe.parallel import default_workers
    from radpipe.prognosis.evaluation import evaluate as run
    from radpipe.store.files import empty_directory

    empty_directory(out)
    result = run(
        table,
        clinical,
        time=time,
        event=event,
        model=model,
        clinical_columns=names_in(clinical_columns),
        volume=volume,
        per_patient=per_patient,
        unmatched="drop" if drop_unmatched else "refuse",
        repeats=repeats,
        folds=folds,
        seed=seed,
        workers=default_workers() if workers is None else workers,
        progress=not quiet,
    )
    result.save(out)
    show(result, out)


def names_in(text: str) -> list[str]:
    """Split a list of names at its commas.

    Parameters
    ----------
    text : str
        As given on the command line.

    Returns
    -------
    list of str
        Without the spaces around them.
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def show(result: Evaluation, out: Path) -> None:
    """Print the C-indices, what was withheld, and where the files lie.

    Parameters
    ----------
    result : Evaluation
        What was found.
    out : Path
        Where it was saved.
    """
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    cohort, design = result.metrics["cohort"], result.metrics["design"]
    console.print(f"{cohort['patients']} patients, {cohort['events']} events")
    for why, patients in cohort["dropped"].items():
        if patients:
            console.print(f"left out, {why}: {escape(', '.join(patients))}")
    console.print(f"C-index ({design['interval']}):")
    for name, facts in result.metrics["models"].items():
        c = facts["c_index"]
        console.print(
            f"  {escape(name):<8} [bold]{c['estimate']:.3f}[/]  ({c['low']:.3f} to {c['high']:.3f})"
        )
        if facts.get("folds_without_pairs"):
            console.print(f"    {facts['folds_without_pairs']} folds without comparable pairs")
    for name, reason in result.metrics["withheld"].items():
        console.print(f"  {escape(name):<8} [yellow]withheld[/]: {escape(reason)}")
    console.print(f"written: {escape(str(out))}")
