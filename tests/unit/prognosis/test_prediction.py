import logging

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import ModelError, TableError
from radpipe.prognosis.evaluation import predict, train
from radpipe.prognosis.evaluation.matching import unseen
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, simulate

ENDPOINT = {"time": "os_days", "event": "death"}
PLACES = ["case_id", "patient_id", "risk_score", "group"]
DRIVERS = [f"driver_{place}{end}" for place in range(1, 6) for end in ("", "_contribution")]
KNOWN = ["distance_percentile", "outside_range", "unlike_training", "missing"]


def make(folder, model="xgb_cox", **how):
    features, clinical = simulate()
    features.attrs["provenance"] = PROVENANCE
    return train(features, clinical, out=folder / "model", model=model, **{**ENDPOINT, **how})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make(tmp_path_factory.mktemp("m"))


@pytest.fixture(scope="module")
def clinical_model(tmp_path_factory):
    return make(tmp_path_factory.mktemp("c"), clinical_columns=["age", "sex"])


def test_a_prediction_is_the_models_risk_and_survival(model):
    features, _ = simulate(30, seed=4)
    scores = predict(model.path, features, [100, 365.5])
    survival = ["survival_at_100", "survival_at_365.5"]
    assert scores.columns.tolist() == [*PLACES, *survival, *DRIVERS, *KNOWN]
    X = features[model.facts["columns"]]
    assert scores["risk_score"].tolist() == model.model.predict(X).tolist()
    np.testing.assert_array_equal(scores[survival], model.model.predict_survival(X, [100, 365.5]))
    cut = model.facts["training"]["cuts"]["xgb_cox"]
    assert (scores["group"] == "high").tolist() == (scores["risk_score"] > cut).tolist()


def test_the_default_horizons_are_the_models_own(model):
    scores = predict(model, simulate(5)[0])
    told = [name for name in scores.columns if name.startswith("survival_at_")]
    assert [float(name[12:]) for name in told] == pytest.approx(model.facts["horizons"])


def test_close_horizons_keep_their_own_columns(model):
    times = [365.0001, 365.0002, 0.1, 0.1, 0.1234567891, 0.1 + 0.2, 0.3]
    scores = predict(model, simulate(10)[0], times)
    told = [name[12:] for name in scores.columns if name.startswith("survival_at_")]
    assert told == ["365.0001", "365.0002", "0.1", "0.1234567891", "0.3"]


def test_drivers_are_the_largest_contributions_of_each_patient(model):
    features, _ = simulate(20, seed=5)
    scores = predict(model, features)
    split = model.model.contributions(features[model.facts["columns"]])
    for row, (_, parts) in zip(scores.itertuples(), split.iterrows(), strict=True):
        largest = parts[parts != 0].abs().sort_values(ascending=False)
        told = [row.driver_1, row.driver_2, row.driver_3, row.driver_4, row.driver_5]
        added = [getattr(row, f"driver_{place}_contribution") for place in range(1, 6)]
        assert np.abs(added[: len(largest)]) == pytest.approx(largest.iloc[:5].to_numpy())
        assert added[: len(largest)] == parts[told[: len(largest)]].tolist()


def test_a_model_of_one_column_has_one_driver(tmp_path):
    saved = make(tmp_path, model="volume")
    scores = predict(saved, simulate(10, seed=2)[0])
    assert set(scores["driver_1"]) == {VOLUME}
    assert scores[["driver_2", "driver_5", "driver_5_contribution"]].isna().all(axis=None)
    # The risk of a calibrated linear model is nothing but its contributions.
    assert scores["driver_1_contribution"].tolist() == pytest.approx(scores["risk_score"].tolist())


def test_a_patient_unlike_the_training_patients_is_told(model):
    features, _ = simulate(10, seed=3)
    features[TEXTURE] = 0.0
    features.iloc[0, features.columns.get_loc(TEXTURE)] = 1000.0
    features.iloc[1, features.columns.get_loc(TEXTURE)] = np.nan
    scores = predict(model, features)
    assert scores["distance_percentile"].iloc[0] == 100
    assert scores["unlike_training"].iloc[0]
    assert scores["outside_range"].iloc[0] >= 1
    assert scores["missing"].tolist() == [0, 1, *[0] * 8]
    assert not scores["unlike_training"].iloc[2:].all()


def test_patients_in_other_units_are_unlike_even_where_they_lie_near(model):
    features, _ = simulate(10, seed=3)
    # As a table standardised by its publisher: every number near the middle, the volume negative.
    values = features.drop(columns="patient_id")
    strange = features.assign(**(values / 1e6 - 50))
    scores = predict(model, strange)
    assert (scores["outside_range"] == values.shape[1]).all()
    assert scores["unlike_training"].all()


def test_training_patients_are_seldom_unlike_themselves(model):
    assert predict(model, simulate()[0])["unlike_training"].mean() <= 0.05


def test_a_binary_model_tells_probabilities_and_knows_no_times(tmp_path):
    saved = make(tmp_path, model="xgb_classifier", time=None)
    features, _ = simulate(10)
    scores = predict(saved, features)
    assert scores.columns.tolist() == [*PLACES, "probability", *DRIVERS, *KNOWN]
    odds = np.log(scores["probability"] / (1 - scores["probability"]))
    assert odds.tolist() == pytest.approx(scores["risk_score"].tolist())
    with pytest.raises(ModelError, match="--horizons: this model knows no times"):
        predict(saved, features, [100])


def test_other_columns_and_their_order_do_not_matter(model):
    features, _ = simulate(10)
    shuffled = features[features.columns[::-1]].assign(more=1)
    pd.testing.assert_frame_equal(predict(model, shuffled), predict(model, features))


def test_missing_columns_are_listed(model):
    features, _ = simulate(10)
    with pytest.raises(ModelError, match=f"missing: {TEXTURE}, {VOLUME};"):
        predict(model, features.drop(columns=[VOLUME, TEXTURE]))


def test_every_setting_that_differs_is_named(model):
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


def test_an_unknown_extraction_is_scored_with_a_warning(model, caplog):
    features, _ = simulate(10)
    features["patient_id"] = "new " + features["patient_id"]
    predict(model, features)
    told = "the table does not tell how it was extracted: not compared"
    assert [record.getMessage() for record in caplog.records] == [told]
    caplog.clear()
    features.attrs["provenance"] = PROVENANCE
    predict(model, features)
    assert caplog.records == []


def test_training_patients_are_noticed(model, caplog):
    features, _ = simulate(10)
    features["patient_id"] = [*features["patient_id"][:3], *(f"new {n}" for n in range(7))]
    features.attrs["provenance"] = PROVENANCE
    predict(model, features)
    (record,) = caplog.records
    assert "3 of 10 patients bear the identifier of a training patient" in record.getMessage()


def test_patient_ids_are_needed(model):
    features, _ = simulate(10)
    with pytest.raises(TableError, match="no column names the patients"):
        predict(model, features.drop(columns="patient_id"))


def test_clinical_columns_come_from_either_table(clinical_model):
    features, clinical = simulate(20, seed=6)
    two = predict(clinical_model, features, clinical=clinical)
    one = features.merge(clinical.drop(columns=["os_days", "death"]), on="patient_id")
    # A table as it is read from a file: cases are not its index.
    both = predict(clinical_model, one.assign(case_id=one["patient_id"]))
    pd.testing.assert_frame_equal(one[["patient_id"]], two[["patient_id"]])
    pd.testing.assert_frame_equal(both, two)


def test_another_identifier_can_be_named(model):
    features, _ = simulate(10)
    named = features.rename(columns={"patient_id": "MRN"})
    expected = predict(model, features)["risk_score"]
    assert predict(model, named, id="MRN")["risk_score"].equals(expected)


def test_numbered_patients_find_their_clinical_rows(clinical_model):
    features, clinical = simulate(20)
    numbered = [frame.astype({"patient_id": int}) for frame in (features, clinical)]
    expected = predict(clinical_model, features, clinical=clinical)["risk_score"]
    found = predict(clinical_model, numbered[0], clinical=numbered[1])["risk_score"]
    assert found.equals(expected)


def test_patients_whom_the_clinical_table_lacks_can_be_left_out(clinical_model):
    features, clinical = simulate(20, seed=6)
    known = clinical[clinical["patient_id"] != "007"]
    with pytest.raises(TableError, match=r"clinical row \(1\): 007;.*--drop-unmatched"):
        predict(clinical_model, features, clinical=known)
    left = predict(clinical_model, features, clinical=known, unmatched="drop")
    everyone = predict(clinical_model, features, clinical=clinical)
    expected = everyone[everyone["patient_id"] != "007"].reset_index(drop=True)
    pd.testing.assert_frame_equal(left, expected)


def test_an_unknown_category_is_told_and_other_words_for_all_are_refused(clinical_model, caplog):
    features, clinical = simulate(20, seed=2)
    caplog.set_level(logging.WARNING)
    clinical.loc[0, "sex"] = "diverse"
    scores = predict(clinical_model, features, clinical=clinical)
    assert np.isfinite(scores["risk_score"]).all()
    assert "sex: diverse not seen in training, taken as " in caplog.text
    with pytest.raises(ModelError, match=r"column sex.*found: female; expected: f, m"):
        predict(clinical_model, features, clinical=clinical.assign(sex="female"))


def test_who_is_of_an_unknown_category_is_named_and_counts_as_unlike(clinical_model, caplog):
    features, clinical = simulate(20, seed=2)
    usual = predict(clinical_model, features, clinical=clinical)
    _, training = simulate()
    commonest = training["sex"].value_counts().idxmax()
    new, taken = clinical.copy(), clinical.copy()
    new.loc[new["patient_id"].isin(["003", "011"]), "sex"] = ["diverse", "x"]
    new.loc[new["patient_id"] == "004", "sex"] = None
    taken.loc[taken["patient_id"].isin(["003", "011"]), "sex"] = commonest
    caplog.clear()
    scores = predict(clinical_model, features, clinical=new).set_index("patient_id")
    told = f"sex: diverse, x not seen in training, taken as '{commonest}' in 2 patients: 003, 011"
    assert told in caplog.messages
    expected = predict(clinical_model, features, clinical=taken).set_index("patient_id")
    who = ["003", "011"]
    assert scores["risk_score"][who].tolist() == expected["risk_score"][who].tolist()
    assert scores.index[scores["missing"] == 1].tolist() == ["003", "004", "011"]
    assert (scores["missing"] > 1).sum() == 0
    before = usual.set_index("patient_id")["unlike_training"]
    others = scores.index.difference(who)
    assert scores["unlike_training"][who].all()
    assert scores["unlike_training"][others].tolist() == before[others].tolist()


def test_categories_that_training_lacked_are_summed_up(clinical_model):
    features, clinical = simulate(20, seed=2)
    frame = features.merge(clinical, on="patient_id")
    assert unseen(clinical_model, frame) == {}
    frame.loc[[2, 5, 6], "sex"] = ["x", "diverse", "x"]
    # Age is a number, and has a range in place of categories.
    frame.loc[3, "age"] = 1000
    found = unseen(clinical_model, frame)
    share = simulate()[1]["sex"].value_counts()
    told = {"categories": ["diverse", "x"], "patients": 3, "taken_as": share.idxmax()}
    assert found == {"sex": told}


def test_a_new_hospital_is_no_unknown_category(tmp_path):
    features, clinical = simulate(60)
    clinical["hospital"] = np.resize(["A", "B"], 60)
    out = tmp_path / "m"
    saved = train(features, clinical, out=out, model="xgb_cox", batch="hospital", **ENDPOINT)
    frame = features.merge(clinical, on="patient_id").assign(hospital="C")
    assert "hospital" in saved.facts["columns"]
    assert unseen(saved, frame) == {}


def test_other_words_for_a_category_are_told_with_their_file(clinical_model, tmp_path):
    features, clinical = simulate(20, seed=2)
    clinical.assign(sex="female").to_csv(tmp_path / "theirs.csv", index=False)
    with pytest.raises(ModelError, match=r"theirs\.csv, column sex: categories that the model"):
        predict(clinical_model, features, clinical=tmp_path / "theirs.csv")


def test_text_where_numbers_were_is_refused(clinical_model):
    features, clinical = simulate(20, seed=2)
    with pytest.raises(TableError, match="columns hold text where the training table had numbers"):
        predict(clinical_model, features, clinical=clinical.assign(age="old"))


def test_columns_of_the_baselines_alone_are_not_asked_for(tmp_path):
    saved = make(tmp_path, model="volume", clinical_columns=["age"])
    assert list(saved.baselines) == ["clinical", "clinical_volume"]
    assert len(predict(saved, simulate(10)[0])) == 10


@pytest.mark.parametrize("horizon", [0, -5, float("nan")])
def test_impossible_horizons_are_refused(model, horizon):
    with pytest.raises(ModelError, match="not positive"):
        predict(model, simulate(5)[0], [horizon])


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A model whose last event is at 700, and whose longest follow-up ends at 900."""
    features, clinical = simulate()
    clinical["os_days"] = clinical["os_days"].clip(upper=600)
    clinical.loc[:1, ["os_days", "death"]] = [[700, 1], [900, 0]]
    out = tmp_path_factory.mktemp("f") / "m"
    return train(features, clinical, out=out, model="volume", **ENDPOINT)


def test_no_survival_is_told_beyond_the_follow_up_of_training(followed):
    told = "found: 901, 9999; expected: at most 900, the longest follow-up"
    with pytest.raises(ModelError, match=f"^--horizons: beyond the follow-up.*{told}"):
        predict(followed, simulate(5)[0], [365, 901, 9999])


def test_survival_after_the_last_event_is_warned_of(followed, caplog):
    scores = predict(followed, simulate(5)[0], [699, 700])
    assert not any("last event" in told for told in caplog.messages)
    scores = predict(followed, simulate(5)[0], [699, 700, 701, 900])
    told = "survival at 701, 900 is that at 700, the last event among the training patients"
    assert told in caplog.messages
    assert scores["survival_at_701"].tolist() == scores["survival_at_700"].tolist()
    assert (scores["survival_at_700"] < scores["survival_at_699"]).all()


def test_the_longest_follow_up_can_be_asked_for_as_it_is_told(tmp_path):
    features, clinical = simulate()
    clinical.loc[0, ["os_days", "death"]] = [8000.006, 0]
    saved = train(features, clinical, out=tmp_path / "m", model="volume", **ENDPOINT)
    with pytest.raises(ModelError) as caught:
        predict(saved, simulate(5)[0], [9000])
    told = float(caught.value.expected.split()[2].strip(","))
    assert len(predict(saved, simulate(5)[0], [told])) == 5
