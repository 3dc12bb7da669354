"""What a user gets wrong ends with exit code 2 and one line that says what to do."""

import json
import logging
import pickle
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

import radpipe.cli
from radpipe.store import Provenance, write_table
from radpipe.store.files import seal_of
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, few_events, simulate

ENDPOINT = ["--time", "os_days", "--event", "death"]
QUICK = ["--repeats", 1, "--folds", 3, "--workers", 0, "--permutations", 0, "--quiet"]
QUICK += ["--model", "volume"]
PATIENTS = 60


@pytest.fixture
def ended(monkeypatch, capsys):
    """Run the command line in this process; return exit code, output, and what it complained of."""
    logger = logging.getLogger("radpipe")
    before = [*logger.handlers]

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["radpipe", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            radpipe.cli.main()
        logger.handlers[:] = before
        told = capsys.readouterr()
        return caught.value.code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Write a good cohort, and two models of it."""
    folder = tmp_path_factory.mktemp("good")
    features, clinical = simulate(PATIENTS)
    write_table(folder / "t.parquet", features.reset_index(), Provenance(**PROVENANCE))
    features.to_csv(folder / "t.csv")
    clinical.to_csv(folder / "c.csv", index=False)
    named = {"event": "death", "time": "os_days"}
    files = folder / "t.parquet", folder / "c.csv"
    radpipe.train(*files, **named, out=folder / "trees", model="xgb_cox")
    columns = ["age", "sex"]
    radpipe.train(
        *files, **named, out=folder / "both", model="clinical_volume", clinical_columns=columns
    )
    return folder


def refused(found, *told):
    code, _, complaint = found
    assert code == 2, complaint
    assert complaint.startswith("radpipe: ")
    assert complaint.count("\n") == 1
    assert "; remedy: " in complaint
    for each in told:
        assert each in complaint


def times(clinical, **cells):
    told = clinical["os_days"].astype(object)
    return clinical.assign(os_days=[cells.get(f"p{n}", told[n]) for n in range(len(told))])


def patient(clinical, row):
    return f"patient {clinical['patient_id'][row]}: "


def has_no_events(clinical):
    return clinical.assign(death=0), ENDPOINT, ["no event happened", f"0 events in {PATIENTS}"]


def has_one_event(clinical):
    return few_events(clinical, 1), ENDPOINT, ["fewer events than folds", "at least 3"]


def has_fewer_events_than_folds(clinical):
    more = [*ENDPOINT, "--folds", 5]
    return few_events(clinical, 4), more, ["fewer events than folds", "at least 5"]


def has_impossible_times(clinical):
    found = [patient(clinical, 3) + "0", patient(clinical, 5) + "-4"]
    return times(clinical, p3=0, p5=-4), ENDPOINT, [*found, "a positive number"]


def has_times_in_words(clinical):
    return times(clinical, p3="lost"), ENDPOINT, [patient(clinical, 3) + "lost"]


def has_words_among_numbers(clinical):
    ages = [*clinical["age"].astype("str")[:-1], "n/k"]
    more = [*ENDPOINT, "--clinical-columns", "age"]
    return clinical.assign(age=ages), more, ["column age", "n/k", "numbers, or empty"]


def codes_events_as_1_and_2(clinical):
    return clinical.assign(death=clinical["death"] + 1), ENDPOINT, ["--event 'death=2'"]


def codes_events_in_words(clinical):
    words = clinical["death"].map({0: "alive", 1: "dead"})
    return clinical.assign(death=words), ENDPOINT, ["--event 'death=dead'"]


def holds_a_patient_twice(clinical):
    twice = pd.concat([clinical, clinical[:1].assign(os_days=9.0)])
    return twice, ENDPOINT, [clinical["patient_id"][0], "contradict each other in os_days"]


def names_patients_otherwise(clinical):
    spaced = clinical["patient_id"].str[0] + " " + clinical["patient_id"].str[1:]
    return clinical.assign(patient_id=spaced), ENDPOINT, ["write the identifiers alike"]


def lacks_outcomes(clinical):
    lacking = clinical.assign(
        os_days=clinical["os_days"].where(clinical.index != 4),
        death=clinical["death"].where(clinical.index != 2),
    )
    late, dead = clinical["patient_id"][4], clinical["patient_id"][2]
    return lacking, ENDPOINT, [f"os_days of {late}; death of {dead};", "--drop-unmatched"]


def is_empty(clinical):
    return clinical[:0], ENDPOINT, ["the table has no rows"]


def has_times_for_an_event(clinical):
    return clinical, ["--event", "os_days"], ["--time 'os_days'", "60 different numbers"]


def needs_a_time(clinical):
    return clinical, ["--time", "", "--event", "death"], ["--time: an empty name"]


def needs_a_selection(clinical):
    return clinical, [*ENDPOINT, "--keep", 5], ["--keep", "--selection univariate or mrmr"]


CLINICAL = [
    has_no_events,
    has_one_event,
    has_fewer_events_than_folds,
    has_impossible_times,
    has_times_in_words,
    has_words_among_numbers,
    codes_events_as_1_and_2,
    codes_events_in_words,
    holds_a_patient_twice,
    names_patients_otherwise,
    lacks_outcomes,
    is_empty,
    has_times_for_an_event,
    needs_a_time,
    needs_a_selection,
]


@pytest.mark.parametrize("wrong", CLINICAL, ids=lambda wrong: wrong.__name__)
def test_wrong_clinical_tables_and_options(ended, home, tmp_path, wrong):
    frame, options, told = wrong(pd.read_csv(home / "c.csv", dtype={"patient_id": str}))
    frame.to_csv(tmp_path / "c.csv", index=False)
    call = ["--clinical", tmp_path / "c.csv", "--out", tmp_path / "e"]
    refused(ended("evaluate", home / "t.parquet", *call, *QUICK, *options), *told)
    assert not (tmp_path / "e" / "metrics.json").exists()


def test_what_is_left_after_dropping_is_evaluated(ended, home, tmp_path):
    frame, options, _ = lacks_outcomes(pd.read_csv(home / "c.csv", dtype={"patient_id": str}))
    frame.to_csv(tmp_path / "c.csv", index=False)
    call = ["--clinical", tmp_path / "c.csv", "--out", tmp_path / "e", *QUICK, *options]
    code, output, _ = ended("evaluate", home / "t.parquet", *call, "--drop-unmatched")
    assert code == 0
    assert f"{PATIENTS - 2} patients" in output


def in_semicolons(features, path):
    features.to_csv(path, sep=";", decimal=",")


def with_words(features, path):
    features[TEXTURE] = features[TEXTURE].astype(object)
    features.iloc[3, 2] = "n/a?"
    features.to_csv(path)


def without_rows(features, path):
    features[:0].to_csv(path)


def without_a_byte(features, path):
    path.touch()


def with_other_columns(features, path):
    features.rename(columns={TEXTURE: "texture"}).to_csv(path)


def with_a_case_twice(features, path):
    pd.concat([features, features[:1]]).to_csv(path)


FEATURES = [
    (in_semicolons, "commas for decimal points"),
    (with_words, "a feature column holds text; found: 'n/a?'"),
    (without_rows, "the table has no rows"),
    (without_a_byte, "a file without a byte"),
    (with_a_case_twice, "case_id is not unique; found: 000"),
]


@pytest.mark.parametrize(("write", "told"), FEATURES)
def test_wrong_feature_tables_are_not_evaluated(ended, home, tmp_path, write, told):
    write(simulate(PATIENTS)[0], tmp_path / "t.csv")
    call = ["--clinical", home / "c.csv", *ENDPOINT, "--out", tmp_path / "e", *QUICK]
    refused(ended("evaluate", tmp_path / "t.csv", *call), "t.csv", told)


@pytest.mark.parametrize(
    ("write", "told"), [*FEATURES, (with_other_columns, f"found: missing: {TEXTURE}")]
)
def test_wrong_feature_tables_are_not_scored(ended, home, tmp_path, write, told):
    write(simulate(PATIENTS)[0], tmp_path / "t.csv")
    call = ["predict", home / "trees", tmp_path / "t.csv", "--out", tmp_path / "r.csv"]
    refused(ended(*call), told)
    assert not (tmp_path / "r.csv").exists()


def test_semicolons_with_decimal_points_are_read(ended, home, tmp_path):
    simulate(PATIENTS)[0].to_csv(tmp_path / "t.csv", sep=";")
    ended("predict", home / "trees", home / "t.csv", "--out", tmp_path / "a.csv")
    ended("predict", home / "trees", tmp_path / "t.csv", "--out", tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize(
    ("verb", "lacking"), [("predict", "age, sex"), ("validate", "os_days, death, age, sex")]
)
def test_a_forgotten_clinical_table_is_asked_for(ended, home, tmp_path, verb, lacking):
    found = ended(verb, home / "both", home / "t.parquet", "--out", tmp_path / "o.csv")
    refused(found, "columns are missing", f"expected: {lacking};", "--clinical FILE")
    assert "did you mean" not in found[2]


def test_patients_without_a_clinical_row_need_not_stop_a_prediction(ended, home, tmp_path):
    clinical = pd.read_csv(home / "c.csv", dtype={"patient_id": str})
    clinical[2:].to_csv(tmp_path / "c.csv", index=False)
    call = ["predict", home / "both", home / "t.parquet", "--clinical", tmp_path / "c.csv"]
    call += ["--out", tmp_path / "r.csv"]
    refused(ended(*call), "--drop-unmatched")
    code, output, complaint = ended(*call, "--drop-unmatched")
    lacking = ", ".join(sorted(clinical["patient_id"][:2]))
    assert code == 0
    left_out, known = complaint.splitlines()
    assert left_out == f"radpipe: left out, features without clinical row: {lacking}"
    assert known.startswith(f"radpipe: {PATIENTS - 2} of {PATIENTS - 2} patients bear the identif")
    assert f"{PATIENTS - 2} patients: " in output
    assert len(pd.read_csv(tmp_path / "r.csv")) == PATIENTS - 2


def test_a_model_of_constant_features_is_made_with_a_warning(ended, home, tmp_path):
    features = simulate(PATIENTS)[0]
    features[features.columns[1:]] = 1.0
    features.to_csv(tmp_path / "t.csv")
    call = [tmp_path / "t.csv", "--clinical", home / "c.csv", *ENDPOINT]
    told = f"radpipe: no feature varies among the {PATIENTS} patients\n"
    code, output, complaint = ended("evaluate", *call, *QUICK, "--out", tmp_path / "e")
    assert (code, complaint) == (0, told)
    assert "0.500 (0.500 to 0.500)" in output
    code, _, complaint = ended("train", *call, "--model", "xgb_cox", "--out", tmp_path / "m")
    assert (code, complaint) == (0, told)
    call = ["predict", tmp_path / "m", tmp_path / "t.csv", "--out", tmp_path / "r.csv"]
    assert ended(*call)[0] == 0
    assert np.ptp(pd.read_csv(tmp_path / "r.csv")["risk_score"]) == 0


def test_train_takes_one_model(ended, home, tmp_path):
    call = ["--clinical", home / "c.csv", *ENDPOINT, "--out", tmp_path / "m"]
    refused(ended("train", home / "t.parquet", *call, "--model", "cox,fusion"), "takes one model")
    refused(ended("train", home / "t.parquet", *call, "--keep", 5), "--keep")


def change(**facts):
    def edit(folder):
        path = folder / "model.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))

    return edit


def change_and_seal(**facts):
    def edit(folder):
        path = folder / "model.json"
        content = {**json.loads(path.read_text()), **facts}
        content.pop("seal")
        path.write_text(json.dumps({**content, "seal": seal_of(content)}))

    return edit


def add(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (change(horizons=[1.0]), "was changed"),
        (change(schema=99), "a newer radpipe"),
        (change(schema=1), "an older radpipe"),
        (change(model="deepnet"), "was changed"),
        (change_and_seal(model="deepnet"), "a newer radpipe"),
        (change(schema=None), "not the model's description"),
        (add("model.json", b'{"a":'), "not the model's description"),
        (add("model.pkl", b""), "a pickle"),
        (add("notes.txt", pickle.dumps([1])), "a pickle"),
        (add("model.ubj", b"xx"), "missing or was changed"),
        (lambda folder: (folder / "model.ubj").unlink(), "missing or was changed"),
        (lambda folder: (folder / "model.json").unlink(), "no model in this directory"),
    ],
)
def test_models_that_were_tampered_with(ended, home, tmp_path, harm, told):
    shutil.copytree(home / "trees", tmp_path / "m")
    harm(tmp_path / "m")
    call = ["predict", tmp_path / "m", home / "t.parquet", "--out", tmp_path / "r.csv"]
    refused(ended(*call), "ModelError", told)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("nothing.csv", ["nothing.csv: cannot read the table", "no such file"]),
        ("", ["no run in this directory"]),
        ("c.csv", ["the table lacks columns of the model", TEXTURE]),
    ],
)
def test_a_table_that_is_none(ended, home, tmp_path, table, told):
    call = ["predict", home / "trees", home / table, "--out", tmp_path / "r.csv"]
    refused(ended(*call), *told)


def test_refused_horizons_are_told(ended, home, tmp_path):
    call = ["--clinical", home / "c.csv", "--horizons", "100,5000", "--out", tmp_path / "e"]
    code, output, _ = ended("evaluate", home / "t.parquet", *call, *ENDPOINT, *QUICK)
    assert code == 0
    assert "no measures at 5000: " in output
    assert "no measures at 100:" not in output
    call[-1] = tmp_path / "v"
    code, output, _ = ended("validate", home / "trees", home / "t.parquet", *call)
    assert code == 0
    assert "no measures at 5000: " in output
    metrics = json.loads((tmp_path / "v" / "metrics.json").read_text())
    assert metrics["design"]["horizons"] == [100]


def test_no_survival_is_told_beyond_the_follow_up_of_training(ended, home, tmp_path):
    longest = pd.read_csv(home / "c.csv")["os_days"].max()
    call = ["predict", home / "trees", home / "t.parquet", "--out", tmp_path / "r.csv"]
    refused(ended(*call, "--horizons", "100,9999"), "found: 9999;", f"at most {longest:g},")
    assert not (tmp_path / "r.csv").exists()


def test_volumes_below_zero_are_told_by_evaluate(ended, home, tmp_path):
    features = pd.read_csv(home / "t.csv", dtype={"patient_id": str})
    features[VOLUME] -= features[VOLUME].mean()
    features.to_csv(tmp_path / "t.csv", index=False)
    call = ["--clinical", home / "c.csv", "--out", tmp_path / "e"]
    code, _, complaint = ended("evaluate", tmp_path / "t.csv", *call, *ENDPOINT, *QUICK)
    assert code == 0
    below = (features[VOLUME] < 0).sum()
    assert f"radpipe: {VOLUME} is below 0 in {below} of {PATIENTS} patients" in complaint


def test_an_outcome_that_is_missing_suggests_no_other_part_of_the_model(ended, home, tmp_path):
    clinical = pd.read_csv(home / "c.csv", dtype={"patient_id": str})
    clinical = clinical.rename(columns={"death": "sexx"})
    clinical.to_csv(tmp_path / "c.csv", index=False)
    call = ["--clinical", tmp_path / "c.csv", "--out", tmp_path / "v"]
    found = ended("validate", home / "both", home / "t.parquet", *call)
    refused(found, "c.csv: a column is missing", "expected: death;", "name a column that is there")
    assert "did you mean" not in found[2]


def test_predict_names_no_option_that_it_lacks(ended, home, tmp_path):
    features, clinical = simulate(PATIENTS)
    pd.concat([features, features[:1].rename(lambda name: f"{name}b")]).to_csv(tmp_path / "t.csv")
    call = ["predict", home / "both", tmp_path / "t.csv", "--out", tmp_path / "r.csv"]
    refused(ended(*call), "several rows a patient; found: 000", "keep one row a patient, or")
    ages = [*clinical["age"].astype("str")[:-1], "n/k"]
    clinical.assign(age=ages).to_csv(tmp_path / "c.csv", index=False)
    call[2:3] = [home / "t.parquet", "--clinical", tmp_path / "c.csv"]
    refused(ended(*call), "n/k", "remedy: correct these cells, or empty them")
