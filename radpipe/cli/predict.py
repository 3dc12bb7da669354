"""``radpipe predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.options import Table, TrainedIdentifier, times_in
from radpipe.errors import RunError, SettingsError


def predict(
    model: Annotated[Path, typer.Argument(help="A directory that `radpipe train` made.")],
    table: Table,
    out: Annotated[Path, typer.Option(help="New file: .csv or .parquet.")],
    horizons: Annotated[
        str, typer.Option(help="Times in the training unit, for example 365,730.")
    ] = "",
    clinical: Annotated[
        Path | None, typer.Option(help="Clinical table, where the model uses columns of it.")
    ] = None,
    similar: Annotated[
        Path | None,
        typer.Option(
            help="The training run: name its patients whose tumours look most alike, and show "
            "them in a page beside the table."
        ),
    ] = None,
    similar_clinical: Annotated[
        Path | None,
        typer.Option(help="Their outcomes. Default: the table that the model was trained with."),
    ] = None,
    identifier: TrainedIdentifier = None,
    drop_unmatched: Annotated[
        bool,
        typer.Option(
            "--drop-unmatched",
            help="Leave out, and name, patients whom the clinical table lacks.",
        ),
    ] = False,
) -> None:
    """Tell patients' risk, survival, what drove it, and whether the model knows such patients."""
    from radpipe.prognosis.evaluation import predict as run
    from radpipe.prognosis.models.storage import load
    from radpipe.prognosis.report.similar import write_similar
    from radpipe.prognosis.tables.columns import counted
    from radpipe.store import write_table
    from radpipe.store.files import whole_file

    page = out.with_suffix(".html")
    _check_output(out)
    if similar is not None:
        _require_new(page)
    times = times_in(horizons)
    saved = load(model)
    scores = run(
        saved,
        table,
        times,
        clinical=clinical,
        id=identifier,
        unmatched="drop" if drop_unmatched else "refuse",
        similar=similar,
        similar_clinical=similar_clinical,
    )
    if similar is not None:
        write_similar(scores, saved.facts["endpoint"], table, similar, page)
        typer.echo(f"those who looked alike: {page}")
    if out.suffix == ".parquet":
        write_table(out, scores)
    else:
        with whole_file(out) as part:
            scores.to_csv(part, index=False)
    unlike = int(scores["unlike_training"].sum())
    if unlike:
        typer.echo(f"unlike the training patients: {unlike} of {len(scores)}")
    typer.echo(f"{counted(len(scores), 'patient')}: {out}")


def _check_output(out: Path) -> None:
    if out.suffix not in (".csv", ".parquet"):
        raise SettingsError(
            "unknown format",
            where="--out",
            found=out,
            expected=".csv or .parquet",
            remedy="end the file's name so",
        )
    _require_new(out)


def _require_new(out: Path) -> None:
    if out.exists() or not out.parent.is_dir():
        raise RunError(
            "the output is there already" if out.exists() else "the output's folder is not there",
            where="--out",
            found=out,
            expected="a new file in a folder that is there",
            remedy="name another one with --out, or make the folder",
        )
