"""``radpipe status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def status(
    run: Annotated[Path, typer.Argument(help="Directory that `radpipe extract` made or makes.")],
) -> None:
    """Tell how far a run is, while it runs or afterwards."""
    from radpipe.extraction.batch.status import status_of
    from radpipe.store.run import runs_in

    for each in runs_in(run) or [run]:
        for line in status_of(each).in_words():
            typer.echo(line)
