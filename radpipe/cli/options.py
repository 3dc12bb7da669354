"""What several verbs ask for: options, declared once, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radpipe.errors import SettingsError
from radpipe.prognosis.evaluation.seeds import LARGEST_SEED
from radpipe.prognosis.models.table import MODELS

if TYPE_CHECKING:
    from radpipe.prognosis.evaluation.options import ModelOptions

# Panels of --help.
DATA, MODEL, DESIGN = "Columns and patients", "Models", "Evaluation"

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
    typer.Option(help="Clinical columns that may predict: age,sex,…", rich_help_panel=DATA),
]
Features = Annotated[
    str | None,
    typer.Option(
        help="Columns that are features, where extraction did not name them: 'T1_*,!T1_Max'.",
        rich_help_panel=DATA,
    ),
]
Volume = Annotated[
    str | None,
    typer.Option(
        help="Column of the tumour's volume, where its name does not tell.", rich_help_panel=DATA
    ),
]
Identifier = Annotated[
    str, typer.Option("--id", help="Column that names the patient.", rich_help_panel=DATA)
]
Batch = Annotated[
    str | None,
    typer.Option(
        help="Column of scanner or hospital: ComBat in every training fold.",
        rich_help_panel=DATA,
    ),
]
Centre = Annotated[
    str | None,
    typer.Option(help="Column of the hospital: leave one out at a time.", rich_help_panel=DATA),
]
OriginDays = Annotated[
    str | None,
    typer.Option(
        help="Column of the day from which times run, such as the last scan used.",
        rich_help_panel=DATA,
    ),
]
PerPatient = Annotated[
    str | None,
    typer.Option(help="Several rows a patient: largest, mean or wide.", rich_help_panel=DATA),
]
TrainedIdentifier = Annotated[
    str | None,
    typer.Option("--id", help="Column that names the patient; default: as in training."),
]
DropUnmatched = Annotated[
    bool,
    typer.Option(
        "--drop-unmatched",
        help="Leave out patients of one table only, and those without an outcome.",
        rich_help_panel=DATA,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Take predictors whose names resemble a time, an event or a treatment.",
        rich_help_panel=DATA,
    ),
]
ModelName = Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")]
Trials = Annotated[
    int,
    typer.Option(
        min=0,
        help="Settings to try in the inner folds; 0: strong regularisation as it is.",
        rich_help_panel=MODEL,
    ),
]
Horizon = Annotated[
    float | None,
    typer.Option(
        "--classifier-horizon",
        help="Of xgb_classifier, where the endpoint has times. Default: median event time.",
        rich_help_panel=MODEL,
    ),
]
Stability = Annotated[
    Path | None,
    typer.Option(
        help="Run of perturbed cases, or table feature,icc: unstable features are dropped.",
        rich_help_panel=MODEL,
    ),
]
VolumeDependence = Annotated[
    float | None,
    typer.Option(
        help="Drop features whose rank correlation with volume is above this.",
        rich_help_panel=MODEL,
    ),
]
Correlation = Annotated[
    float,
    typer.Option(
        help="Rank correlation from which on features are one cluster.", rich_help_panel=MODEL
    ),
]
Selection = Annotated[
    str | None,
    typer.Option(help="Select features first: univariate or mrmr.", rich_help_panel=MODEL),
]
Keep = Annotated[
    int | None,
    typer.Option(
        min=1, help="Features that the selection keeps. Default: 30.", rich_help_panel=MODEL
    ),
]
Branch = Annotated[
    list[str] | None,
    typer.Option(
        help="Further branch of the fusion: NAME=PATTERN of its columns. Repeatable.",
        rich_help_panel=MODEL,
    ),
]
Components = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Principal components that an embedding becomes. Default: 10.",
        rich_help_panel=MODEL,
    ),
]
Head = Annotated[
    str | None,
    typer.Option(
        help="What learns from these components: linear (default) or xgboost.",
        rich_help_panel=MODEL,
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        help="How an encoder is fitted in each fold, where `embed` fitted it: autoencoder, vicreg "
        "or cox. Default: as there.",
        rich_help_panel=MODEL,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(min=1, help="How long at most. Default: as there.", rich_help_panel=MODEL),
]
Patience = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Stop after so many epochs that held-out training patients gain nothing from.",
        rich_help_panel=MODEL,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0,
        max=LARGEST_SEED,
        help="Decides all that is random, but bootstrap samples, which are always the same.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def model_options(
    *, selection: str | None, keep: int | None, branch: list[str] | None, **plain: Any
) -> ModelOptions:
    """Make the options of models from those of the command line.

    Parameters
    ----------
    selection : str or None
        How to select features.
    keep : int or None
        How many the selection keeps; None: as many as it does by default.
    branch : list of str or None
        Each ``NAME=PATTERN``.
    **plain
        All others, as they are.

    Returns
    -------
    ModelOptions
        Checked where they are used.

    Raises
    ------
    SettingsError
        A branch has no name or no columns, or nothing selects what is to be kept.
    """
    from radpipe.prognosis.evaluation.options import ModelOptions

    if keep is not None and selection is None:
        raise SettingsError(
            "no selection is asked for that could keep features",
            where="--keep",
            found=keep,
            expected="--selection univariate or mrmr beside it",
            remedy="add --selection, or leave --keep out",
        )
    kept: dict[str, Any] = {} if keep is None else {"keep": keep}
    branches = dict(_branch(each) for each in branch or ()) or None
    return ModelOptions(selection=selection, branches=branches, **kept, **plain)


def _branch(text: str) -> tuple[str, str]:
    name, equals, pattern = (part.strip() for part in text.partition("="))
    if not (name and equals and pattern):
        raise SettingsError(
            "no branch",
            where="--branch",
            found=text,
            expected="NAME=PATTERN, for example texture=*_glcm_*",
            remedy="name the branch, and its columns",
        )
    return name, pattern


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
