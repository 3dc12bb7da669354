"""``radpipe explain``: what it writes, says and refuses."""

import csv

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch")

from radpipe.cli.explain import explain
from radpipe.cli.report import report
from radpipe.errors import ModelError, RunError
from radpipe.prognosis.evaluation import evaluate, train
from tests.unit.prognosis import looking

OUTCOMES = {"event": "died", "time": "days"}


def call(verb, *arguments):
    app = typer.Typer()
    app.command()(verb)
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def run(tmp_path, monkeypatch):
    spec = looking.install(monkeypatch)
    run = looking.write_run(tmp_path / "run", spec, looking.network(spec))
    train(run, looking.cohort()[2], out=tmp_path / "model", model="cnn", **OUTCOMES)
    return run


def test_from_a_model_to_the_report(run, tmp_path):
    asked = (tmp_path / "model", run, "--weights", tmp_path / "ENCODER", "--quiet")
    told = call(explain, *asked, "--out", tmp_path / "x", "--cases", "a/b: <1>, case 03")
    assert f"2 cases: {tmp_path / 'x'}" in told
    assert "a/b: <1>: risk +" in told
    with (tmp_path / "x" / "explanations.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["case_id"] for row in rows] == ["a/b: <1>", "case 03"]
    assert all((tmp_path / "x" / row["picture"]).stat().st_size > 5000 for row in rows)
    design = {"repeats": 1, "folds": 3, "permutations": 0, "models": ["cnn"]}
    evaluate(run, looking.cohort()[2], **OUTCOMES, **design).save(tmp_path / "e")
    call(report, tmp_path / "e", "--out", tmp_path / "r.html", "--explained", tmp_path / "x")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "What does it look at?" in page
    assert "Which patients looked alike?" in page
    assert "a/b: &lt;1&gt;" in page


def test_what_cannot_be_written_is_told_before_the_work(run, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        call(explain, tmp_path / "model", run, "--out", tmp_path / "x")


def test_other_weights_are_refused(run, tmp_path):
    spec = looking.ENCODERS["toy"]
    looking.save_encoder(tmp_path / "OTHER", spec, looking.network(spec, seed=4))
    asked = (tmp_path / "model", run, "--weights", tmp_path / "OTHER", "--quiet")
    with pytest.raises(ModelError, match="not the weights that the model was made with"):
        call(explain, *asked, "--out", tmp_path / "x")
