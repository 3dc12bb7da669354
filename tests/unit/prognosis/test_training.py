import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import LeakError, ModelError, RunError, SettingsError, TableError
from radpipe.prognosis.evaluation import train
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.models.storage import load
from radpipe.prognosis.survival import kaplan_meier, make_endpoint
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, few_events, simulate

ENDPOINT = {"time": "os_days", "event": "death"}
TREES = {**ENDPOINT, "model": "xgb_cox"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    features, clinical = simulate()
    features.attrs["provenance"] = PROVENANCE
    out = tmp_path_factory.mktemp("models") / "m"
    return train(features, clinical, out=out, clinical_columns=["age", "sex"], **TREES)


def outcomes(patients=80):
    features, clinical = simulate(patients)
    return clinical.set_index("patient_id").loc[features["patient_id"]]


def test_the_baselines_are_trained_on_the_same_patients(saved):
    assert list(saved.baselines) == ["volume", "clinical", "clinical_volume"]
    assert saved.baselines["volume"].feature_names_in_.tolist() == [VOLUME]
    assert saved.baselines["clinical"].feature_names_in_.tolist() == ["age", "sex"]


def test_a_baseline_itself_is_not_kept_twice(tmp_path):
    found = train(*simulate(), out=tmp_path / "m", model="volume", **ENDPOINT)
    assert found.name == "volume"
    assert found.baselines == {}


def test_what_is_told_of_the_training_cohort_is_true(saved):
    y, training = outcomes(), saved.facts["training"]
    assert (training["patients"], training["events"]) == (80, y["death"].sum())
    features = {each["feature"]: each for each in training["columns"]}
    values = simulate()[0][TEXTURE]
    told = features[TEXTURE]
    expected = [values.min(), values.max(), values.mean(), values.std(ddof=0), 0.0]
    assert [told[name] for name in ("low", "high", "mean", "deviation", "missing")] == (
        pytest.approx(expected)
    )
    shares = y["sex"].value_counts(normalize=True)
    assert features["sex"]["categories"] == pytest.approx(shares.to_dict())
    times, survival = kaplan_meier(make_endpoint(y["death"] == 1, y["os_days"]))
    assert training["without_predictors"]["times"] == times.tolist()
    assert training["without_predictors"]["survival"] == survival.tolist()


def test_groups_are_cut_at_the_median_risk_of_the_training_patients(saved):
    frame = simulate()[0].join(outcomes()[["age", "sex"]].astype({"age": float}), on="patient_id")
    for name, model in saved.models().items():
        risk = model.predict(frame[model.feature_names_in_.tolist()])
        assert saved.facts["training"]["cuts"][name] == np.median(risk)


def test_horizons_are_quartiles_of_the_event_times_that_enough_patients_reach(saved):
    y = outcomes()
    times = np.sort(y.loc[y["death"] == 1, "os_days"])
    expected = np.quantile(times, [0.25, 0.5, 0.75], method="inverted_cdf")
    assert saved.facts["horizons"] == expected.tolist()


def test_a_binary_endpoint_is_trained_without_times(tmp_path):
    found = train(*simulate(), out=tmp_path / "m", event="death", model="xgb_classifier")
    assert found.binary
    assert found.facts["horizons"] == []
    share = outcomes()["death"].mean()
    assert found.facts["training"]["without_predictors"] == {"probability": share}


def test_the_model_names_no_patient_and_two_trainings_are_the_same_bytes(tmp_path):
    features, clinical = simulate()
    features, clinical = (
        frame.assign(patient_id="secret" + frame["patient_id"]) for frame in (features, clinical)
    )
    clinical.loc[0, "patient_id"] = "secret-other"
    for name in "ab":
        train(features, clinical, out=tmp_path / name, **TREES, unmatched="drop")
    written = (tmp_path / "a" / "model.json").read_text()
    assert "secret" not in written
    assert "secret" not in (tmp_path / "a" / "MODEL_CARD.md").read_text()
    for file in ("model.json", "model.ubj", "MODEL_CARD.md"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    training = json.loads(written)["training"]
    assert len(training["patient_hashes"]["sha256"]["patient_id"]) == 79
    assert sorted(training["excluded"].values())[-2:] == [1, 1]


def test_the_model_tells_its_provenance_once(saved):
    written = (Path(saved.path) / "model.json").read_text()
    assert written.count('"values_version"') == 1


@pytest.mark.parametrize(("patients", "seed"), [(60, 1), (83, 2)])
def test_the_card_tells_the_true_numbers(tmp_path, patients, seed):
    features, clinical = simulate(patients, seed=seed)
    found = train(features, clinical, out=tmp_path / "m", model="volume", **ENDPOINT)
    card = (Path(found.path) / "MODEL_CARD.md").read_text()
    numbers = re.findall(r"\d+", card)
    assert str(patients) in numbers
    assert str(clinical["death"].sum()) in numbers


def test_options_reach_the_model(tmp_path):
    options = ModelOptions(selection="univariate", keep=2)
    found = train(*simulate(), out=tmp_path / "m", options=options, **TREES)
    assert len(found.model.used()) <= 2
    with pytest.raises(SettingsError, match="--keep"):
        train(*simulate(), out=tmp_path / "n", options=ModelOptions(keep=0), **TREES)


def test_training_on_few_events_warns(tmp_path, caplog):
    features, clinical = simulate()
    for name, warnings in (("volume", 0), ("xgb_cox", 1)):
        call = {**ENDPOINT, "out": tmp_path / name, "model": name}
        train(features, few_events(clinical, 19), **call)
        assert len(caplog.records) == warnings
    assert "trained on 19 events; `evaluate` needs 20" in caplog.text


def test_training_without_events_is_refused(tmp_path):
    features, clinical = simulate(20)
    with pytest.raises(TableError, match="no event happened"):
        train(features, few_events(clinical, 0), out=tmp_path / "m", **TREES)


def test_a_column_that_alone_orders_the_outcomes_is_a_leak(tmp_path):
    features, clinical = simulate()
    clinical = clinical.assign(marker=-clinical["os_days"])
    with pytest.raises(LeakError, match="marker"):
        train(features, clinical, out=tmp_path / "m", clinical_columns=["marker"], **TREES)


def test_an_unknown_model_and_a_full_directory_are_refused_before_the_tables_are_read(tmp_path):
    with pytest.raises(ModelError, match="mean 'xgb_cox'"):
        train("no table", out=tmp_path / "m", **{**TREES, "model": "xgb_cax"})
    (tmp_path / "precious").touch()
    with pytest.raises(RunError, match="not empty"):
        train("no table", out=tmp_path, **TREES)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seeds_are_refused(tmp_path, seed):
    with pytest.raises(SettingsError, match="--seed"):
        train("no table", out=tmp_path / "m", seed=seed, **TREES)


def test_one_table_may_hold_all(tmp_path):
    features, clinical = simulate()
    table = features.merge(clinical, on="patient_id").rename(columns={"patient_id": "who"})
    table.to_csv(tmp_path / "all.csv", index=False)
    call = {**TREES, "clinical_columns": ["age"], "id": "who"}
    found = train(tmp_path / "all.csv", out=tmp_path / "m", **call)
    assert found.facts["training"]["patients"] == 80
    assert load(found.path).facts["columns"] == found.facts["columns"]
    assert pd.Index(found.facts["columns"]).is_unique
