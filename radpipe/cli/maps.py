"""``radpipe maps``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radpipe.cli.interrupt import told_if_interrupted


def maps(
    image: Annotated[Path, typer.Argument(help="The image.")],
    mask: Annotated[Path, typer.Argument(help="Its mask: integer labels.")],
    params: Annotated[str, typer.Option(help="Parameter file, or ct, mr, pet.")],
    out: Annotated[Path, typer.Option(help="New directory for the maps.")],
    label: Annotated[
        int | None, typer.Option(help="Label of the ROI. Default: the parameter file's.")
    ] = None,
    features: Annotated[
        str, typer.Option(help="Which maps: a pattern such as 'original_glcm_*'.")
    ] = "*",
    full: Annotated[
        bool, typer.Option("--full", help="As large as the image, not cropped to the ROI.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads. Default: one a core.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Draw a map of every feature: its value in the window around each voxel of the ROI."""
    from radpipe.extraction.map_files import write_maps
    from radpipe.parallel import default_workers

    with told_if_interrupted(f"{out} is unfinished; remove it, or name another --out"):
        written = write_maps(
            image,
            mask,
            params,
            out,
            label=label,
            features=features,
            full=full,
            threads=threads or default_workers(),
            progress=not quiet,
        )
    typer.echo(f"{len(written)} maps: {out}")
