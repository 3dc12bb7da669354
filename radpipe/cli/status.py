"""``radpipe status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def status(
    run: Annotated[Path, typer.Argument(help="Directory that `extract` or `embed` makes or made.")],
) -> None:
    """Tell how far a run is, while it runs or afterwards."""
    from radpipe.extraction.batch.status import status_of
    from radpipe.extraction.embedding.status import embedding_status_of
    from radpipe.store import Run
    from radpipe.store.run import runs_in

    for each in [run] if Run(run).is_embedded() else runs_in(run) or [run]:
        embeddings = embedding_status_of(each)
        lines = status_of(each).in_words() if embeddings is None or Run(each).exists() else []
        for line in lines + (embeddings.in_words() if embeddings else []):
            typer.echo(line)
