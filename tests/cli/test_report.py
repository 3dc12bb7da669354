import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from radpipe.cli.report import report
from radpipe.errors import RunError, SettingsError
from tests.e2e.evaluation_input import write_evaluation
from tests.e2e.report_input import write_run


def _report(*arguments):
    app = typer.Typer()
    app.command()(report)
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_run_gets_a_page_of_its_cases(tmp_path):
    write_run(tmp_path / "run", ["only-case"])
    assert f"written: {tmp_path / 'run' / 'report.html'}" in _report(tmp_path / "run")
    assert "only-case" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_run_may_have_its_page_elsewhere(tmp_path):
    write_run(tmp_path / "run", ["only-case"])
    _report(tmp_path / "run", "--out", tmp_path / "p.html")
    assert "only-case" in (tmp_path / "p.html").read_text("utf-8")
    assert not (tmp_path / "run" / "report.html").exists()


def test_runs_beside_each_other_get_a_page_each(tmp_path):
    for name in ("mr", "ct"):
        write_run(tmp_path / name, [f"case of {name}"])
    (tmp_path / "other").mkdir()
    told = _report(tmp_path)
    assert told.index("ct/report.html") < told.index("mr/report.html")
    assert "case of ct" in (tmp_path / "ct" / "report.html").read_text("utf-8")
    assert "case of mr" in (tmp_path / "mr" / "report.html").read_text("utf-8")


def test_one_name_for_several_pages_is_refused(tmp_path):
    for name in ("mr", "ct"):
        write_run(tmp_path / name, ["a"])
    with pytest.raises(SettingsError, match=r"--out: one file name for several runs.*ct, .*mr;"):
        _report(tmp_path, "--out", tmp_path / "p.html")


def test_evaluation_gets_its_page(tmp_path):
    write_evaluation(tmp_path / "e")
    _report(tmp_path / "e", "--out", tmp_path / "r.html")
    assert "Is it better than tumour volume?" in (tmp_path / "r.html").read_text("utf-8")


def test_evaluation_gets_checklists_beside_its_page(tmp_path):
    write_evaluation(tmp_path / "e")
    told = _report(tmp_path / "e", "--out", tmp_path / "r.html")
    assert told.splitlines() == [
        f"written: {tmp_path / 'r.html'}",
        f"written: {tmp_path / 'r-checklists'}",
    ]
    written = {path.stem for path in (tmp_path / "r-checklists").iterdir()}
    assert written == {"tripod_ai", "clear", "metrics", "ibsi"}


def test_pages_beside_each_other_keep_their_checklists(tmp_path):
    write_evaluation(tmp_path / "a")
    write_evaluation(tmp_path / "b", kind="validation")
    _report(tmp_path / "a", "--out", tmp_path / "report.html")
    first = {path: path.read_bytes() for path in (tmp_path / "report-checklists").iterdir()}
    _report(tmp_path / "b", "--out", tmp_path / "report2.html")
    assert {path: path.read_bytes() for path in (tmp_path / "report-checklists").iterdir()} == first
    assert (tmp_path / "report2-checklists" / "tripod_ai.html").is_file()


@pytest.mark.parametrize(
    ("name", "remedy"), [("page", "page"), ("r.htm", "r"), ("r.HTML", "r"), (".", "report")]
)
@pytest.mark.parametrize("write", [write_evaluation, lambda path: write_run(path, ["a"])])
def test_a_page_that_no_browser_shows_is_not_made(tmp_path, name, remedy, write):
    write(tmp_path / "e")
    with pytest.raises(SettingsError, match=rf"does not end in \.html.*name it {remedy}\.html$"):
        _report(tmp_path / "e", "--out", name if name == "." else tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_evaluation_needs_a_file_name(tmp_path):
    write_evaluation(tmp_path / "e")
    with pytest.raises(SettingsError, match=r"needs a file name.*--out report\.html"):
        _report(tmp_path / "e")


def test_run_has_no_run_behind_it(tmp_path):
    write_run(tmp_path / "run", ["a"])
    with pytest.raises(SettingsError, match="--run: this is a run itself"):
        _report(tmp_path / "run", "--run", tmp_path / "run")


@pytest.mark.parametrize(("name", "told"), [("none", "no such directory"), ("empty", "neither")])
def test_directory_that_is_neither(tmp_path, name, told):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=f"no evaluation in this directory, and no run.*{told}"):
        _report(tmp_path / name)


def test_page_of_a_run_needs_no_image_library(tmp_path):
    """It is made where the run was copied to, a laptop perhaps."""
    write_run(tmp_path / "run", ["a"])
    block = (
        "for name in ('SimpleITK', 'numba', 'matplotlib', 'distributed'): sys.modules[name] = None"
    )
    code = f"import sys\n{block}\nfrom radpipe.cli import main; main()"
    call = [sys.executable, "-c", code, "report", str(tmp_path / "run")]
    ended = subprocess.run(call, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_run_has_no_explanations(tmp_path):
    write_run(tmp_path / "run", ["a"])
    with pytest.raises(SettingsError, match="--explained: this is a run itself"):
        _report(tmp_path / "run", "--explained", tmp_path / "x")
