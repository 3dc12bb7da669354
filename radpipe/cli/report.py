"""``radpipe report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    evaluation: Annotated[
        Path, typer.Argument(help="A directory that `radpipe evaluate` or `validate` made.")
    ],
    out: Annotated[Path, typer.Option(help="The HTML file to make or replace.")],
    run: Annotated[
        Path | None,
        typer.Option(help="The extraction run behind it, if it is no longer where it was."),
    ] = None,
) -> None:
    """Write one self-contained HTML file about an evaluation."""
    from radpipe.prognosis.report import write_report

    typer.echo(f"written: {write_report(evaluation, out, run)}")
