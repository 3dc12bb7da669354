"""``radpipe extract``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.interrupt import unfinished_if_interrupted

SOME_CASES_FAILED = 1
_SHOWN = 10


def extract(
    cohort: Annotated[Path, typer.Argument(help="CSV file: patient_id, image, mask, …")],
    params: Annotated[str, typer.Option(help="Parameter file, or ct, mr, pet.")],
    out: Annotated[Path, typer.Option(help="New directory for the run.")],
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="fast: radpipe's kernels; pyradiomics: PyRadiomics itself.")
    ] = "fast",
    csv: Annotated[bool, typer.Option("--csv", help="Write features.csv as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Extract the features of every case of a cohort."""
    from radpipe.extraction.batch import extract_run
    from radpipe.parallel import default_workers

    with unfinished_if_interrupted(out):
        run = extract_run(
            cohort,
            params,
            out,
            engine=engine,
            workers=default_workers() if workers is None else workers,
            csv=csv,
            progress=not quiet and sys.stderr.isatty(),
        )
    facts = run.facts()
    counts = facts["counts"]
    typer.echo(
        f"{counts['rows']} of {counts['cases']} cases in {facts['seconds']:.0f} s: "
        f"{run.features_path}"
    )
    failures = run.failures()
    for message in failures["message"].head(_SHOWN):
        sys.stderr.write(f"failed: {message}\n")
    if len(failures):
        sys.stderr.write(f"{len(failures)} case(s) failed: {run.path / 'failures.parquet'}\n")
        raise typer.Exit(SOME_CASES_FAILED)
