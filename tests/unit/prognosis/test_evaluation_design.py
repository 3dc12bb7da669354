"""Hospitals left out or harmonised, horizons and origins of time, and few patients."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sksurv.metrics import concordance_index_censored

from radpipe.errors import SettingsError, TableError
from radpipe.prognosis.evaluation import evaluate, train
from radpipe.prognosis.evaluation.models import prepare
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.models.table import BASELINES
from radpipe.prognosis.report import write_report
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, few_events, simulate
from tests.unit.prognosis.evaluations import (
    ENDPOINT,
    PATIENTS,
    QUICK,
    cohort,
    of_model,
)

TREES = {**QUICK, "repeats": 1, "models": ["xgb_cox"]}
VOLUMES = {**QUICK, "models": ["volume"]}


def require_json(result):
    """No NaN, no infinity, nothing that JSON cannot hold."""
    assert json.loads(json.dumps(result.metrics, allow_nan=False)) == result.metrics
    return result


def with_hospital(features, clinical, names=("north", "south", "west"), shift=3.0):
    """Each hospital adds something of its own to the features."""
    place = np.arange(len(features)) % len(names)
    features = features.copy()
    for column in features.columns.drop(["patient_id", VOLUME]):
        features[column] += shift * place
    hospital = dict(zip(features["patient_id"], np.array(names)[place], strict=True))
    return features, clinical.assign(hospital=clinical["patient_id"].map(hospital))


def test_one_centre_after_the_other():
    tables = with_hospital(*cohort(), shift=0.0)
    result = require_json(evaluate(*tables, **{**TREES, "permutations": 1}, centre="hospital"))
    design = result.metrics["design"]
    assert design["splits"] == "centres"
    assert design["centres"] == ["north", "south", "west"]
    assert (design["repeats"], design["folds"]) == (1, 3)
    hospital = tables[1].set_index("patient_id")["hospital"]
    for _, part in result.predictions.groupby(["model", "fold"]):
        assert len(set(hospital[part["patient_id"]])) == 1
        assert len(part) == PATIENTS / 3
    assert result.metrics["controls"]["label_permutation"]["mean"] is not None
    assert design["interval"] == "patient bootstrap within hospitals 95 %"
    for name, facts in result.metrics["models"].items():
        assert [fold["fold"] for fold in facts["folds"]] == [0, 1, 2]
        values = [
            concordance_index_censored(part["event"], part["time"], part["risk_score"])[0]
            for _, part in of_model(result, name).groupby("fold")
        ]
        c_index = facts["c_index"]
        assert c_index["estimate"] == pytest.approx(np.mean(values), abs=1e-9)
        assert c_index["low"] < c_index["estimate"] < c_index["high"]
    gain = result.metrics["models"]["xgb_cox"]["versus"]["volume"]
    both = [facts["c_index"]["estimate"] for facts in result.metrics["models"].values()]
    assert gain["estimate"] == pytest.approx(both[1] - both[0], abs=1e-9)
    assert gain["low"] < gain["estimate"] < gain["high"]


def test_one_centre_after_the_other_for_a_binary_endpoint():
    tables = with_hospital(*cohort(), shift=0.0)
    call = {**TREES, "models": ["xgb_classifier"], "event": "died_early", "time": None}
    result = require_json(evaluate(*tables, **call, centre="hospital"))
    for name, facts in result.metrics["models"].items():
        values = [
            roc_auc_score(part["event"], part["risk_score"])
            for _, part in of_model(result, name).groupby("fold")
        ]
        assert facts["auc"]["estimate"] == pytest.approx(np.mean(values), abs=1e-9)
        assert facts["auc"]["low"] < facts["auc"]["estimate"] < facts["auc"]["high"]


def test_the_centre_is_no_predictor():
    features, clinical = with_hospital(*cohort(), shift=0.0)
    clinical["hospital"] = clinical["hospital"].map({"north": 1, "south": 2, "west": 3})
    result = evaluate(features, clinical, **TREES, centre="hospital")
    assert "hospital" not in set(result.contributions["feature"])
    assert result.metrics["design"]["centres"] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.assign(hospital="one"), "one centre only"),
        (lambda table: table.assign(hospital=None), "centre|hospital"),
    ],
)
def test_centres_that_are_none_are_refused(change, told):
    features, clinical = with_hospital(*cohort())
    with pytest.raises(TableError, match=told):
        evaluate(features, change(clinical), **VOLUMES, centre="hospital")


def test_a_batch_is_harmonised_in_every_fold():
    features, clinical = cohort()
    plain = evaluate(features, clinical, **TREES)
    tables = with_hospital(features, clinical, ("north", "south"), shift=8.0)
    raw, harmonised = (evaluate(*tables, **TREES, batch=batch) for batch in (None, "hospital"))
    found = [
        each.metrics["models"]["xgb_cox"]["c_index"]["estimate"]
        for each in (plain, raw, harmonised)
    ]
    assert found[2] > found[1] + 0.05
    assert found[2] == pytest.approx(found[0], abs=0.05)
    assert harmonised.metrics["design"]["batch"] == "hospital"
    assert harmonised.metrics["design"]["unharmonised"] is None
    assert "hospital" not in set(harmonised.contributions["feature"])


def test_a_hospital_left_out_is_not_harmonised_and_it_says_so(caplog):
    tables = with_hospital(*cohort())
    plain, told = (
        evaluate(*tables, **TREES, centre="hospital", batch=batch) for batch in (None, "hospital")
    )
    pd.testing.assert_frame_equal(told.predictions, plain.predictions)
    assert told.metrics["design"]["batch"] is None
    sizes = tables[1]["hospital"].value_counts().to_dict()
    assert told.metrics["design"]["unharmonised"] == sizes
    assert [each for each in caplog.messages if "not harmonised" in each] == [
        "not harmonised, since training lacks them or has fewer than 3 patients: "
        + ", ".join(f"{name} ({sizes[name]} patients)" for name in sorted(sizes))
    ]
    assert plain.metrics["design"]["unharmonised"] is None


def test_a_batch_that_is_the_outcome_is_refused(tmp_path):
    features, clinical = cohort()
    clinical["scanner"] = np.where(clinical["os_days"] > 150, "new", "old")
    with pytest.raises(TableError, match="scanner: the batch is confounded"):
        evaluate(features, clinical, **TREES, batch="scanner")
    with pytest.raises(TableError, match="scanner: the batch is confounded"):
        train(features, clinical, **ENDPOINT, model="xgb_cox", batch="scanner", out=tmp_path)


def test_a_fold_that_is_confounded_by_chance_does_not_end_the_run():
    # Of a hundred and more inner folds of an honest cohort, one is.
    features, clinical = cohort()
    clinical["scanner"] = np.where(clinical["os_days"] > 150, "new", "old")
    study = make_study(features, clinical, Roles("death", "os_days", batch="scanner"))
    for name in ("xgb_cox", "cox", "fusion"):
        model, X = prepare(study, name, ModelOptions(), 0)
        assert np.isfinite(model.fit(X, study.endpoint).predict(X)).all()


def test_horizons_are_those_asked_for_and_others_are_refused():
    result = require_json(evaluate(*cohort(), **VOLUMES, horizons=[150, 60, 1e6, 0.01]))
    design = result.metrics["design"]
    assert design["horizons"] == [60, 150]
    assert [time for time, _ in design["refused_horizons"]] == [0.01, 1e6]
    told = [entry["time"] for entry in result.metrics["models"]["volume"]["horizons"]]
    assert told == [60, 150]
    assert {"survival_at_60", "survival_at_150"} <= {*result.predictions.columns}
    with pytest.raises(SettingsError, match="--horizons"):
        evaluate(*cohort(), **VOLUMES, horizons=[-5])


def test_without_a_horizon_all_else_is_measured():
    result = require_json(evaluate(*cohort(), **TREES, horizons=[1e6]))
    facts = result.metrics["models"]["xgb_cox"]
    assert result.metrics["design"]["horizons"] == []
    assert facts["horizons"] == []
    assert facts["integrated_brier"] is None
    assert facts["c_index"]["estimate"] > 0.6
    assert not any(name.startswith("survival_at") for name in result.predictions)


def test_times_run_from_the_day_of_the_scan():
    features, clinical = cohort()
    clinical["scan"] = 10.0
    result = evaluate(features, clinical, **VOLUMES, origin_days="scan")
    early = clinical["os_days"] <= 10
    left_out = [name for names in result.metrics["cohort"]["excluded"].values() for name in names]
    assert sorted(left_out) == sorted(clinical["patient_id"][early])
    assert len(left_out) > 0
    times = clinical.set_index("patient_id")["os_days"] - 10
    rows = result.predictions
    assert rows["time"].to_numpy() == pytest.approx(times[rows["patient_id"]].to_numpy())
    assert result.metrics["endpoint"]["origin_days"] == "scan"


@pytest.mark.parametrize("kind", ["survival", "binary"])
def test_below_twenty_events_only_baselines_are_evaluated(kind):
    features, clinical = simulate(60)
    call = {**QUICK, "repeats": 1, "permutations": 1, "clinical_columns": ["age"]}
    if kind == "binary":
        call = {name: value for name, value in call.items() if name != "time"}
    result = require_json(evaluate(features, few_events(clinical, 19), **call))
    assert set(result.metrics["models"]) == set(BASELINES)
    told = result.metrics["withheld"]["fusion"]
    assert told.startswith("too few: 19 ")
    assert "at least 20" in told
    assert result.metrics["controls"] is None
    assert result.metrics["main"] in BASELINES
    twenty = evaluate(
        features,
        few_events(clinical, 20),
        **{**call, "permutations": 0, "models": ["xgb_classifier"]},
    )
    assert set(twenty.metrics["models"]) == {*BASELINES, "xgb_classifier"}


def test_five_events_make_json():
    features, clinical = simulate(30)
    result = require_json(evaluate(features, few_events(clinical, 5), **QUICK))
    assert set(result.metrics["models"]) == {"volume"}


def test_fewer_events_than_folds_are_refused():
    features, clinical = simulate()
    with pytest.raises(TableError, match=r"fewer events than folds.*found: 4;.*at least 5"):
        evaluate(features, few_events(clinical, 4), **ENDPOINT)


def test_folds_without_pairs_are_counted_and_left_out():
    features, clinical = simulate(12)
    # Only the longest followed have the event: most test folds cannot compare anyone.
    late = clinical.assign(os_days=range(1, 13), death=[0] * 6 + [1, 0, 1, 0, 1, 0])
    result = require_json(evaluate(features, late, **{**QUICK, "repeats": 4, "seed": 1}))
    facts = result.metrics["models"]["volume"]
    without = [fold for fold in facts["folds"] if fold["c_index"] is None]
    assert facts["folds_without_pairs"] == len(without) > 0


def test_twenty_thousand_columns_of_which_most_are_alike():
    features, clinical = cohort()
    random = np.random.default_rng(1)
    more = pd.DataFrame(
        features[TEXTURE].to_numpy()[:, None] + 0.01 * random.normal(size=(PATIENTS, 400)),
        features.index,
        [f"original_glcm_Like{number}" for number in range(400)],
    )
    attrs, wide = features.attrs, pd.concat([features, more], axis=1)
    wide.attrs = attrs
    result = evaluate(wide, clinical, **TREES)
    table = result.selected.set_index("feature")
    assert table.loc[TEXTURE, "cluster_chosen"] == 1
    # One of them stands for all.
    assert table.index.str.contains("Like").sum() <= 3


def test_a_hospital_weighs_as_many_as_its_patients():
    features, clinical = cohort()
    place = np.arange(len(clinical))
    sites = clinical.assign(hospital=np.where(place < 4, "tiny", np.where(place % 2, "a", "b")))
    facts = evaluate(features, sites, **VOLUMES, centre="hospital").metrics["models"]["volume"]
    known = [fold for fold in facts["folds"] if fold["c_index"] is not None]
    assert [fold["centre"] for fold in facts["folds"]] == ["a", "b", "tiny"]
    assert facts["folds"][2]["patients"] == 4
    sizes = [fold["patients"] for fold in known]
    mean = np.average([fold["c_index"] for fold in known], weights=sizes)
    assert facts["c_index"]["estimate"] == pytest.approx(mean, abs=1e-12)
    assert facts["c_index"]["low"] < mean < facts["c_index"]["high"]


def test_a_scanner_of_every_hospital_is_harmonised_when_one_is_left_out():
    features, clinical = with_hospital(*cohort(), ("old", "new"), shift=8.0)
    place = np.arange(len(clinical)) // 2 % 3
    sites = clinical.rename(columns={"hospital": "scanner"}).assign(hospital=place)
    raw, harmonised = (
        evaluate(features, sites, **TREES, centre="hospital", batch=batch).metrics
        for batch in (None, "scanner")
    )
    assert harmonised["design"]["batch"] == "scanner"
    assert harmonised["design"]["unharmonised"] is None
    found = [each["models"]["xgb_cox"]["c_index"]["estimate"] for each in (raw, harmonised)]
    assert found[1] > found[0] + 0.05


def test_small_batches_are_counted_as_unharmonised(caplog):
    features, clinical = with_hospital(*cohort(), ("north", "south"))
    clinical.loc[clinical.index[:2], "hospital"] = "tiny"
    found = evaluate(features, clinical, **TREES, batch="hospital")
    assert found.metrics["design"]["unharmonised"] == {"tiny": 2}
    told = "not harmonised, since training lacks them or has fewer than 3 patients: tiny"
    assert [each for each in caplog.messages if "harmonised" in each] == [f"{told} (2 patients)"]


def test_one_batch_is_nothing_to_harmonise(tmp_path):
    features, clinical = cohort()
    alone = clinical.assign(hospital="one")
    for call in (
        lambda: evaluate(features, alone, **TREES, batch="hospital"),
        lambda: train(
            features, alone, **ENDPOINT, model="xgb_cox", batch="hospital", out=tmp_path / "m"
        ),
    ):
        with pytest.raises(TableError, match="nothing to harmonise"):
            call()


def test_a_page_of_hospitals_left_out(tmp_path):
    tables = with_hospital(*cohort())
    result = evaluate(*tables, **TREES, centre="hospital", batch="hospital")
    result.save(tmp_path / "e")
    page = write_report(tmp_path / "e", tmp_path / "page.html").read_text()
    assert "Patients that ran unharmonised." in page
    assert "Hospital by hospital" in page
    assert "Nadeau" not in page


def test_stability_that_names_no_feature_is_refused():
    features, clinical = cohort()
    options = ModelOptions(stability={"other": 0.9})
    with pytest.raises(TableError, match="the stability of no feature of this table is known"):
        evaluate(features, clinical, **{**TREES, "options": options})


def test_unstable_features_are_counted(caplog):
    features, clinical = cohort()
    names = [name for name in features if name.startswith("original_")]
    options = ModelOptions(stability=dict.fromkeys(names[1:], 0.1))
    facts = evaluate(features, clinical, **{**TREES, "options": options}).metrics["design"]
    count = len(names)
    assert facts["stability"] == {
        "least": 0.75,
        "features": count,
        "unstable": count - 1,
        "unknown": 1,
    }
    assert (
        f"{count - 1} of {count} features are less stable than 0.75 and dropped" in caplog.messages
    )


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"clinical_columns": "age,stage"}, r"expected: \['age', 'stage'\]"),
        ({"models": "volume"}, r"expected: \['volume'\]"),
        ({"permutations": -3}, "fewer permutations than none"),
        ({"options": ModelOptions(branches={"x": "*"})}, "--branch: no model takes this option"),
        ({"options": ModelOptions(horizon=300.0)}, "--classifier-horizon: no model takes"),
        ({"options": ModelOptions(selection="mrmr")}, "--selection: no model takes"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, told):
    with pytest.raises(SettingsError, match=told):
        evaluate(*cohort(), **{**VOLUMES, **call})


def test_a_result_shows_itself_in_a_line():
    assert repr(evaluate(*cohort(), **VOLUMES)).startswith("<cross-validation of volume")
