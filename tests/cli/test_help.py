"""What --help tells: whole sentences, and options under their headings."""

import inspect
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from radpipe.cli import VERBS, app


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--help"])
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_all_of_what_a_verb_does_is_told(verb) -> None:
    summary = (inspect.getdoc(verb) or "").splitlines()[0]
    assert summary in " ".join(told().split())
    assert summary in " ".join(told(verb.__name__).split())


def test_options_stand_under_their_headings() -> None:
    text = told("evaluate")
    one_of = {
        "Arguments:": "  table <",
        "Options:": "  --event <",
        "Columns and patients:": "  --batch <",
        "Models:": "  --trials <",
        "Evaluation:": "  --folds <",
    }
    places = [text.index(f"\n{heading}\n") for heading in one_of]
    assert places == sorted(places)
    for option, start, end in zip(one_of.values(), places, [*places[1:], None], strict=True):
        assert option in text[start:end]


def test_help_does_without_rich() -> None:
    code = (
        "import sys; from radpipe.cli import main; sys.argv[1:] = ['extract', '--help']\n"
        "try: main()\n"
        "except SystemExit: sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
