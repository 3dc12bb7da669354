import json
import re
import subprocess
import sys

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from radpipe.cli.evaluate import evaluate
from radpipe.errors import RadpipeError
from radpipe.store import Provenance, write_table
from tests.e2e.evaluation_input import write_evaluation
from tests.unit.prognosis.cohorts import PROVENANCE, few_events, simulate

ENDPOINT = ["--time", "os_days", "--event", "death"]


@pytest.fixture
def radpipe():
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(evaluate)

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


QUICK = ["--repeats", 1, "--folds", 3, "--workers", 0, "--permutations", 0]
TREES = [*QUICK, "--model", "xgb_cox"]


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_evaluate_writes_what_it_prints(radpipe, tables, tmp_path):
    table, clinical = tables
    out = tmp_path / "[EVAL]"
    call = ["--clinical", clinical, *ENDPOINT, "--out", out, *TREES, "--permutations", 1]
    result = radpipe("evaluate", table, *call, "--clinical-columns", "age, sex")
    metrics = metrics_of(out)
    assert "C-index (Nadeau-Bengio 95 %)" in result.output
    assert [*metrics["models"]] == ["volume", "clinical", "clinical_volume", "xgb_cox"]
    for facts in metrics["models"].values():
        assert f"{facts['c_index']['estimate']:.3f}" in result.output
    gain = metrics["models"]["xgb_cox"]["versus"]["volume"]["estimate"]
    assert f"{gain:+.3f}" in result.output
    assert str(out) in result.output
    assert metrics["source"]["provenance"] == {**PROVENANCE, "control": None}
    assert len(metrics["controls"]["label_permutation"]["values"]) == 1
    assert {path.name for path in out.iterdir()} == {
        "metrics.json",
        "predictions.parquet",
        "contributions.parquet",
        "selected.parquet",
        "subgroups.parquet",
    }


def test_without_a_time_the_endpoint_is_binary(radpipe, tables, tmp_path):
    table, clinical = tables
    call = ["--clinical", clinical, "--event", "early", "--out", tmp_path / "e", *QUICK]
    outcomes = pd.read_csv(clinical, dtype={"patient_id": str})
    outcomes.assign(early=(outcomes["os_days"] < 100).astype(int)).to_csv(clinical, index=False)
    result = radpipe("evaluate", table, *call, "--model", "xgb_classifier")
    assert "AUC (Nadeau-Bengio 95 %)" in result.output
    auc = metrics_of(tmp_path / "e")["models"]["xgb_classifier"]["auc"]
    assert auc["low"] <= auc["estimate"] <= auc["high"]
    assert f"{auc['estimate']:.3f}" in result.output


def test_columns_of_another_programs_table(radpipe, tables, tmp_path):
    features, clinical = simulate(60)
    features = features.rename(columns=lambda name: name.replace("original_", "CT "))
    hospital = ["north", "south"] * 30
    joined = features.merge(clinical, on="patient_id").assign(hospital=hospital, scan=1.0)
    joined["death"] = joined["death"].map({0: "censored", 1: "dead"})
    joined["Case No"] = joined.pop("patient_id")
    joined.to_csv(tmp_path / "all.csv", index=False)
    call = [tmp_path / "all.csv", "--id", "Case No", "--features", "CT *", *TREES]
    call += ["--time", "os_days", "--event", "death=dead", "--volume", "CT shape_MeshVolume"]
    call += ["--horizons", "60, 100", "--origin-days", "scan", "--batch", "hospital"]
    result = radpipe("evaluate", *call, "--out", tmp_path / "e", "--selection", "mrmr", "--keep", 3)
    metrics = metrics_of(tmp_path / "e")
    assert metrics["cohort"]["features"] == 6
    assert metrics["endpoint"]["value"] == "dead"
    assert metrics["endpoint"]["origin_days"] == "scan"
    assert metrics["design"]["horizons"] == [60, 100]
    assert metrics["design"]["batch"] == "hospital"
    assert metrics["design"]["selection"] == "mrmr"
    assert metrics["models"]["volume"]["column"] == "CT shape_MeshVolume"
    assert "xgb_cox" in result.output
    radpipe("evaluate", *call, "--out", tmp_path / "c", "--centre", "hospital")
    assert metrics_of(tmp_path / "c")["design"]["centres"] == ["north", "south"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--horizons", "1y"], "--horizons: not numbers"),
        (["--branch", "genes"], "--branch: no branch.*NAME=PATTERN"),
        (["--branch", "=rna_*"], "--branch: no branch"),
        (["--model", "xgb_coks"], "did you mean 'xgb_cox'"),
        (["--correlation", "0"], "--correlation: this setting makes no sense"),
        (["--selection", "lasso"], "--selection: this setting makes no sense"),
        (["--clinical-columns", "os_days"], "cannot predict itself"),
    ],
)
def test_wrong_options_are_told(radpipe, tables, tmp_path, given, told):
    table, clinical = tables
    with pytest.raises(RadpipeError, match=told):
        radpipe(
            "evaluate", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path / "e", *given
        )
    assert not (tmp_path / "e" / "metrics.json").exists()


def test_a_leak_ends_with_exit_code_3(tables, tmp_path):
    features, clinical = simulate(60)
    days = clinical.set_index("patient_id")["os_days"].loc[features["patient_id"]]
    features["original_glcm_Innocent"] = days.to_numpy()
    features.to_csv(tmp_path / "leaky.csv")
    call = ["--clinical", tables[1], *ENDPOINT, "--out", tmp_path / "e", *QUICK]
    ended = main("evaluate", tmp_path / "leaky.csv", *call)
    assert ended.returncode == 3
    assert ended.stderr.startswith("radpipe: LeakError: ")
    assert "original_glcm_Innocent" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "e" / "metrics.json").exists()


def test_columns_that_resemble_a_treatment_need_force(radpipe, tables, tmp_path):
    table, clinical = tables
    outcomes = pd.read_csv(clinical, dtype={"patient_id": str})
    outcomes.assign(chemotherapy=["yes", "no"] * 30).to_csv(clinical, index=False)
    call = ["--clinical", clinical, *ENDPOINT, *TREES, "--clinical-columns", "chemotherapy"]
    with pytest.raises(RadpipeError, match=r"chemotherapy.*--force"):
        radpipe("evaluate", table, *call, "--out", tmp_path / "e")
    radpipe("evaluate", table, *call, "--out", tmp_path / "f", "--force")


def test_unmatched_patients_are_named_and_can_be_dropped(radpipe, tables, tmp_path):
    table, clinical = tables
    pd.read_csv(clinical, dtype={"patient_id": str}).iloc[1:].to_csv(clinical, index=False)
    call = ["--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "e"]
    with pytest.raises(RadpipeError, match="--drop-unmatched"):
        radpipe("evaluate", table, *call)
    result = radpipe("evaluate", table, *call, "--drop-unmatched")
    missing = simulate(60)[1]["patient_id"].iloc[0]
    assert re.search(rf"left out, features without clinical row: {missing}\n", result.output)


def test_few_events_withhold_models(radpipe, tables, tmp_path):
    table, clinical = tables
    few_events(pd.read_csv(clinical, dtype={"patient_id": str}), 8).to_csv(clinical, index=False)
    call = ["--clinical", clinical, *ENDPOINT, "--out", tmp_path / "e"]
    quick = ["--workers", 0, "--folds", 4, "--repeats", 2]
    result = radpipe("evaluate", table, *call, *quick)
    assert "withheld: too few: 8 events" in result.output
    assert [*metrics_of(tmp_path / "e")["models"]] == ["volume"]


def test_evaluate_looks_at_its_output_before_it_works(radpipe, tables, tmp_path):
    table, clinical = tables
    with pytest.raises(RadpipeError, match="not empty"):
        radpipe("evaluate", table, "--clinical", clinical, *ENDPOINT, "--out", tmp_path)


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
