import json
import re
from math import sqrt
from pathlib import Path
from statistics import stdev

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import ModelError, RunError, SettingsError, TableError
from radpipe.prognosis.evaluation import Evaluation, evaluate, predict, train, validate
from radpipe.prognosis.evaluation.gain import gain_over_volume
from radpipe.prognosis.survival import concordance_index, make_endpoint, nadeau_bengio
from radpipe.store.files import read_json, write_json
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, few_events, simulate

ENDPOINT = {"time": "os_days", "event": "death"}
QUICK = {**ENDPOINT, "repeats": 2, "folds": 3}


def others(patients: int = 30, seed: int = 8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients of another hospital: other names."""
    features, clinical = simulate(patients, seed=seed)
    features["patient_id"] = "x" + features["patient_id"]
    return features, clinical.assign(patient_id="x" + clinical["patient_id"])


def numpy_c(part: pd.DataFrame) -> float:
    return concordance_index(make_endpoint(part["event"], part["time"]), part["risk_score"])


@pytest.fixture(scope="module")
def result():
    return evaluate(*simulate(), **QUICK)


@pytest.fixture
def model(tmp_path):
    features, clinical = simulate()
    features.attrs["provenance"] = PROVENANCE
    return train(features, clinical, out=tmp_path / "model", **ENDPOINT)


def test_fold_c_indices_follow_from_the_predictions(result):
    for name, facts in result.metrics["models"].items():
        rows = result.predictions[result.predictions["model"] == name]
        values = [numpy_c(part) for _, part in rows.groupby(["repeat", "fold"])]
        assert values == pytest.approx([fold["c_index"] for fold in facts["folds"]], abs=1e-12)
        sizes = rows.groupby(["repeat", "fold"]).size()
        folds = rows["fold"].nunique()
        expected = nadeau_bengio(values, float(np.mean(sizes / (80 - sizes))), folds)
        assert list(facts["c_index"].values()) == pytest.approx(expected, abs=1e-12)


def test_the_gain_over_volume_is_that_of_the_folds(result):
    facts = result.metrics["models"]
    folds = zip(facts["xgb_cox"]["folds"], facts["volume"]["folds"], strict=True)
    gains = [ours["c_index"] - theirs["c_index"] for ours, theirs in folds]
    gain = facts["xgb_cox"]["gain_over_volume"]
    assert gain["estimate"] == pytest.approx(np.mean(gains), abs=1e-12)
    assert gain["low"] < gain["estimate"] < gain["high"]
    assert "gain_over_volume" not in facts["volume"]


def folds_of(*values):
    return [{"repeat": 0, "fold": place, "c_index": value} for place, value in enumerate(values)]


def test_the_gain_has_nadeau_and_bengios_interval():
    gains = [0.1, 0.2, 0.0, 0.15, 0.05]
    gain = gain_over_volume(folds_of(*(0.6 + one for one in gains)), folds_of(*[0.6] * 5), 1 / 4, 5)
    # Student's t, 97.5 %, 4 degrees of freedom.
    half = 2.7764451051977987 * stdev(gains) * sqrt(1 / 5 + 1 / 4)
    assert gain.estimate == pytest.approx(0.1)
    assert gain.high - gain.estimate == pytest.approx(half, rel=1e-12)
    assert gain.estimate - gain.low == pytest.approx(half, rel=1e-12)


def test_folds_without_a_c_index_are_left_out_of_the_gain():
    gain = gain_over_volume(folds_of(0.7, None, 0.9, 0.8), folds_of(0.6, 0.6, 0.6, None), 1 / 3, 4)
    assert gain.estimate == pytest.approx(0.2)
    assert gain_over_volume(folds_of(0.7, None), folds_of(0.6, 0.6), 1, 2) is None


def test_every_patient_is_predicted_once_a_repeat(result):
    for _, part in result.predictions.groupby(["model", "repeat"]):
        assert sorted(part["patient_id"]) == [f"{number:03d}" for number in range(80)]


def test_volume_is_scored_by_itself_in_the_same_folds(result):
    features, _ = simulate()
    rows = result.predictions.query("model == 'volume'")
    assert rows["risk_score"].tolist() == features.loc[rows["case_id"], VOLUME].tolist()
    places = ["repeat", "fold", "patient_id"]
    assert rows[places].to_numpy().tolist() == (
        result.predictions.query("model == 'xgb_cox'")[places].to_numpy().tolist()
    )
    assert result.metrics["models"]["volume"]["column"] == VOLUME


def test_groups_divide_at_the_median_of_the_training_patients(result):
    rows = result.predictions.query("model == 'volume' and repeat == 0")
    for fold, part in rows.groupby("fold"):
        median = rows.loc[rows["fold"] != fold, "risk_score"].median()
        assert (part["group"] == "high").tolist() == (part["risk_score"] > median).tolist()


def test_the_known_hazard_is_found_and_told(result):
    features, clinical = simulate()
    y = clinical.set_index("patient_id").loc[features["patient_id"]]
    oracle = concordance_index(make_endpoint(y["death"], y["os_days"]), features[TEXTURE])
    assert abs(result.metrics["models"]["xgb_cox"]["c_index"]["estimate"] - oracle) < 0.1
    assert result.contributions["feature"].iloc[0] == TEXTURE
    assert result.contributions["mean_abs_contribution"].is_monotonic_decreasing


def test_noise_is_not_found():
    found = [
        evaluate(
            *simulate(60, effect=0, seed=seed), repeats=1, folds=3, seed=seed, **ENDPOINT
        ).metrics["models"]["xgb_cox"]["c_index"]["estimate"]
        for seed in range(12)
    ]
    assert abs(np.mean(found) - 0.5) < 3 * np.std(found, ddof=1) / np.sqrt(len(found))
    assert np.std(found) < 0.1


def test_metrics_hold_what_the_report_needs(result):
    metrics = json.loads(json.dumps(result.metrics, allow_nan=False))
    assert metrics["kind"] == "cross-validation"
    assert metrics["endpoint"] == ENDPOINT
    assert metrics["cohort"]["patients"] == 80
    assert metrics["cohort"]["features"] == 6
    assert metrics["design"]["interval"] == "Nadeau-Bengio 95 %"
    assert metrics["withheld"] == {}
    assert metrics["source"]["table"] == "simulated"
    assert {"radpipe", "python", "xgboost"} <= set(metrics["versions"])
    assert len(metrics["models"]["xgb_cox"]["folds"]) == 6


def test_the_order_of_the_rows_in_the_clinical_table_does_not_matter(result):
    features, clinical = simulate()
    again = evaluate(features, clinical[::-1], **QUICK)
    assert again.metrics == result.metrics


def test_workers_change_no_byte(result, tmp_path):
    with_workers = evaluate(*simulate(), **QUICK, workers=2)
    for each, folder in ((result, "alone"), (with_workers, "workers")):
        each.save(tmp_path / folder)
    for file in ("metrics.json", "predictions.parquet", "contributions.parquet"):
        alone, workers = (tmp_path / folder / file for folder in ("alone", "workers"))
        assert alone.read_bytes() == workers.read_bytes()


def test_saving_overwrites_nothing(result, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(RunError, match="not empty"):
        result.save(tmp_path)


def test_what_was_saved_loads_again(result, tmp_path):
    result.save(tmp_path / "e")
    again = Evaluation.load(tmp_path / "e")
    assert again.metrics == result.metrics
    pd.testing.assert_frame_equal(again.predictions, result.predictions)
    pd.testing.assert_frame_equal(again.contributions, result.contributions)


def test_below_twenty_events_only_volume_is_evaluated():
    features, clinical = simulate()
    result = evaluate(features, few_events(clinical, 19), **QUICK)
    assert set(result.metrics["models"]) == {"volume"}
    assert "19 events; at least 20" in result.metrics["withheld"]["xgb_cox"]
    assert result.contributions is None
    assert result.metrics["design"]["inner_folds"] is None
    twenty = evaluate(features, few_events(clinical, 20), **QUICK)
    assert set(twenty.metrics["models"]) == {"volume", "xgb_cox"}
    assert twenty.metrics["design"]["inner_folds"] == 3


def test_fewer_events_than_folds_are_refused():
    features, clinical = simulate()
    with pytest.raises(TableError, match=r"fewer events than folds; found: 4 events.*at least 5"):
        evaluate(features, few_events(clinical, 4), **ENDPOINT)


def test_without_a_volume_column_the_metrics_say_so():
    features, clinical = simulate()
    result = evaluate(features.drop(columns=VOLUME), clinical, **QUICK)
    assert set(result.metrics["models"]) == {"xgb_cox"}
    assert "no volume column" in result.metrics["withheld"]["volume"]


def test_folds_without_pairs_are_counted_and_left_out():
    features, clinical = simulate(12)
    # Only the longest followed have the event: most test folds cannot compare anyone.
    late = clinical.assign(os_days=range(1, 13), death=[0] * 6 + [1, 0, 1, 0, 1, 0])
    result = evaluate(features, late, time="os_days", event="death", repeats=4, folds=3, seed=1)
    facts = result.metrics["models"]["volume"]
    without = [fold for fold in facts["folds"] if fold["c_index"] is None]
    assert facts["folds_without_pairs"] == len(without) > 0


def test_named_clinical_columns_predict_and_others_do_not():
    features, clinical = simulate(60)
    clinical = clinical.assign(leak=-clinical["os_days"])
    plain, told = (
        evaluate(features, clinical, clinical_columns=columns, **QUICK)
        for columns in ((), ("leak", "sex"))
    )
    assert set(plain.contributions["feature"]).isdisjoint({"leak", "sex", "age"})
    assert told.contributions["feature"].iloc[0] == "leak"


def test_a_clinical_column_named_like_a_feature_is_none(result):
    features, clinical = simulate()
    leak = {"followup_shape_Volume": clinical["os_days"], f"late_{VOLUME}": 1.0, "label": 2}
    plain = evaluate(features, clinical.assign(**leak), **QUICK)
    assert plain.metrics == result.metrics
    pd.testing.assert_frame_equal(plain.contributions, result.contributions)
    alone = features[["patient_id", TEXTURE]]
    found = evaluate(alone, clinical.assign(**leak), **QUICK).metrics
    assert set(found["models"]) == {"xgb_cox"}
    assert found["cohort"]["features"] == 1


def test_an_event_called_like_a_key_column_is_the_clinical_tables():
    features, clinical = simulate()
    clinical = clinical.rename(columns={"death": "label"})
    call = {**QUICK, "event": "label", "model": "volume"}
    events = evaluate(features, clinical, **call).metrics["cohort"]["events"]
    assert events == clinical["label"].sum()
    with pytest.raises(TableError, match=r"both tables hold.*found: label;.*rename it"):
        evaluate(features.assign(label=1), clinical, **call)


def test_predict_takes_clinical_columns_from_the_clinical_table(tmp_path):
    features, clinical = simulate()
    saved = train(features, clinical, out=tmp_path / "m", clinical_columns=["age"], **ENDPOINT)
    with pytest.raises(TableError, match=r"both tables hold.*found: age;"):
        predict(saved, features.assign(age=1), clinical=clinical)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"time": "os_dayz"}, "a column is missing.*found: patient_id, os_days, death, age, sex;"),
        ({"clinical_columns": ["agee"]}, "a column is missing.*did you mean 'age'"),
        ({"folds": 70}, "column death: fewer events than folds"),
        ({"time": "zero"}, "a column is missing.*expected: zero"),
    ],
)
def test_errors_about_outcomes_name_the_clinical_file(tmp_path, change, told):
    features, clinical = simulate()
    clinical.to_csv(tmp_path / "outcomes.csv", index=False)
    with pytest.raises(TableError, match=f"outcomes.csv(, |: ){told}"):
        evaluate(features, tmp_path / "outcomes.csv", **{**QUICK, **change})


def test_a_wrong_endpoint_names_the_clinical_file(tmp_path):
    features, clinical = simulate()
    clinical.assign(os_days=-1).to_csv(tmp_path / "outcomes.csv", index=False)
    with pytest.raises(TableError, match=r"outcomes\.csv, column os_days: the endpoint is wrong"):
        evaluate(features, tmp_path / "outcomes.csv", **QUICK)


def test_a_table_without_features_is_named(tmp_path):
    features, clinical = simulate()
    told = r"simulated: no column to learn from; found: patient_id.*expected.*--clinical-columns"
    for name in ("xgb_cox", "volume"):
        with pytest.raises(TableError, match=told):
            train(features[["patient_id"]], clinical, out=tmp_path, model=name, **ENDPOINT)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seeds_are_refused(model, tmp_path, seed):
    told = f"--seed: no such seed; found: {seed}; expected: a whole number from 0 to 4294967295"
    for verb, call in (
        (evaluate, QUICK),
        (train, {**ENDPOINT, "out": tmp_path / "m"}),
        (lambda *tables, **how: validate(model, *tables, **how), {}),
    ):
        with pytest.raises(SettingsError, match=told):
            verb(*simulate(), **call, seed=seed)


def test_the_largest_seed_is_one(tmp_path):
    largest = 2**32 - 1
    assert evaluate(*simulate(40), **QUICK, seed=largest).metrics["design"]["seed"] == largest
    saved = train(*simulate(40), out=tmp_path / "m", **ENDPOINT, seed=largest)
    assert validate(saved, *others(), seed=largest).metrics["design"]["seed"] == largest


def test_negative_workers_are_refused_before_the_tables_are_read():
    with pytest.raises(SettingsError, match="--workers"):
        evaluate("no table", "no table", **ENDPOINT, workers=-1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clinical_columns": ["agee"]}, "did you mean 'age'"),
        ({"clinical_columns": ["death"]}, "cannot predict itself"),
        ({"time": "os_dayz"}, "did you mean 'os_days'"),
        ({"folds": 1}, "too few folds"),
    ],
)
def test_wrong_arguments_are_refused(change, message):
    with pytest.raises(TableError, match=message):
        evaluate(*simulate(40), **{**QUICK, **change})


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match=r"found: xgb; expected: volume, xgb_cox.*mean 'xgb_cox'"):
        evaluate(*simulate(40), **QUICK, model="xgb")


def test_no_common_patient_is_refused():
    features, clinical = simulate(40)
    clinical["patient_id"] = "x" + clinical["patient_id"]
    with pytest.raises(TableError, match="no patient is in both"):
        evaluate(features, clinical, unmatched="drop", **QUICK)


def test_train_then_predict_gives_the_models_risk_and_survival(model):
    features, _ = simulate(30, seed=4)
    scores = predict(model.path, features, [100, 365.5])
    columns = ["case_id", "patient_id", "risk_score", "survival_at_100", "survival_at_365.5"]
    assert scores.columns.tolist() == columns
    X = features[model.facts["columns"]]
    assert scores["risk_score"].tolist() == model.model.predict(X).tolist()
    expected = model.model.predict_survival(X, [100, 365.5])
    np.testing.assert_array_equal(scores[columns[3:]], expected)


def test_default_horizons_are_quartiles_of_the_training_event_times(model):
    _, clinical = simulate()
    times = clinical.loc[clinical["death"] == 1, "os_days"]
    assert model.facts["horizons"] == pytest.approx(times.quantile([0.25, 0.5, 0.75]).tolist())
    features, _ = simulate(10)
    assert predict(model, features).shape[1] == 6


def test_close_horizons_keep_their_own_columns(model):
    times = [1000000, 1000001, 0.1, 0.1, 0.1234567891, 0.1 + 0.2, 0.3]
    scores = predict(model, simulate(10)[0], times)
    told = ["1000000", "1000001", "0.1", "0.1234567891", "0.3"]
    assert scores.columns[3:].tolist() == [f"survival_at_{time}" for time in told]


def test_predict_does_not_mind_other_columns_and_their_order(model):
    features, _ = simulate(10)
    shuffled = features[features.columns[::-1]].assign(more=1)
    pd.testing.assert_frame_equal(predict(model, shuffled), predict(model, features))


def test_predict_lists_missing_columns(model):
    features, _ = simulate(10)
    with pytest.raises(ModelError, match=f"missing: {VOLUME}, {TEXTURE};"):
        predict(model, features.drop(columns=[VOLUME, TEXTURE]))


def test_predict_names_every_setting_that_differs(model):
    features, _ = simulate(10)
    settings = {"imageType": {"Original": {}, "LoG": {}}, "setting": {"binWidth": 10.0}}
    features.attrs["provenance"] = {**PROVENANCE, "values_version": "9", "settings": settings}
    with pytest.raises(ModelError) as caught:
        predict(model, features)
    for told in (
        "values_version: 9 in the table, 3.0.1 in the model",
        "settings.setting.binWidth: 10.0 in the table, 25.0 in the model",
        "settings.imageType.LoG: {} in the table, absent in the model",
    ):
        assert told in str(caught.value)


def test_what_cannot_be_compared_is_scored_with_a_warning(model, tmp_path, caplog):
    features, clinical = others()
    predict(model, features)
    validate(model, features, clinical)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the table does not tell how it was extracted: not compared"] * 2
    caplog.clear()
    unknown = train(*simulate(), out=tmp_path / "m", model="volume", **ENDPOINT)
    features.attrs["provenance"] = PROVENANCE
    predict(unknown, features)
    assert "the model's training table did not tell" in caplog.text
    caplog.clear()
    predict(model, features)
    validate(model, features, clinical)
    assert caplog.records == []


def test_predict_needs_patient_ids(model):
    features, _ = simulate(10)
    with pytest.raises(TableError, match=r"a column is missing.*expected: patient_id"):
        predict(model, features.drop(columns="patient_id"))


def test_predict_finds_the_clinical_rows_of_numbered_patients(tmp_path):
    features, clinical = simulate()
    saved = train(features, clinical, out=tmp_path / "m", clinical_columns=["age"], **ENDPOINT)
    numbered = [frame.astype({"patient_id": int}) for frame in (features, clinical)]
    expected = predict(saved, features, clinical=clinical)["risk_score"]
    assert predict(saved, numbered[0], clinical=numbered[1])["risk_score"].equals(expected)


def test_predict_refuses_unknown_categories(tmp_path):
    features, clinical = simulate()
    saved = train(features, clinical, out=tmp_path / "m", clinical_columns=["sex"], **ENDPOINT)
    new, theirs = simulate(10, seed=2)
    assert len(predict(saved, new, clinical=pd.concat([theirs, clinical[20:25]]))) == 10
    with pytest.raises(ModelError, match=r"column sex.*found: diverse; expected: f, m"):
        predict(saved, new, clinical=theirs.assign(sex="diverse"))


@pytest.mark.parametrize("horizon", [0, -5, float("nan")])
def test_predict_refuses_impossible_horizons(model, horizon):
    with pytest.raises(ModelError, match="not positive"):
        predict(model, simulate(5)[0], [horizon])


def test_validate_scores_the_frozen_model(model):
    features, clinical = simulate(60, seed=8)
    result = validate(model, features, clinical)
    scores = predict(model, features)["risk_score"]
    rows = result.predictions.query("model == 'xgb_cox'")
    assert rows["risk_score"].tolist() == scores.tolist()
    c_index = result.metrics["models"]["xgb_cox"]["c_index"]
    assert c_index["estimate"] == pytest.approx(numpy_c(rows), abs=1e-12)
    assert c_index["low"] < c_index["estimate"] < c_index["high"]
    assert result.metrics["kind"] == "validation"
    assert result.metrics["design"]["model"] == model.path
    assert (rows["group"] == "high").tolist() == (
        rows["risk_score"] > model.facts["training"]["median_risk"]
    ).tolist()
    assert set(result.metrics["models"]) == {"volume", "xgb_cox"}


def test_another_column_of_volumes_is_divided_at_its_own_median(model):
    features, clinical = others()
    features["volume_ml"] = features[VOLUME] / 1000
    for volume, told, median in (
        (None, "training patients", model.facts["training"]["volume"]["median"]),
        ("volume_ml", "patients of this cohort", features["volume_ml"].median()),
    ):
        result = validate(model, features, clinical, volume=volume)
        cuts = result.metrics["design"]["cuts"]
        assert cuts == {"xgb_cox": "training patients", "volume": told}
        rows = result.predictions.query("model == 'volume'")
        assert (rows["group"] == "high").tolist() == (rows["risk_score"] > median).tolist()
        assert set(rows["group"]) == {"low", "high"}


def test_a_volume_model_takes_no_other_column(tmp_path):
    saved = train(*simulate(), out=tmp_path / "m", model="volume", **ENDPOINT)
    features, clinical = others()
    with pytest.raises(ModelError, match=f"--volume: .*found: {TEXTURE}; expected: {VOLUME}"):
        validate(saved, features, clinical, volume=TEXTURE)


def test_training_patients_in_a_validation_are_counted_and_told(model, caplog):
    features, clinical = others()
    assert validate(model, features, clinical).metrics["overlap"] == 0
    known = {"x001": "001", "x002": "002"}
    both = [frame.replace({"patient_id": known}) for frame in (features, clinical)]
    both[0].attrs = features.attrs
    caplog.clear()
    assert validate(model, *both).metrics["overlap"] == 2
    assert "2 of 30 patients bear the patient_id of a training patient" in caplog.text
    # Numbers in one file, text in the other: the same patient.
    numbered = [frame.astype({"patient_id": int}) for frame in simulate(10)]
    assert validate(model, *numbered).metrics["overlap"] == 0
    assert validate(model, *simulate(10)).metrics["overlap"] == 10


def test_a_model_that_tells_no_patients_is_validated_all_the_same(model):
    path = Path(model.path) / "model.json"
    facts = read_json(path)
    del facts["training"]["patient_hashes"]
    write_json(path, facts)
    assert validate(model.path, *others()).metrics["overlap"] is None


def test_the_model_names_no_patient_and_two_trainings_are_the_same_bytes(tmp_path):
    features, clinical = others(80)
    for name in "ab":
        train(features, clinical, out=tmp_path / name, **ENDPOINT)
    written = (tmp_path / "a" / "model.json").read_text()
    assert not re.search(r"x\d\d\d", written)
    assert (
        len(read_json(tmp_path / "a" / "model.json")["training"]["patient_hashes"]["sha256"]) == 80
    )
    assert written == (tmp_path / "b" / "model.json").read_text()


def test_validate_refuses_a_cohort_without_events(model):
    features, clinical = simulate(20, seed=8)
    with pytest.raises(TableError, match="no comparable pair; 0 events"):
        validate(model, features, clinical.assign(death=0))


def test_volume_can_be_trained_saved_and_used(tmp_path):
    features, clinical = simulate()
    saved = train(features, clinical, out=tmp_path / "m", model="volume", **ENDPOINT)
    assert predict(saved, features)["risk_score"].tolist() == features[VOLUME].tolist()
    assert set(validate(saved, features, clinical).metrics["models"]) == {"volume"}


@pytest.mark.parametrize(("patients", "seed"), [(60, 1), (83, 2)])
def test_the_card_tells_the_true_numbers(tmp_path, patients, seed):
    features, clinical = simulate(patients, seed=seed)
    saved = train(features, clinical, out=tmp_path / "m", model="volume", **ENDPOINT)
    card = (Path(saved.path) / "MODEL_CARD.md").read_text()
    told = dict(re.findall(r"^\| ([^|]+) \| (\d+) \|$", card, re.M))
    assert told["Training patients"] == str(patients)
    assert told["Events"] == str(clinical["death"].sum())


def test_the_model_tells_its_provenance_once(model):
    written = (Path(model.path) / "model.json").read_text()
    assert written.count('"values_version"') == 1


def test_training_on_few_events_warns(tmp_path, caplog):
    features, clinical = simulate()
    for name, warnings in (("volume", 0), ("xgb_cox", 1)):
        out = tmp_path / name
        train(features, few_events(clinical, 19), out=out, model=name, **ENDPOINT)
        assert len(caplog.records) == warnings
    assert "trained on 19 events" in caplog.text


def test_training_without_events_is_refused(tmp_path):
    features, clinical = simulate(20)
    with pytest.raises(ModelError, match="no event"):
        train(features, few_events(clinical, 0), out=tmp_path / "m", **ENDPOINT)
