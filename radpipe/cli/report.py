"""``radpipe report``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from radpipe.errors import RunError, SettingsError


def report(
    path: Annotated[
        Path,
        typer.Argument(
            help="What `radpipe evaluate` or `validate` made, or a run of `radpipe extract`."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The HTML file to make or replace, NAME.html; the checklists of an evaluation go "
            "to NAME-checklists beside it. Of a run: report.html in its directory."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Of an evaluation: the run behind it, if it is no longer where it was."),
    ] = None,
    explained: Annotated[
        Path | None,
        typer.Option(
            help="Of an evaluation: what `radpipe explain` wrote of its patients and models."
        ),
    ] = None,
) -> None:
    """Write an HTML page and checklists about an evaluation, or a page of a run's cases."""
    _require_html(out)
    for page in _pages(path, out, run, explained):
        typer.echo(f"written: {page}")


def _pages(
    path: Path, out: Path | None, run: Path | None, explained: Path | None
) -> Iterator[Path]:
    if (path / "metrics.json").is_file():
        yield from _evaluation(path, out, run, explained)
        return
    from radpipe.extraction.overview import write_overview
    from radpipe.store.run import runs_in

    runs = runs_in(path)
    _refuse_unfit(path, runs, out, {"--run": run, "--explained": explained})
    for each in runs:
        yield write_overview(each, out)


def _evaluation(
    path: Path, out: Path | None, run: Path | None, explained: Path | None
) -> Iterator[Path]:
    if out is None:
        raise SettingsError(
            "the report of an evaluation needs a file name",
            where="--out",
            found="none",
            expected="an HTML file to make or replace",
            remedy=f"name the file: radpipe report {path} --out report.html",
        )
    from radpipe.prognosis.report import write_report
    from radpipe.prognosis.report.checklists import folder_beside, write_checklists

    yield write_report(path, out, run, explained)
    folder = folder_beside(out)
    write_checklists(path, folder, run)
    yield folder


def _require_html(out: Path | None) -> None:
    # A browser shows another file as text; and its checklists would be those of NAME.html.
    if out is not None and out.suffix != ".html":
        raise SettingsError(
            "the page's name does not end in .html",
            where="--out",
            found=str(out),
            expected="NAME.html",
            remedy=f"name it {out.stem or 'report'}.html",
        )


def _refuse_unfit(
    path: Path, runs: list[Path], out: Path | None, named: dict[str, Path | None]
) -> None:
    if not runs:
        raise RunError(
            "no evaluation in this directory, and no run",
            where=str(path),
            found="neither metrics.json nor run.json" if path.is_dir() else "no such directory",
            expected="a directory that `radpipe evaluate`, `validate` or `extract` made",
            remedy="mend the path, or make one first: radpipe evaluate, radpipe extract",
        )
    for option, given in named.items():
        if given is not None:
            raise SettingsError(
                "this is a run itself",
                where=option,
                found=str(path),
                expected=f"an evaluation, which {option} goes with",
                remedy=f"leave {option} out",
            )
    if out is not None and len(runs) > 1:
        raise SettingsError(
            "one file name for several runs",
            where="--out",
            found=", ".join(str(each) for each in runs),
            expected="one run, to which --out gives the page's name",
            remedy="leave --out out, and each run gets its report.html; or name one of the runs",
        )
