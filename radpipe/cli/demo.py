"""``radpipe demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.prognosis.evaluation.seeds import LARGEST_SEED


def demo(
    out: Annotated[Path, typer.Option(help="New directory for the cohort and all results.")],
    patients: Annotated[int, typer.Option(help="How many synthetic patients.")] = 150,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; 0: this process. Default: one a core."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Same seed, same cohort and result.")
    ] = 0,
) -> None:
    """Run the whole line on synthetic patients whose true hazard is known."""
    from radpipe.demo import run_demo
    from radpipe.parallel import default_workers

    run_demo(
        out,
        patients,
        default_workers() if workers is None else workers,
        seed,
        say=typer.echo,
        progress=True,
    )
