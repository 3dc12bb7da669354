"""``radpipe embed``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radpipe.cli import batch
from radpipe.cli.interrupt import told_if_interrupted
from radpipe.cli.options import names_in
from radpipe.errors import SettingsError
from radpipe.networks.encoders import ENCODERS

if TYPE_CHECKING:
    from radpipe.extraction.embedding import Embedded

# Panels of --help.
FIT = "An encoder that is fitted to the cohort"


def embed(
    cohort: batch.Cohort,
    encoder: Annotated[str, typer.Option(help=f"One of {', '.join(ENCODERS)}.")],
    out: Annotated[Path, typer.Option(help="Directory: new, or a run to go on with.")],
    weights: Annotated[
        str | None,
        typer.Option(help="File, directory that radpipe saved, or hub. None: fitted to COHORT."),
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Of the hub: the commit.")] = None,
    sha256: Annotated[str | None, typer.Option(help="That the file of weights must have.")] = None,
    compat: Annotated[
        bool, typer.Option("--compat", help="Crop as the encoder's authors do: fmcib.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take images of a modality it was not made for.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: batch.Workers = None,
    scheduler: batch.Scheduler = None,
    memory: batch.Memory = None,
    timeout: batch.Timeout = 3600,
    retry: batch.Retry = "failed",
    fresh: batch.Fresh = False,
    spacing: Annotated[
        str | None,
        typer.Option(help="Of the patch's voxels, mm: 2, or 3,1,1 (z,y,x).", rich_help_panel=FIT),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            help="Intensities that become 0 and 1: LOW,HIGH. Else standardised.",
            rich_help_panel=FIT,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="autoencoder or vicreg. Default: autoencoder.", rich_help_panel=FIT),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the cohort.", rich_help_panel=FIT)
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Stop after so many epochs that held-out cases gain nothing from. Default: never.",
            rich_help_panel=FIT,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(help="Augmentations: NAME,NAME. Default: the method's.", rich_help_panel=FIT),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides all that is random.", rich_help_panel=FIT)
    ] = None,
    quiet: batch.Quiet = False,
    as_json: batch.AsJson = False,
) -> None:
    """Embed every case of a cohort with a CNN; given again, do what is missing."""
    from radpipe.extraction.embedding import Order, embed_run
    from radpipe.store import Run

    order = Order(
        encoder,
        weights,
        revision=revision,
        sha256=sha256,
        compat=compat,
        force=force,
        spacing_mm=_spacing(spacing),
        window=_window(window),
        method=method,
        epochs=epochs,
        patience=patience,
        seed=seed,
        augment=None if augment is None else tuple(names_in(augment)),
        device=device,
    )
    options = batch.batch_options(workers, scheduler, memory, timeout, retry, fresh)
    with told_if_interrupted(batch.kept_in(out, fresh), out):
        done = embed_run(cohort, order, out, options=options, progress=not quiet)
    exit_code = batch.SOME_CASES_FAILED if done.failures else 0
    if as_json:
        typer.echo(json.dumps({**asdict(done), "exit_code": exit_code}, indent=1))
    batch.tell_done(
        done.rows, done.cases, _kept(done), done.seconds, done.embeddings, to_stderr=as_json
    )
    # Those without an embedding have been named.
    batch.tell_failures(Run(out).patch_run, done.failures - len(done.not_finite))
    if exit_code:
        raise typer.Exit(exit_code)


def _kept(done: Embedded) -> str:
    if done.reused:
        return f"{done.reused} of them"
    return f"patches of {done.reused_patches} of them" if done.reused_patches else ""


def _spacing(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    found = _numbers(text, "--spacing", "for example 2, or 3,1,1", (1, 3))
    z, y, x = found * 3 if len(found) == 1 else found
    return z, y, x


def _window(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, high = _numbers(text, "--window", "for example -1000,400", (2,))
    return low, high


def _numbers(text: str, where: str, expected: str, counts: tuple[int, ...]) -> list[float]:
    try:
        found = [float(part) for part in names_in(text)]
    except ValueError:
        found = []
    if len(found) not in counts:
        raise SettingsError(
            "not such numbers",
            where=where,
            found=text,
            expected=expected,
            remedy="separate numbers by commas, or leave it out for the encoder's own",
        )
    return found
