import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sksurv.metrics import concordance_index_censored

from radpipe.errors import ModelError, RadpipeError, SettingsError, TableError
from radpipe.prognosis.evaluation import Evaluation, predict, train, validate, validation
from radpipe.prognosis.models.storage import load
from radpipe.prognosis.survival import (
    auc,
    brier_scores,
    concordance_index,
    kaplan_meier,
    make_endpoint,
    time_dependent_auc,
    uno_concordance,
)
from radpipe.store.files import read_json, write_json
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, few_events, simulate

ENDPOINT = {"time": "os_days", "event": "death"}
CLINICAL = ("age", "sex")


def others(patients=100, seed=8):
    """Patients of another hospital: other names."""
    features, clinical = simulate(patients, seed=seed)
    features["patient_id"] = "x" + features["patient_id"]
    return features, clinical.assign(patient_id="x" + clinical["patient_id"])


def make(folder, model="xgb_cox", **how):
    features, clinical = simulate()
    features.attrs["provenance"] = PROVENANCE
    call = {**ENDPOINT, "clinical_columns": CLINICAL, **how}
    return train(features, clinical, out=folder / "model", model=model, **call)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make(tmp_path_factory.mktemp("v"))


@pytest.fixture(scope="module")
def result(model):
    return validate(model.path, *others())


def rows_of(result, name):
    rows = result.predictions.query("model == @name")
    return rows, make_endpoint(rows["event"], rows["time"])


def test_the_frozen_model_scores(model, result):
    features, clinical = others()
    rows, _ = rows_of(result, "xgb_cox")
    scores = predict(model, features, clinical=clinical)
    assert rows["risk_score"].tolist() == scores["risk_score"].tolist()
    assert rows["group"].tolist() == scores["group"].tolist()
    assert result.metrics["design"]["model"] == model.path
    assert result.metrics["main"] == "xgb_cox"
    assert result.metrics["kind"] == "validation"


def test_the_baselines_are_those_of_the_training_patients(model, result):
    features, clinical = others()
    frame = features.merge(clinical, on="patient_id").astype({"age": float})
    assert list(result.metrics["models"]) == ["xgb_cox", "volume", "clinical", "clinical_volume"]
    for name, baseline in model.baselines.items():
        rows, _ = rows_of(result, name)
        expected = baseline.predict(frame[baseline.feature_names_in_.tolist()])
        assert rows["risk_score"].tolist() == expected.tolist()


def fields(y):
    return y["event"], y["time"]


def resampled(y, risk):
    """Return the 95 % interval of scikit-survival's C over patients drawn one by one."""
    random = np.random.default_rng(99)
    drawn = random.integers(len(y), size=(1000, len(y)))
    values = [concordance_index_censored(*fields(y[rows]), risk[rows])[0] for rows in drawn]
    return np.quantile(values, [0.025, 0.975])


def test_measures_are_those_of_the_predictions(result):
    for name, facts in result.metrics["models"].items():
        rows, y = rows_of(result, name)
        risk = rows["risk_score"].to_numpy()
        found = facts["c_index"]
        assert found["estimate"] == pytest.approx(concordance_index_censored(*fields(y), risk)[0])
        assert [found["low"], found["high"]] == pytest.approx(resampled(y, risk), abs=0.02)
        assert facts["uno"]["estimate"] == pytest.approx(uno_concordance(y, y, risk))
        for at in facts["horizons"]:
            expected = time_dependent_auc(y, y, risk, [at["time"]])[0]
            assert at["auc"]["estimate"] == pytest.approx(expected)
            survival = rows[f"survival_at_{at['time']:.15g}"]
            assert at["brier"] == pytest.approx(brier_scores(y, y, survival, [at["time"]])[0])


def test_differences_are_of_the_same_patients(result):
    facts = result.metrics["models"]
    gain = facts["xgb_cox"]["versus"]["volume"]
    estimates = [facts[name]["c_index"]["estimate"] for name in ("xgb_cox", "volume")]
    assert gain["estimate"] == pytest.approx(estimates[0] - estimates[1])
    assert gain["low"] < gain["estimate"] < gain["high"]
    assert list(facts["volume"]["versus"]) == ["clinical", "clinical_volume"]


def test_what_knows_no_predictors_is_the_training_patients_survival(model, result):
    y = simulate()[1]
    times, survival = kaplan_meier(make_endpoint(y["death"] == 1, y["os_days"]))
    _, cohort = rows_of(result, "volume")
    for at in result.metrics["models"]["volume"]["horizons"]:
        alike = np.full(len(cohort), survival[np.searchsorted(times, at["time"], "right") - 1])
        assert at["brier_null"] == pytest.approx(
            brier_scores(cohort, cohort, alike, [at["time"]])[0]
        )


def test_the_known_hazard_is_found_in_new_patients(result):
    features, _ = others()
    _, y = rows_of(result, "xgb_cox")
    oracle = concordance_index(y, features[TEXTURE])
    facts = result.metrics["models"]["xgb_cox"]
    assert oracle - 0.1 < facts["c_index"]["estimate"] <= oracle + 0.01
    assert facts["log_rank"]["p"] < 0.01
    assert facts["versus"]["volume"]["low"] > 0
    assert facts["likelihood_gain"]["low"] > 0
    first = result.contributions.query("model == 'xgb_cox'").iloc[0]
    assert first["feature"] == TEXTURE


def test_noise_separates_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "BOOTSTRAPS", 20)
    monkeypatch.setattr(validation, "PERMUTATIONS", 100)
    found = train(
        *simulate(100, effect=0), out=tmp_path / "m", model="clinical",
        clinical_columns=CLINICAL, **ENDPOINT,
    )  # fmt: skip
    values = []
    for seed in range(20, 32):
        metrics = validate(found, *simulate(80, effect=0, seed=seed)).metrics["models"]["clinical"]
        values.append((metrics["c_index"]["estimate"], metrics["log_rank"]["p"]))
    c, p = np.array(values).T
    assert abs(c.mean() - 0.5) < 3 * c.std(ddof=1) / np.sqrt(len(c))
    assert (p < 0.05).sum() <= 3


def test_horizons_are_the_models_own_where_the_cohort_allows_them(model, result):
    design = result.metrics["design"]
    assert design["horizons"] == model.facts["horizons"]
    few = validate(model, *others(24)).metrics["design"]
    assert few["horizons"] != model.facts["horizons"]
    assert {time for time, _ in few["refused_horizons"]} | {*few["horizons"]} == {
        *model.facts["horizons"]
    }
    asked = validate(model, *others(), horizons=[60, 1e6]).metrics["design"]
    assert asked["horizons"] == [60]
    assert asked["refused_horizons"][0][0] == 1e6
    with pytest.raises(SettingsError, match="a horizon is no time"):
        validate(model, *others(), horizons=[-1])


def test_categories_that_training_lacked_are_counted(tmp_path):
    features, clinical = simulate(120, seed=1)
    clinical["sex"] = np.resize(["m", "m", "f"], 120)
    how = {**ENDPOINT, "model": "clinical", "clinical_columns": ["age", "sex"]}
    saved = train(features, clinical, out=tmp_path / "m", **how)
    theirs, outcomes = others(60)
    assert validate(saved, theirs, outcomes).metrics["unseen"] == {}
    outcomes.loc[:6, "sex"] = "diverse"
    told = {"categories": ["diverse"], "patients": 7, "taken_as": "m"}
    assert validate(saved, theirs, outcomes).metrics["unseen"] == {"sex": told}


def test_no_horizon_lies_beyond_the_follow_up_of_training(tmp_path):
    features, clinical = simulate(120, seed=1)
    ended = clinical["os_days"] > 150
    clinical.loc[ended, ["os_days", "death"]] = [150, 0]
    clinical.loc[0, "os_days"] = 180.25
    saved = train(features, clinical, out=tmp_path / "m", model="volume", **ENDPOINT)
    design = validate(saved, *others(200), horizons=[60, 180.25, 200, 1e6]).metrics["design"]
    assert design["horizons"] == [60, 180.25]
    (early, why), (late, _) = design["refused_horizons"]
    assert (early, late) == (200, 1e6)
    assert why == "beyond the longest follow-up of the training patients, 180.25"


def test_recalibration_is_shown_apart(model, result):
    rows, _ = rows_of(result, "xgb_cox")
    found = result.metrics["recalibrated"]["xgb_cox"]
    facts = result.metrics["models"]["xgb_cox"]
    # The one slope of Cox regression on the frozen log-hazard, and its ridge.
    assert found["slope"] == pytest.approx(facts["calibration_slope"], rel=0.01)
    assert found["intercept"] is None
    assert [at["time"] for at in found["horizons"]] == [at["time"] for at in facts["horizons"]]
    for at in found["horizons"]:
        assert abs(np.log(at["calibration"]["ratio"]["estimate"])) < 0.2
    assert (
        rows["risk_score"].tolist()
        == predict(model, others()[0], clinical=others()[1])["risk_score"].tolist()
    )


def test_a_hospital_where_all_live_longer_is_seen_and_mended_by_recalibration(model):
    features, clinical = others(200)
    late = clinical.assign(os_days=clinical["os_days"] * 4)
    metrics = validate(model, features, late).metrics
    seen = metrics["models"]["xgb_cox"]["horizons"]
    mended = metrics["recalibrated"]["xgb_cox"]["horizons"]
    for before, after in zip(seen, mended, strict=True):
        assert before["calibration"]["ratio"]["high"] < 1
        assert after["calibration"]["ratio"]["low"] < 1 < after["calibration"]["ratio"]["high"]


def test_drift_is_told_column_by_column(model, result):
    told = {each["feature"]: each for each in result.metrics["drift"]["columns"]}
    assert {*told} == {*model.facts["columns"]}
    assert not result.metrics["drift"]["standardised"]
    features, clinical = others()
    metrics = validate(
        model, features.assign(**{VOLUME: features[VOLUME] * 1000}), clinical
    ).metrics
    assert metrics["drift"]["columns"][0]["feature"] == VOLUME
    assert metrics["drift"]["columns"][0]["outside"] > 0.9


def test_a_volume_of_another_name_takes_the_place_of_the_trained_one(model):
    features, clinical = others()
    renamed = features.rename(columns={VOLUME: "size"})
    expected = validate(model, features, clinical)
    found = validate(model, renamed, clinical, volume="size")
    pd.testing.assert_frame_equal(found.predictions, expected.predictions)
    assert found.metrics["models"]["volume"]["column"] == "size"


def test_training_patients_are_counted_and_told(model, caplog):
    features, clinical = others()
    assert validate(model, features, clinical).metrics["overlap"] == 0
    known = {"x001": "001", "x002": "002"}
    both = [frame.replace({"patient_id": known}) for frame in (features, clinical)]
    both[0].attrs = features.attrs
    caplog.clear()
    metrics = validate(model, *both).metrics
    assert metrics["overlap"] == 2
    assert metrics["leaks"]["found"] == {"patient_id": 2}
    told = "2 of 100 patients bear the patient_id of a training patient: no external validation"
    assert told in caplog.text
    assert "rename them if they are others" in caplog.text
    # Numbers in one file, text in the other: the same patient.
    assert validate(model, *simulate()).metrics["overlap"] == 80


def test_training_patients_under_another_name_are_found_by_their_values(model, caplog):
    features, clinical = (
        frame.assign(patient_id="y" + frame["patient_id"]) for frame in simulate()
    )
    metrics = validate(model, features, clinical).metrics
    assert metrics["overlap"] == 80
    assert "80 of 80 patients bear the values of all features of a training patient" in caplog.text
    assert "rename" not in caplog.text


def test_a_model_that_tells_no_patients_is_validated_all_the_same(tmp_path):
    saved = make(tmp_path)
    facts = {**saved.facts, "training": dict(saved.facts["training"])}
    del facts["training"]["patient_hashes"]
    found = validate(type(saved)(saved.model, facts, saved.path, saved.baselines), *others())
    assert found.metrics["overlap"] is None


def test_an_unknown_extraction_warns(model, caplog):
    features, clinical = others()
    validate(model, features, clinical)
    told = "the table does not tell how it was extracted: not compared"
    assert [record.getMessage() for record in caplog.records] == [told]
    caplog.clear()
    features.attrs["provenance"] = PROVENANCE
    validate(model, features, clinical)
    assert caplog.records == []


def test_a_binary_endpoint_has_auc_and_probabilities(tmp_path):
    saved = make(tmp_path, model="xgb_classifier", time=None)
    result = validate(saved, *others())
    metrics = json.loads(json.dumps(result.metrics, allow_nan=False))
    rows = result.predictions.query("model == 'xgb_classifier'")
    facts = metrics["models"]["xgb_classifier"]
    assert facts["auc"]["estimate"] == pytest.approx(auc(rows["event"], rows["risk_score"]))
    assert facts["auc"]["low"] < facts["auc"]["estimate"] < facts["auc"]["high"]
    squares = (rows["probability"] - rows["event"]) ** 2
    assert facts["brier"] == pytest.approx(squares.mean())
    share = simulate()[1]["death"].mean()
    assert facts["brier_null"] == pytest.approx(((share - rows["event"]) ** 2).mean())
    assert {"average_precision", "versus", "likelihood_gain"} <= facts.keys()
    assert "log_rank" not in facts
    assert metrics["recalibrated"]["xgb_classifier"]["intercept"] is not None
    assert metrics["design"]["horizons"] == []
    assert "time" not in rows
    with pytest.raises(ModelError, match="--time: this model knows no times"):
        validate(saved, *others(), time="os_days")


def test_what_was_saved_loads_again(result, tmp_path):
    result.save(tmp_path / "e")
    again = Evaluation.load(tmp_path / "e")
    assert again.metrics == json.loads(json.dumps(result.metrics, allow_nan=False))
    pd.testing.assert_frame_equal(again.predictions, result.predictions)
    assert again.subgroups.columns.tolist() == ["case_id", *CLINICAL]


def test_the_order_of_the_clinical_rows_does_not_matter(model, result):
    features, clinical = others()
    assert validate(model, features, clinical[::-1]).metrics == result.metrics


def test_another_endpoint_can_be_named(model, result):
    features, clinical = others()
    clinical = clinical.rename(columns={"os_days": "t", "death": "status"})
    clinical["status"] = np.where(clinical["status"] == 1, "dead", "alive")
    found = validate(model, features, clinical, time="t", event="status=dead")
    pd.testing.assert_frame_equal(found.predictions, result.predictions)


def test_a_cohort_with_few_events_is_measured_as_far_as_it_goes(model):
    features, clinical = others()
    metrics = validate(model, features, few_events(clinical, 3)).metrics
    assert metrics["design"]["horizons"] == []
    facts = metrics["models"]["xgb_cox"]
    assert facts["c_index"] is not None
    assert facts["horizons"] == []
    assert facts["integrated_brier"] is None
    assert metrics["recalibrated"]["xgb_cox"] is None


def test_cohorts_that_tell_nothing_are_refused(model):
    features, clinical = others(20)
    with pytest.raises(TableError, match="no event happened"):
        validate(model, features, clinical.assign(death=0))
    last = clinical["os_days"].idxmax()
    with pytest.raises(TableError, match="too few patients can be compared; found: 1 events in 20"):
        validate(model, features, clinical.assign(death=(clinical.index == last).astype(int)))


def test_without_its_columns_a_model_is_not_validated(model):
    features, clinical = others()
    with pytest.raises(ModelError, match=f"missing: {TEXTURE}"):
        validate(model, features.drop(columns=TEXTURE), clinical)
    with pytest.raises(RadpipeError, match="age"):
        validate(model, features, clinical.drop(columns="age"))


def test_a_baseline_whose_column_is_absent_is_withheld(tmp_path):
    features, clinical = simulate()
    sized = features.assign(size=features[VOLUME])
    call = {**ENDPOINT, "model": "xgb_cox", "volume": "size", "features": "original_glrlm_*"}
    saved = train(sized, clinical, out=tmp_path / "m", **call)
    assert saved.baselines["volume"].feature_names_in_.tolist() == ["size"]
    facts = {**saved.facts, "training": dict(saved.facts["training"])}
    facts["training"]["roles"] = {**facts["training"]["roles"], "volume": None}
    unnamed = type(saved)(saved.model, facts, saved.path, saved.baselines)
    metrics = validate(unnamed, *others()).metrics
    assert list(metrics["models"]) == ["xgb_cox"]
    assert metrics["withheld"] == {"volume": "the table has no column size"}


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seeds_are_refused(model, seed):
    with pytest.raises(SettingsError, match="--seed"):
        validate(model, "no table", seed=seed)


def test_nothing_of_the_model_changes(tmp_path):
    saved = make(tmp_path)
    files = {path: path.read_bytes() for path in Path(saved.path).rglob("*") if path.is_file()}
    validate(saved.path, *others())
    assert {path: path.read_bytes() for path in files} == files


def test_a_tampered_model_is_not_validated(tmp_path):
    saved = make(tmp_path)
    path = Path(saved.path) / "model.json"
    facts = read_json(path)
    facts["training"]["cuts"]["xgb_cox"] += 1
    write_json(path, facts)
    with pytest.raises(ModelError, match="was changed"):
        load(saved.path)


def test_hospitals_that_were_not_harmonised_are_counted(tmp_path):
    features, clinical = simulate()
    sites = clinical.assign(site=np.arange(len(clinical)) % 3)
    call = {**ENDPOINT, "model": "xgb_cox", "batch": "site"}
    saved = train(features, sites, out=tmp_path / "m", **call)
    theirs, outcomes = others(30)
    metrics = validate(saved, theirs, outcomes.assign(site=[7] * 20 + [1] * 10)).metrics
    assert metrics["design"]["unharmonised"] == {"7": 20}
    scores = predict(saved, theirs, clinical=outcomes.assign(site=7))
    # A new hospital alone makes no patient unlike.
    assert scores["unlike_training"].mean() < 0.2
