import json
import subprocess
import sys

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from radpipe.cli.evaluate import evaluate
from radpipe.cli.predict import predict
from radpipe.cli.train import train
from radpipe.cli.validate import validate
from radpipe.errors import RadpipeError
from radpipe.prognosis.models.table import MODELS
from radpipe.store import Provenance, write_table
from tests.e2e.report_input import write_evaluation
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, few_events, simulate

ENDPOINT = ["--time", "os_days", "--event", "death"]


@pytest.fixture
def radpipe():
    app = typer.Typer()
    for verb in (evaluate, train, validate, predict):
        app.command()(verb)

    def run(*arguments):
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        if isinstance(result.exception, RadpipeError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return run


def main(*arguments):
    """Run the command line as a user does, with its own handling of errors and warnings."""
    return subprocess.run(
        [sys.executable, "-c", "from radpipe.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tables(tmp_path):
    features, clinical = simulate(60)
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    write_table(tmp_path / "t.parquet", features.reset_index(), Provenance(**PROVENANCE))
    features.to_csv(tmp_path / "t.csv")
    return tmp_path / "t.parquet", tmp_path / "clinical.csv"


def test_evaluate_writes_what_it_prints(radpipe, tables, tmp_path):
    table, clinical = tables
    quick = ["--repeats", 1, "--folds", 3, "--workers", 0]
    out = tmp_path / "[EVAL]"
    result = radpipe("evaluate", table, "--clinical", clinical, *ENDPOINT, "--out", out, *quick)
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("xgb_cox", "volume"):
        estimate = metrics["models"][name]["c_index"]["estimate"]
        assert f"{estimate:.3f}" in result.output
    assert str(out) in result.output
    assert metrics["source"]["provenance"] == PROVENANCE
    assert {path.name for path in out.iterdir()} == {
        "metrics.json",
        "predictions.parquet",
        "contributions.parquet",
    }


def test_train_validate_predict(radpipe, tables, tmp_path):
    table, clinical = tables
    model = tmp_path / "model"
    named = ["--clinical-columns", "age, sex"]
    result = radpipe("train", table, "--clinical", clinical, *ENDPOINT, "--out", model, *named)
    assert "60 patients" in result.output
    result = radpipe("validate", model, table, "--clinical", clinical, "--out", tmp_path / "v")
    assert "patient bootstrap" in result.output
    assert (tmp_path / "v" / "metrics.json").is_file()
    risk = tmp_path / "risk.csv"
    horizons = ["--horizons", "365,730", "--clinical", clinical]
    result = radpipe("predict", model, table, "--out", risk, *horizons)
    assert result.stderr == ""
    scores = pd.read_csv(risk, dtype={"patient_id": str})
    assert scores["patient_id"].tolist() == [f"{number:03d}" for number in range(60)]
    assert scores["survival_at_730"].between(0, 1).all()


def test_training_on_few_events_warns(radpipe, tables, tmp_path):
    table, clinical = tables
    few_events(pd.read_csv(clinical, dtype={"patient_id": str}), 8).to_csv(clinical, index=False)
    call = ["--clinical", clinical, *ENDPOINT, "--out"]
    ended = main("train", table, *call, tmp_path / "m")
    assert ended.returncode == 0
    told = "radpipe: trained on 8 events; `evaluate` needs 20 to judge such a model\n"
    assert ended.stderr == told
    quick = ["--workers", 0, "--folds", 4, "--repeats", 2]
    result = radpipe("evaluate", table, *call, tmp_path / "e", *quick)
    assert "withheld: 8 events; at least 20" in result.output


def test_a_table_without_provenance_is_scored_with_a_warning(radpipe, tables, tmp_path):
    table, clinical = tables
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path / "m")
    ended = main("predict", tmp_path / "m", tmp_path / "t.csv", "--out", tmp_path / "r.parquet")
    assert ended.returncode == 0
    told = "radpipe: the table does not tell how it was extracted: not compared\n"
    assert ended.stderr == told
    assert len(pd.read_parquet(tmp_path / "r.parquet")) == 60


def test_a_missing_column_is_told(radpipe, tables, tmp_path):
    table, clinical = tables
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path / "m")
    pd.read_parquet(table).drop(columns=TEXTURE).to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(RadpipeError, match=f"missing: {TEXTURE}"):
        radpipe("predict", tmp_path / "m", tmp_path / "less.csv", "--out", tmp_path / "r.csv")
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [("risk.txt", "unknown format"), ("clinical.csv", "there already"), ("no/r.csv", "not there")],
)
def test_predict_writes_new_tables_only(radpipe, tables, tmp_path, out, message):
    with pytest.raises(RadpipeError, match=message):
        radpipe("predict", tmp_path / "m", tables[0], "--out", tmp_path / out)


def test_predict_refuses_horizons_that_are_no_numbers(radpipe, tables, tmp_path):
    with pytest.raises(RadpipeError, match="not numbers"):
        radpipe("predict", "m", tables[0], "--out", tmp_path / "r.csv", "--horizons", "1y")


def test_evaluate_looks_at_its_output_before_it_works(radpipe, tables, tmp_path):
    table, clinical = tables
    with pytest.raises(RadpipeError, match="not empty"):
        radpipe("evaluate", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path)


def test_unmatched_patients_are_named_and_can_be_dropped(radpipe, tables, tmp_path):
    table, clinical = tables
    pd.read_csv(clinical, dtype={"patient_id": str}).iloc[1:].to_csv(clinical, index=False)
    call = ["train", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path / "m"]
    with pytest.raises(RadpipeError, match="--drop-unmatched"):
        radpipe(*call)
    assert list((tmp_path / "m").iterdir()) == []
    radpipe(*call, "--drop-unmatched")


def test_the_verbs_import_nothing_heavy():
    code = "import sys, radpipe.cli.evaluate, radpipe.cli.train, radpipe.cli.validate"
    code += (
        ", radpipe.cli.predict; print(sorted({'pandas', 'xgboost', 'sklearn'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", ["evaluate", "train", "validate", "demo"])
@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_have_a_range(verb, seed, tmp_path):
    ended = main(verb, "--seed", seed, "--out", tmp_path / "o")
    assert ended.returncode == 2
    assert "--seed" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("verb", ["evaluate", "demo"])
def test_workers_are_not_negative(verb, tmp_path):
    ended = main(verb, "--workers", -1, "--out", tmp_path / "o")
    assert ended.returncode == 2
    assert "--workers" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "o").exists()


def test_validating_on_the_training_patients_warns_in_one_line(radpipe, tables, tmp_path):
    table, clinical = tables
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path / "m")
    call = ["validate", tmp_path / "m", table, "--clinical", clinical, "--out", tmp_path / "v"]
    ended = main(*call)
    assert ended.returncode == 0
    assert ended.stderr.startswith("radpipe: 60 of 60 patients bear the patient_id of a training")
    assert ended.stderr.count("\n") == 1
    assert json.loads((tmp_path / "v" / "metrics.json").read_text())["overlap"] == 60


def test_help_names_every_model():
    told = main("train", "--help").stdout
    assert all(name in told for name in MODELS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["report", "{}/none", "--out", "{}/r.html"], "RunError: {}/none: no evaluation in this"),
        (
            ["report", "{}/e", "--out", "{}/r.html", "--run", "{}/no"],
            "RunError: {}/no: ",
        ),
        (["report", "{}/e", "--out", "{}/no/r.html"], "RunError: {}/no/r.html: cannot write"),
    ],
)
def test_report_tells_wrong_input(tmp_path, arguments, told):
    write_evaluation(tmp_path / "e")
    ended = main(*(one.format(tmp_path) for one in arguments))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"radpipe: {told.format(tmp_path)}")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("patients", "told"),
    [("5", "SettingsError: --patients: too few patients"), ("20", "not empty")],
)
def test_demo_tells_wrong_input(tmp_path, patients, told):
    (tmp_path / "mine.txt").touch()
    ended = main("demo", "--out", tmp_path, "--patients", patients)
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("radpipe: ")
    assert told in last
    assert "remedy:" in last
    assert "Traceback" not in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
