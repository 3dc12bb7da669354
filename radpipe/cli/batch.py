"""What the verbs share that give a cohort to workers: options, and what they print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from radpipe.extraction.batch import Options
    from radpipe.store import Run

SOME_CASES_FAILED = 1
_SHOWN = 10

Cohort = Annotated[Path, typer.Argument(help="CSV file: patient_id, image, mask, …")]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Dask scheduler whose workers compute instead: tcp://host:8786."),
]
Memory = Annotated[
    str | None,
    typer.Option(help="For all cases under way here: 8GB. Default: 9/10 of what there is."),
]
Timeout = Annotated[float, typer.Option(help="Seconds that a case may take.")]
Retry = Annotated[
    str, typer.Option(help="Cases that failed before: failed tries them again, none does not.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Compute all again, whatever the run holds.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
AsJson = Annotated[bool, typer.Option("--json", help="Sum up on stdout in JSON, for programs.")]


def batch_options(
    workers: int | None,
    scheduler: str | None,
    memory: str | None,
    timeout: float,
    retry: str,
    fresh: bool,
) -> Options:
    """Make a batch's options from those of the command line.

    Parameters
    ----------
    workers : int or None
        Worker processes; None: one a core.
    scheduler : str or None
        Address of a Dask scheduler.
    memory : str or None
        Such as ``8GB``.
    timeout : float
        Seconds that a case may take.
    retry : str
        ``failed`` or ``none``.
    fresh : bool
        Compute all again.

    Returns
    -------
    Options
        Checked where they are used.
    """
    from radpipe.extraction.batch import Options
    from radpipe.parallel import bytes_of, default_workers

    return Options(
        workers=default_workers() if workers is None else workers,
        scheduler=scheduler,
        memory=None if memory is None else bytes_of(memory),
        timeout_s=timeout,
        retry=retry,
        fresh=fresh,
    )


def kept_in(out: Path, fresh: bool) -> str:
    """Say what an interrupted command leaves.

    Parameters
    ----------
    out : Path
        The run directory.
    fresh : bool
        Whether all was to be computed again.

    Returns
    -------
    str
        One line.
    """
    go_on = f"finished cases are kept in {out}; the same command goes on"
    return go_on + (", without --fresh" if fresh else "")


def tell_done(
    rows: int, cases: int, before: str, seconds: float, table: str, to_stderr: bool
) -> None:
    """Print how many cases have a row, and where.

    Parameters
    ----------
    rows, cases : int
        In the table, and in the cohort.
    before : str
        What was there before; empty: nothing.
    seconds : float
        Wall time.
    table : str
        The table.
    to_stderr : bool
        Where stdout is for programs.
    """
    kept = f", {before} from before" if before else ""
    typer.echo(f"{rows} of {cases} cases{kept}, in {seconds:.0f} s: {table}", err=to_stderr)


def tell_failures(run: Run, count: int) -> None:
    """Print the first of the cases that failed.

    Parameters
    ----------
    run : Run
        A finished run.
    count : int
        How many failed.
    """
    if count:
        for message in run.failures()["message"].head(_SHOWN):
            sys.stderr.write(f"failed: {message}\n")
        sys.stderr.write(f"{count} case(s) failed: {run.failures_path}\n")
