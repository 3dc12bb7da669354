"""``radpipe evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radpipe.errors import SettingsError
from radpipe.prognosis.evaluation.seeds import LARGEST_SEED
from radpipe.prognosis.models.table import MODELS

if TYPE_CHECKING:
    from radpipe.prognosis.evaluation import Evaluation
    from radpipe.prognosis.evaluation.models import ModelOptions

_DATA, _MODEL, _DESIGN = "Columns and patients", "Models", "Evaluation"

Table = Annotated[Path, typer.Argument(help="A run, or a .parquet or .csv table of features.")]
Clinical = Annotated[
    Path | None,
    typer.Option(help="Table of outcomes and clinical columns; else they are in TABLE."),
]
Event = Annotated[
    str, typer.Option(help="Column that is 1 where the event happened, else 0; or COLUMN=VALUE.")
]
Time = Annotated[
    str | None, typer.Option(help="Column of the time since the start; none: a binary endpoint.")
]
ClinicalColumns = Annotated[
    str,
    typer.Option(help="Clinical columns that may predict: age,sex,…", rich_help_panel=_DATA),
]
Features = Annotated[
    str | None,
    typer.Option(
        help="Columns that are features, where extraction did not name them: 'T1_*,!T1_Max'.",
        rich_help_panel=_DATA,
    ),
]
Volume = Annotated[
    str | None,
    typer.Option(
        help="Column of the tumour's volume, where its name does not tell.", rich_help_panel=_DATA
    ),
]
Identifier = Annotated[
    str, typer.Option("--id", help="Column that names the patient.", rich_help_panel=_DATA)
]
Batch = Annotated[
    str | None,
    typer.Option(
        help="Column of scanner or hospital: ComBat in every training fold.",
        rich_help_panel=_DATA,
    ),
]
Centre = Annotated[
    str | None,
    typer.Option(help="Column of the hospital: leave one out at a time.", rich_help_panel=_DATA),
]
OriginDays = Annotated[
    str | None,
    typer.Option(
        help="Column of the day from which times run, such as the last scan used.",
        rich_help_panel=_DATA,
    ),
]
PerPatient = Annotated[
    str | None,
    typer.Option(help="Several rows a patient: largest, mean or wide.", rich_help_panel=_DATA),
]
DropUnmatched = Annotated[
    bool,
    typer.Option(
        "--drop-unmatched",
        help="Leave out patients of one table only, and those without an outcome.",
        rich_help_panel=_DATA,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Take predictors whose names resemble a time, an event or a treatment.",
        rich_help_panel=_DATA,
    ),
]
ModelName = Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")]
Trials = Annotated[
    int,
    typer.Option(
        min=0,
        help="Settings to try in the inner folds; 0: strong regularisation as it is.",
        rich_help_panel=_MODEL,
    ),
]
Horizon = Annotated[
    float | None,
    typer.Option(
        "--classifier-horizon",
        help="Of xgb_classifier, where the endpoint has times. Default: median event time.",
        rich_help_panel=_MODEL,
    ),
]
Stability = Annotated[
    Path | None,
    typer.Option(
        help="Run of perturbed cases, or table feature,icc: unstable features are dropped.",
        rich_help_panel=_MODEL,
    ),
]
VolumeDependence = Annotated[
    float | None,
    typer.Option(
        help="Drop features whose rank correlation with volume is above this.",
        rich_help_panel=_MODEL,
    ),
]
Correlation = Annotated[
    float,
    typer.Option(
        help="Rank correlation from which on features are one cluster.", rich_help_panel=_MODEL
    ),
]
Selection = Annotated[
    str | None,
    typer.Option(help="Select features first: univariate or mrmr.", rich_help_panel=_MODEL),
]
Keep = Annotated[
    int, typer.Option(min=1, help="Features that the selection keeps.", rich_help_panel=_MODEL)
]
Branch = Annotated[
    list[str] | None,
    typer.Option(
        help="Further branch of the fusion: NAME=PATTERN of its columns. Repeatable.",
        rich_help_panel=_MODEL,
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="Decides everything that is random.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


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
            rich_help_panel=_MODEL,
        ),
    ] = "",
    trials: Trials = 0,
    horizon: Horizon = None,
    stability: Stability = None,
    volume_dependence: VolumeDependence = None,
    correlation: Correlation = 0.9,
    selection: Selection = None,
    keep: Keep = 30,
    branch: Branch = None,
    repeats: Annotated[
        int, typer.Option(help="Shuffles of the cohort.", rich_help_panel=_DESIGN)
    ] = 5,
    folds: Annotated[int, typer.Option(help="Outer folds of each.", rich_help_panel=_DESIGN)] = 5,
    permutations: Annotated[
        int,
        typer.Option(
            min=0,
            help="Runs on permuted outcomes, as a control; 0: no controls.",
            rich_help_panel=_DESIGN,
        ),
    ] = 20,
    horizons: Annotated[
        str,
        typer.Option(
            help="Times to measure at: 365,730. Default: quartiles of the event times.",
            rich_help_panel=_DESIGN,
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
    from radpipe.cli.interrupt import told_if_interrupted
    from radpipe.parallel import default_workers
    from radpipe.prognosis.evaluation import evaluate as run
    from radpipe.store.files import empty_directory

    empty_directory(out)
    with told_if_interrupted("nothing was written; give the same command again"):
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


def model_options(*, branch: list[str] | None, **plain: Any) -> ModelOptions:
    """Make the options of models from those of the command line.

    Parameters
    ----------
    branch : list of str or None
        Each ``NAME=PATTERN``.
    **plain
        All others, as they are.

    Returns
    -------
    ModelOptions
        Checked where they are used.
    """
    from radpipe.prognosis.evaluation.models import ModelOptions

    branches = {}
    for each in branch or ():
        name, equals, pattern = each.partition("=")
        if not (name.strip() and equals and pattern.strip()):
            raise SettingsError(
                "no branch",
                where="--branch",
                found=each,
                expected="NAME=PATTERN, for example embeddings=fmcib_*",
                remedy="name the branch, and its columns",
            )
        branches[name.strip()] = pattern.strip()
    return ModelOptions(**plain, branches=branches or None)


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


def times_in(text: str) -> list[float] | None:
    """Read a list of times.

    Parameters
    ----------
    text : str
        As given on the command line.

    Returns
    -------
    list of float or None
        None where nothing was given.
    """
    try:
        return [float(time) for time in names_in(text)] or None
    except ValueError as error:
        raise SettingsError(
            "not numbers",
            where="--horizons",
            found=text,
            expected="for example 365,730",
            remedy="write times in the unit of the time column, with commas between them",
        ) from error


def show(result: Evaluation, out: Path) -> None:
    """Print what was found, what was withheld, and where the files lie.

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
    metrics = result.metrics
    cohort = metrics["cohort"]
    console.print(f"{cohort['patients']} patients, {cohort['events']} events")
    for why, patients in cohort["excluded"].items():
        if patients:
            console.print(f"left out, {escape(why)}: {escape(', '.join(patients))}")
    key, title = (
        ("auc", "AUC") if metrics["endpoint"]["kind"] == "binary" else ("c_index", "C-index")
    )
    console.print(f"{title} ({metrics['design']['interval']}), and what it is above volume:")
    for name, facts in metrics["models"].items():
        c, gain = facts[key], facts["versus"].get("volume")
        above = "" if gain is None else f"   {_interval(gain, '+.3f')}"
        bold = "bold" if name == metrics["main"] else "not bold"
        console.print(f"  {escape(name):<16} [{bold}]{_interval(c, '.3f')}[/]{above}")
        if facts.get("folds_without_pairs"):
            console.print(f"    {facts['folds_without_pairs']} folds without comparable pairs")
    for name, reason in metrics["withheld"].items():
        console.print(f"  {escape(name):<16} [yellow]withheld[/]: {escape(reason)}")
    console.print(f"written: {escape(str(out))}")


def _interval(facts: dict[str, float], form: str) -> str:
    return f"{facts['estimate']:{form}} ({facts['low']:{form}} to {facts['high']:{form}})"
