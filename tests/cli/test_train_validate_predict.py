import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from radpipe.cli.predict import predict
from radpipe.cli.train import train
from radpipe.cli.validate import validate
from radpipe.errors import RadpipeError
from radpipe.prognosis.models.table import MODELS
from radpipe.store import Provenance, write_table
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, few_events, simulate
from tests.unit.prognosis.embedded import vectors, write_run

ENDPOINT = ["--time", "os_days", "--event", "death"]
TREES = ["--model", "xgb_cox"]


@pytest.fixture
def radpipe():
    app = typer.Typer()
    for verb in (train, validate, predict):
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
        env={**os.environ, "COLUMNS": "200"},
    )


def write(folder, name="t", patients=60, seed=0, prefix=""):
    features, clinical = simulate(patients, seed=seed)
    for frame in (features, clinical):
        frame["patient_id"] = prefix + frame["patient_id"]
    paths = folder / f"{name}.parquet", folder / f"{name}_clinical.csv"
    write_table(paths[0], features.reset_index(), Provenance(**PROVENANCE))
    clinical.to_csv(paths[1], index=False)
    features.to_csv(folder / f"{name}.csv")
    return paths


@pytest.fixture
def tables(tmp_path):
    return write(tmp_path)


@pytest.mark.slow
def test_the_three_verbs_one_after_the_other(radpipe, tables, tmp_path):
    table, clinical = tables
    model = tmp_path / "[model]"
    named = ["--clinical-columns", "age, sex"]
    result = radpipe("train", table, "--clinical", clinical, *ENDPOINT, "--out", model, *named)
    assert "fusion trained on 60 patients" in result.output
    assert "volume, clinical, clinical_volume" in result.output
    assert str(model) in result.output

    other, theirs = write(tmp_path, "other", seed=7, prefix="x")
    out = tmp_path / "v"
    result = radpipe("validate", model, other, "--clinical", theirs, "--out", out)
    metrics = json.loads((out / "metrics.json").read_text())
    for facts in metrics["models"].values():
        assert f"{facts['c_index']['estimate']:.3f}" in result.output
    assert "patient bootstrap" in result.output
    assert metrics["drift"]["summary"] in result.output
    assert metrics["source"]["provenance"]["settings"] == PROVENANCE["settings"]

    risk = tmp_path / "risk.csv"
    horizons = ["--horizons", "365,730", "--clinical", theirs]
    result = radpipe("predict", model, other, "--out", risk, *horizons)
    assert result.stderr == ""
    scores = pd.read_csv(risk, dtype={"patient_id": str})
    assert scores["patient_id"].tolist() == [f"x{number:03d}" for number in range(60)]
    assert scores["survival_at_730"].between(0, 1).all()
    assert set(scores["group"]) <= {"high", "low"}


def test_one_table_a_binary_endpoint_and_another_identifier(radpipe, tmp_path):
    features, clinical = simulate(60)
    merged = features.merge(clinical, on="patient_id").rename(columns={"patient_id": "Case ID"})
    merged.to_csv(tmp_path / "all.csv", index=False)
    model = tmp_path / "m"
    call = ["--event", "death=1", "--id", "Case ID", "--model", "xgb_classifier"]
    radpipe("train", tmp_path / "all.csv", *call, "--out", model)
    renamed = merged.rename(columns={"Case ID": "who"})
    renamed["who"] = "x" + renamed["who"]
    renamed.to_csv(tmp_path / "new.csv", index=False)
    result = radpipe(
        "validate", model, tmp_path / "new.csv", "--id", "who", "--out", tmp_path / "v"
    )
    assert "AUC" in result.output
    out = tmp_path / "risk.parquet"
    radpipe("predict", model, tmp_path / "new.csv", "--id", "who", "--out", out)
    scores = pd.read_parquet(out)
    assert scores["probability"].between(0, 1).all()


def test_options_of_the_model_are_options_of_the_command(radpipe, tables, tmp_path):
    table, clinical = tables
    call = ["--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "m"]
    radpipe("train", table, *call, "--selection", "mrmr", "--keep", 2, "--correlation", 0.8)
    parameters = json.loads((tmp_path / "m" / "model.json").read_text())["parameters"]
    reduction = parameters["reduction"]
    assert (reduction["selection"], reduction["keep"]) == ("mrmr", 2)
    assert reduction["correlation"] == 0.8


def test_patients_unlike_the_training_patients_are_counted(radpipe, tables, tmp_path):
    table, clinical = tables
    model = tmp_path / "m"
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, *TREES, "--out", model)
    features = pd.read_csv(tmp_path / "t.csv", dtype={"patient_id": str}).iloc[:5]
    features.loc[[1, 3], features.columns[3:]] = 1e4
    features.to_csv(tmp_path / "strange.csv", index=False)
    result = radpipe("predict", model, tmp_path / "strange.csv", "--out", tmp_path / "r.csv")
    scores = pd.read_csv(tmp_path / "r.csv")
    assert scores["unlike_training"].tolist()[1::2] == [True, True]
    told = f"unlike the training patients: {np.count_nonzero(scores['unlike_training'])} of 5"
    assert told in result.output


def test_training_on_few_events_warns(tables, tmp_path):
    table, clinical = tables
    few_events(pd.read_csv(clinical, dtype={"patient_id": str}), 8).to_csv(clinical, index=False)
    ended = main("train", table, "--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "m")
    assert ended.returncode == 0
    told = "radpipe: trained on 8 events; `evaluate` needs 20 to judge such a model\n"
    assert ended.stderr == told


def test_a_table_without_provenance_is_scored_with_a_warning(radpipe, tables, tmp_path):
    table, clinical = tables
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "m")
    ended = main("predict", tmp_path / "m", tmp_path / "t.csv", "--out", tmp_path / "r.parquet")
    assert ended.returncode == 0
    told = "radpipe: the table does not tell how it was extracted: not compared"
    not_compared, known = ended.stderr.splitlines()
    assert not_compared == told
    assert "60 of 60 patients bear the identifier of a training patient" in known
    assert len(pd.read_parquet(tmp_path / "r.parquet")) == 60


def test_a_missing_column_is_told(radpipe, tables, tmp_path):
    table, clinical = tables
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "m")
    pd.read_parquet(table).drop(columns=TEXTURE).to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(RadpipeError, match=f"missing: {TEXTURE}"):
        radpipe("predict", tmp_path / "m", tmp_path / "less.csv", "--out", tmp_path / "r.csv")
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [("risk.txt", "unknown format"), ("t.csv", "there already"), ("no/r.csv", "not there")],
)
def test_predict_writes_new_tables_only(radpipe, tables, tmp_path, out, message):
    with pytest.raises(RadpipeError, match=message):
        radpipe("predict", tmp_path / "m", tables[0], "--out", tmp_path / out)


@pytest.mark.parametrize("verb", ["predict", "validate"])
def test_horizons_are_numbers(radpipe, tables, tmp_path, verb):
    with pytest.raises(RadpipeError, match="--horizons: not numbers"):
        radpipe(verb, "m", tables[0], "--out", tmp_path / "r.csv", "--horizons", "1y")


def test_unmatched_patients_are_named_and_can_be_dropped(radpipe, tables, tmp_path):
    table, clinical = tables
    pd.read_csv(clinical, dtype={"patient_id": str}).iloc[1:].to_csv(clinical, index=False)
    call = ["train", table, "--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "m"]
    with pytest.raises(RadpipeError, match="--drop-unmatched"):
        radpipe(*call)
    assert list((tmp_path / "m").iterdir()) == []
    radpipe(*call, "--drop-unmatched")


def test_validating_on_the_training_patients_warns_in_one_line(radpipe, tables, tmp_path):
    table, clinical = tables
    radpipe("train", table, "--clinical", clinical, *ENDPOINT, *TREES, "--out", tmp_path / "m")
    call = ["validate", tmp_path / "m", table, "--clinical", clinical, "--out", tmp_path / "v"]
    ended = main(*call)
    assert ended.returncode == 0
    assert ended.stderr.startswith("radpipe: 60 of 60 patients bear the patient_id or the values")
    assert ended.stderr.count("\n") == 1
    assert json.loads((tmp_path / "v" / "metrics.json").read_text())["overlap"] == 60


def test_a_leak_ends_training_with_exit_code_three(tables, tmp_path):
    table, clinical = tables
    known = pd.read_csv(clinical, dtype={"patient_id": str})
    known.assign(marker=-known["os_days"]).to_csv(clinical, index=False)
    call = ["--clinical", clinical, *ENDPOINT, *TREES, "--clinical-columns", "marker"]
    ended = main("train", table, *call, "--out", tmp_path / "m")
    assert ended.returncode == 3
    assert "a column alone orders the outcomes" in ended.stderr
    assert list((tmp_path / "m").iterdir()) == []


def test_a_wrong_model_directory_ends_with_exit_code_two(tables, tmp_path):
    ended = main("predict", tmp_path / "no", tables[0], "--out", tmp_path / "r.csv")
    assert ended.returncode == 2
    assert ended.stderr.startswith("radpipe: ModelError: ")
    assert ended.stderr.count("\n") == 1


def test_help_names_every_model():
    told = main("train", "--help").stdout
    assert all(name in told for name in MODELS)


def test_the_verbs_import_nothing_heavy():
    code = "import sys, radpipe.cli.train, radpipe.cli.validate, radpipe.cli.predict"
    code += "; print(sorted({'pandas', 'xgboost', 'sklearn'} & {*sys.modules}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_similar_patients_stand_in_the_table_and_on_a_page(radpipe, tmp_path):
    features, clinical = simulate(60, seed=2)
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    ids = [*features["patient_id"]]
    patches = np.random.default_rng(0).normal(size=(60, 6, 6, 6)).astype(np.float32)
    run = write_run(tmp_path / "run", vectors(ids, told=features[TEXTURE]), patches=patches)
    model, out, page = tmp_path / "model", tmp_path / "risk.csv", tmp_path / "risk.html"
    table = ["--clinical", tmp_path / "clinical.csv", "--model", "cnn", "--out", model]
    radpipe("train", run, *ENDPOINT, *table)
    told = radpipe("predict", model, run, "--similar", run, "--out", out).output
    assert f"those who looked alike: {page}" in " ".join(told.split("\n"))
    assert pd.read_csv(out, dtype=str)["similar_1"].isin(ids).all()
    assert page.read_text().count("data:image/png") >= 50
    out.unlink()
    with pytest.raises(RadpipeError, match=r"there already.*risk\.html"):
        radpipe("predict", model, run, "--similar", run, "--out", out)
    assert not out.exists()
