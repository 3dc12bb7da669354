"""``radpipe explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radpipe.cli.options import Quiet, TrainedIdentifier, names_in

if TYPE_CHECKING:
    from radpipe.prognosis.evaluation.explanation import Explanation


def explain(
    model: Annotated[Path, typer.Argument(help="What `radpipe train` made of an embedding.")],
    run: Annotated[Path, typer.Argument(help="A run of `radpipe embed`, with its patches.")],
    out: Annotated[Path, typer.Option(help="New directory for pictures and numbers.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="Of an encoder that was not fitted with the model: as for `embed`."),
    ] = None,
    cases: Annotated[
        str, typer.Option(help="Whom to explain: CASE_ID,CASE_ID. Default: all kinds of risk.")
    ] = "",
    count: Annotated[int, typer.Option(min=1, help="How many, where nobody is named.")] = 6,
    method: Annotated[
        str,
        typer.Option(help="occlusion: hide parts, ask the model. gradcam: quick, linear heads."),
    ] = "occlusion",
    clinical: Annotated[
        Path | None, typer.Option(help="Clinical table, where the model uses columns of it.")
    ] = None,
    identifier: TrainedIdentifier = None,
    quiet: Quiet = False,
) -> None:
    """Show which parts of patients' images move a model's risk."""
    from radpipe.parallel import default_workers
    from radpipe.prognosis.evaluation import explain as compute
    from radpipe.prognosis.report.explained import save_explanations
    from radpipe.prognosis.tables.columns import counted
    from radpipe.store.files import empty_directory

    # Before hours of work: it must be possible to keep them.
    empty_directory(out)
    found = compute(
        model,
        run,
        weights=weights,
        cases=names_in(cases) or None,
        count=count,
        method=method,
        clinical=clinical,
        id=identifier,
        threads=default_workers(),
        progress=not quiet,
    )
    save_explanations(found, out)
    for each in found:
        typer.echo(_told(each))
    typer.echo(f"{counted(len(found), 'case')}: {out}")


def _told(each: Explanation) -> str:
    inside = "nothing moves it"
    if each.share_inside is not None:
        inside = f"{each.share_inside:.0%} of what moves it inside the ROI"
    even = f"which is {each.roi_share:.0%} of the patch"
    told = f"{each.case_id}: risk {each.risk:+.2f}; {inside}, {even}"
    if each.randomised is None:
        return told
    return f"{told}; correlation with the map of untrained weights {each.randomised:.2f}"
