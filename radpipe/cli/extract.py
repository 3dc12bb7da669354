"""``radpipe extract``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radpipe.cli import batch
from radpipe.cli.interrupt import told_if_interrupted
from radpipe.errors import SettingsError

if TYPE_CHECKING:
    from radpipe.extraction.batch import Summary


def extract(
    cohort: batch.Cohort,
    params: Annotated[
        list[str],
        typer.Option(help="Parameter file, or ct, mr, pet. Several: a run of each in OUT/NAME."),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the run: new, or a run to go on with.")],
    workers: batch.Workers = None,
    scheduler: batch.Scheduler = None,
    memory: batch.Memory = None,
    timeout: batch.Timeout = 3600,
    retry: batch.Retry = "failed",
    fresh: batch.Fresh = False,
    engine: Annotated[
        str, typer.Option(help="fast: radpipe's kernels; pyradiomics: PyRadiomics itself.")
    ] = "fast",
    control: Annotated[
        str | None,
        typer.Option(help="shuffled-voxels: features of images without texture, to compare with."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write features.csv as well.")] = False,
    quiet: batch.Quiet = False,
    as_json: batch.AsJson = False,
) -> None:
    """Extract the features of every case of a cohort; given again, do what is missing."""
    from radpipe.extraction.batch import extract_runs

    options = batch.batch_options(workers, scheduler, memory, timeout, retry, fresh)
    with told_if_interrupted(batch.kept_in(out, fresh), out):
        summaries = extract_runs(
            cohort,
            _runs(params, out),
            engine=engine,
            control=control,
            options=options,
            csv=csv,
            progress=not quiet,
        )
    exit_code = batch.SOME_CASES_FAILED if any(summary.failures for summary in summaries) else 0
    if as_json:
        told = {"runs": [asdict(summary) for summary in summaries], "exit_code": exit_code}
        typer.echo(json.dumps(told, indent=1))
    for summary in summaries:
        _tell(summary, to_stderr=as_json)
    if exit_code:
        raise typer.Exit(exit_code)


def _runs(params: list[str], out: Path) -> dict[Path, str]:
    from radpipe.store import Run

    if len(params) == 1:
        return {out: params[0]}
    if Run(out).exists():
        raise SettingsError(
            "several parameter files make several runs, and the directory is one already",
            where="--out",
            found=out,
            expected="a new directory, or one in which each has its run",
            remedy="name another one with --out",
        )
    runs = {out / Path(given).stem: given for given in params}
    if len(runs) < len(params):
        raise SettingsError(
            "two parameter files have one name",
            where="--params",
            found=", ".join(params),
            expected="names that differ, since each names a run",
            remedy="rename one of them",
        )
    return runs


def _tell(summary: Summary, to_stderr: bool) -> None:
    from radpipe.store import Run

    before = f"{summary.reused} of them" if summary.reused else ""
    batch.tell_done(
        summary.rows, summary.cases, before, summary.seconds, summary.features, to_stderr
    )
    run = Run(Path(summary.run))
    note = run.facts().get("control_note")
    if note:
        typer.echo(note, err=to_stderr)
    batch.tell_failures(run, summary.failures)
