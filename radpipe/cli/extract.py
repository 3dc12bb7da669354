"""``radpipe extract``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radpipe.cli.interrupt import told_if_interrupted
from radpipe.errors import SettingsError

if TYPE_CHECKING:
    from radpipe.extraction.batch import Summary

SOME_CASES_FAILED = 1
_SHOWN = 10


def extract(
    cohort: Annotated[Path, typer.Argument(help="CSV file: patient_id, image, mask, …")],
    params: Annotated[
        list[str],
        typer.Option(help="Parameter file, or ct, mr, pet. Several: a run of each in OUT/NAME."),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the run: new, or a run to go on with.")],
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler whose workers compute instead: tcp://host:8786."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(help="For all cases under way here: 8GB. Default: 9/10 of what there is."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that a case may take.")] = 3600,
    retry: Annotated[
        str, typer.Option(help="Cases that failed before: failed tries them again, none does not.")
    ] = "failed",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute all again, whatever the run holds.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="fast: radpipe's kernels; pyradiomics: PyRadiomics itself.")
    ] = "fast",
    control: Annotated[
        str | None,
        typer.Option(help="shuffled-voxels: features of images without texture, to compare with."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write features.csv as well.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Sum up on stdout in JSON, for programs.")
    ] = False,
) -> None:
    """Extract the features of every case of a cohort; given again, do what is missing."""
    from radpipe.extraction.batch import Options, extract_runs
    from radpipe.parallel import bytes_of, default_workers

    options = Options(
        workers=default_workers() if workers is None else workers,
        scheduler=scheduler,
        memory=None if memory is None else bytes_of(memory),
        timeout_s=timeout,
        retry=retry,
        fresh=fresh,
    )
    go_on = f"finished cases are kept in {out}; the same command goes on"
    with told_if_interrupted(go_on + (", without --fresh" if fresh else "")):
        summaries = extract_runs(
            cohort,
            _runs(params, out),
            engine=engine,
            control=control,
            options=options,
            csv=csv,
            progress=not quiet,
        )
    exit_code = SOME_CASES_FAILED if any(summary.failures for summary in summaries) else 0
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

    reused = f", {summary.reused} of them from before" if summary.reused else ""
    typer.echo(
        f"{summary.rows} of {summary.cases} cases{reused}, in {summary.seconds:.0f} s: "
        f"{summary.features}",
        err=to_stderr,
    )
    run = Run(Path(summary.run))
    note = run.facts().get("control_note")
    if note:
        typer.echo(note, err=to_stderr)
    if summary.failures:
        for message in run.failures()["message"].head(_SHOWN):
            sys.stderr.write(f"failed: {message}\n")
        sys.stderr.write(f"{summary.failures} case(s) failed: {run.failures_path}\n")
