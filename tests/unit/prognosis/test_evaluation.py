import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import ModelError, RunError, TableError
from radpipe.prognosis.evaluation import Evaluation, evaluate, predict, train, validate
from radpipe.prognosis.survival import concordance_index, make_endpoint, nadeau_bengio
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, few_events, simulate

ENDPOINT = {"time": "os_days", "event": "death"}
QUICK = {**ENDPOINT, "repeats": 2, "folds": 3}


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
        expected = nadeau_bengio(values, float(np.mean(sizes / (80 - sizes))))
        assert list(facts["c_index"].values()) == pytest.approx(expected, abs=1e-12)


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
    twenty = evaluate(features, few_events(clinical, 20), **QUICK)
    assert set(twenty.metrics["models"]) == {"volume", "xgb_cox"}


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
    with pytest.raises(ModelError, match=r"found: xgb; expected: volume, xgb_cox"):
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
    features, clinical = simulate(30, seed=8)
    predict(model, features)
    validate(model, features, clinical)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the table does not tell how it was extracted: not compared"] * 2
    caplog.clear()
    unknown = train(features, clinical, out=tmp_path / "m", model="volume", **ENDPOINT)
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
