"""The command line: one short file a verb. Nothing heavy is imported before a verb runs."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from radpipe.cli.demo import demo
from radpipe.cli.embed import embed
from radpipe.cli.evaluate import evaluate
from radpipe.cli.explain import explain
from radpipe.cli.extract import extract
from radpipe.cli.help import Verb, Verbs
from radpipe.cli.maps import maps
from radpipe.cli.merge import merge
from radpipe.cli.perturb import perturb
from radpipe.cli.predict import predict
from radpipe.cli.report import report
from radpipe.cli.status import status
from radpipe.cli.train import train
from radpipe.cli.validate import validate
from radpipe.cli.verify import CHECK_FAILED, verify
from radpipe.errors import LeakError, RadpipeError

WRONG_INPUT = 2

app = typer.Typer(
    name="radpipe",
    cls=Verbs,
    help="From segmented medical images to an honest prognosis model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
VERBS = (
    extract, embed, status, merge, verify, maps, perturb, evaluate, train, validate, predict,
    explain, report, demo,
)  # fmt: skip


def _tell_version(asked: bool) -> None:
    if asked:
        from radpipe.version import VERSION

        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Tell which radpipe this is.", callback=_tell_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


for verb in VERBS:
    app.command(cls=Verb)(verb)


def main() -> None:
    """Run the command line; exit 0 done, 1 some cases failed, 2 wrong input, 3 a check failed."""
    # Our own logger alone: through the root, PyRadiomics and Dask would speak as well.
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("radpipe: %(message)s"))
    logging.getLogger("radpipe").addHandler(handler)
    try:
        app()
    except RadpipeError as error:
        sys.stderr.write(f"radpipe: {type(error).__name__}: {error}\n")
        raise SystemExit(CHECK_FAILED if isinstance(error, LeakError) else WRONG_INPUT) from None
