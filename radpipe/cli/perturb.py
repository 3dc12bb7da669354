"""``radpipe perturb``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.interrupt import told_if_interrupted

SOME_CASES_FAILED = 1
_SHOWN = 10


def perturb(
    cohort: Annotated[Path, typer.Argument(help="CSV file: patient_id, image, mask, …")],
    out: Annotated[Path, typer.Option(help="New directory for images, masks and cohort.csv.")],
    perturbations: Annotated[
        str,
        typer.Option(
            help="noise, rotation, shift, growth, contours: together by +, apart by a comma."
        ),
    ] = "noise+rotation+shift+growth+contours",
    count: Annotated[int, typer.Option(min=1, help="Versions of each case.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Decides all draws.")] = 0,
    crop_mm: Annotated[
        float | None,
        typer.Option(min=0, help="Keep so much of the image around the ROI. Default: all of it."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Write perturbed versions of every case; extracted, they tell which features are stable."""
    from radpipe.extraction.perturb import perturb_cohort
    from radpipe.parallel import default_workers

    started = time.perf_counter()
    with told_if_interrupted(f"{out} is unfinished; remove it, or name another --out"):
        found = perturb_cohort(
            cohort,
            out,
            perturbations=perturbations,
            count=count,
            seed=seed,
            crop_mm=crop_mm,
            workers=default_workers() if workers is None else workers,
            progress=not quiet,
        )
    seconds = time.perf_counter() - started
    typer.echo(
        f"{found.versions} versions of {found.cases} cases, in {seconds:.0f} s: {found.manifest}"
    )
    if found.failures:
        for message in found.failures[:_SHOWN]:
            sys.stderr.write(f"failed: {message}\n")
        sys.stderr.write(f"{len(found.failures)} version(s) failed: {found.failures_path}\n")
        raise typer.Exit(SOME_CASES_FAILED)
