"""What an evaluation takes, how it is laid out, and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sksurv.metrics import concordance_index_censored

from radpipe.errors import LeakError, ModelError, RunError, SettingsError, TableError
from radpipe.prognosis.evaluation import Evaluation, evaluate, train
from radpipe.prognosis.evaluation.models import ModelOptions, prepare
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.models.table import BASELINES
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, few_events, simulate
from tests.unit.prognosis.evaluations import (
    CALL,
    ENDPOINT,
    PATIENTS,
    QUICK,
    binary,
    cohort,
    of_model,
    survival,
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


# --- files -----------------------------------------------------------------------------------


def test_workers_change_no_byte(tmp_path):
    call = {**TREES, "permutations": 2}
    for workers in (0, 2):
        evaluate(*cohort(), **call, workers=workers).save(tmp_path / str(workers))
    names = sorted(path.name for path in (tmp_path / "0").iterdir())
    tables = ("contributions", "predictions", "selected")
    assert names == sorted(["metrics.json", *(f"{name}.parquet" for name in tables)])
    for name in names:
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_what_was_saved_loads_again(tmp_path):
    for result in (survival(), binary()):
        folder = tmp_path / result.metrics["endpoint"]["kind"]
        result.save(folder)
        again = Evaluation.load(folder)
        assert again.metrics == result.metrics
        for name in ("predictions", "contributions", "selected", "subgroups"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name))
        with pytest.raises(RunError, match="not empty"):
            result.save(folder)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"schema": 3}, "written by a newer radpipe.*update radpipe"),
        ({"schema": 1}, "written by an older radpipe.*evaluate again"),
        ({}, "no evaluation in this directory"),
        (None, r"no metrics\.json"),
    ],
)
def test_what_is_no_evaluation_is_refused(tmp_path, content, told):
    if content is not None:
        (tmp_path / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=told):
        Evaluation.load(tmp_path)


# --- order, names, seeds ---------------------------------------------------------------------


def test_the_order_of_the_clinical_table_and_of_its_columns_does_not_matter():
    features, clinical = cohort()
    first = evaluate(features, clinical, **TREES)
    again = evaluate(features, clinical[clinical.columns[::-1]][::-1], **TREES)
    assert again.metrics == first.metrics
    pd.testing.assert_frame_equal(again.predictions, first.predictions)


def test_another_seed_is_another_shuffle():
    first, second = (
        evaluate(*cohort(), **VOLUMES, seed=seed).predictions.set_index(["repeat", "patient_id"])
        for seed in (1, 2)
    )
    assert (first["fold"] != second["fold"].reindex(first.index)).any()


def test_one_table_may_hold_outcomes_too():
    features, clinical = cohort()
    joined = features.merge(clinical, on="patient_id").set_index(features.index)
    found, truth = evaluate(joined, **VOLUMES), evaluate(features, clinical, **VOLUMES)
    assert found.metrics["models"] == truth.metrics["models"]


def test_another_identifier_a_pattern_of_features_and_a_coded_event():
    features, clinical = cohort()
    truth = evaluate(features, clinical, **TREES)
    renamed = features.rename(
        columns=lambda name: name.replace("original_", "T1 ").replace("patient_id", "Case No")
    )
    coded = clinical.rename(columns={"patient_id": "Case No"}).assign(
        death=clinical["death"].map({0: "alive", 1: "dead"})
    )
    call = {**TREES, "id": "Case No", "features": "T1 *", "event": "death=dead"}
    found = evaluate(renamed, coded, **call, volume="T1 shape_MeshVolume")
    for name, facts in truth.metrics["models"].items():
        theirs = {key: value for key, value in facts.items() if key != "column"}
        ours = found.metrics["models"][name]
        assert {key: value for key, value in ours.items() if key != "column"} == theirs
    assert found.metrics["models"]["volume"]["column"] == "T1 shape_MeshVolume"
    assert found.metrics["endpoint"]["value"] == "dead"
    assert found.predictions["risk_score"].tolist() == truth.predictions["risk_score"].tolist()


def test_competing_events_are_censored_and_told():
    features, clinical = cohort()
    other = clinical["death"].where(np.arange(len(clinical)) % 9 != 0, 2)
    result = evaluate(features, clinical.assign(death=other), **{**VOLUMES, "event": "death=1"})
    assert result.metrics["endpoint"]["competing"] == {"2": int((other == 2).sum())}
    assert result.metrics["cohort"]["events"] == (other == 1).sum()


# --- columns ---------------------------------------------------------------------------------


def test_named_clinical_columns_predict_and_others_do_not():
    unnamed = ("sex", "os_days", "death", "died_early", "patient_id")
    for result in (survival(), binary()):
        clinical = set(result.contributions.query("model == 'clinical'")["feature"])
        assert {name[: len("stage")].strip("=") for name in clinical} == {"age", "stage"}
        told = set(result.contributions["feature"]) | set(result.selected["feature"])
        assert not any(name.startswith(unnamed) for name in told)


def test_columns_that_resemble_an_outcome_need_force():
    features, clinical = cohort()
    clinical = clinical.assign(days_to_relapse=np.arange(len(clinical)))
    call = {**VOLUMES, "clinical_columns": ["days_to_relapse"]}
    with pytest.raises(TableError, match=r"days_to_relapse.*--force"):
        evaluate(features, clinical, **call)
    assert "clinical" in evaluate(features, clinical, **call, force=True).metrics["models"]


def test_the_true_predictor_stands_first():
    for result, names in ((survival(), ("cox", "xgb_cox")), (binary(), ("logistic",))):
        for name in names:
            table = result.contributions[result.contributions["model"] == name]
            assert table["feature"].iloc[0] in (TEXTURE, VOLUME)
            assert table["mean_abs_contribution"].is_monotonic_decreasing
            chosen = result.selected[result.selected["model"] == name].set_index("feature")
            assert chosen.loc[TEXTURE, "chosen"] == 1


def test_a_clinical_column_named_like_a_feature_is_none():
    features, clinical = cohort()
    leak = {"followup_shape_Volume": clinical["os_days"], f"late_{VOLUME}": 1.0, "label": 2}
    plain, told = (
        evaluate(features, table, **TREES) for table in (clinical, clinical.assign(**leak))
    )
    assert plain.metrics == told.metrics
    pd.testing.assert_frame_equal(plain.contributions, told.contributions)


def test_without_a_volume_column_the_metrics_say_so():
    features, clinical = cohort()
    result = require_json(evaluate(features.drop(columns=VOLUME), clinical, **TREES))
    assert set(result.metrics["models"]) == {"xgb_cox"}
    assert "no volume column" in result.metrics["withheld"]["volume"]
    facts = result.metrics["models"]["xgb_cox"]
    assert facts["versus"] == {}
    assert facts["correlation_with_volume"] is None
    assert facts["likelihood_gain"] is None


def test_branches_of_the_fusion():
    features, clinical = cohort()
    random = np.random.default_rng(0)
    for number in range(3):
        features[f"deep_{number}"] = random.normal(size=len(features))
    call = {**QUICK, "repeats": 1, "models": ["fusion"], "features": "original_*,deep_*"}
    options = ModelOptions(branches={"embedding": "deep_*"})
    result = evaluate(features, clinical, **call, options=options)
    for fold in result.metrics["models"]["fusion"]["folds"]:
        assert [*fold["parameters"]["weights"]] == ["volume", "radiomics", "embedding"]
    with pytest.raises(TableError, match=r"--branch genes=rna_\*: a branch without columns"):
        evaluate(features, clinical, **call, options=ModelOptions(branches={"genes": "rna_*"}))


def test_the_volume_dependence_filter_and_stability_drop_features():
    features, clinical = cohort()
    features["original_glcm_Size"] = features[VOLUME] ** 1.5
    options = ModelOptions(
        volume_dependence=0.9, stability={TEXTURE: 0.2, "original_glrlm_Noise0": 0.9}
    )
    result = evaluate(features, clinical, **TREES, options=options)
    told = set(result.selected["feature"])
    assert told.isdisjoint({"original_glcm_Size", TEXTURE})
    assert result.metrics["design"]["volume_dependence"] == 0.9
    assert result.metrics["design"]["stability"] is True


@pytest.mark.parametrize("selection", ["univariate", "mrmr"])
def test_a_selection_keeps_so_many(selection):
    options = ModelOptions(selection=selection, keep=2)
    result = evaluate(*cohort(), **TREES, options=options)
    folds = result.metrics["models"]["xgb_cox"]["folds"]
    assert all(fold["used"] == 2 for fold in folds)
    assert set(result.selected["feature"]) >= {TEXTURE}
    assert result.metrics["design"]["selection"] == selection


# --- hospitals -------------------------------------------------------------------------------


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


def test_a_hospital_left_out_is_not_harmonised_and_it_says_so():
    tables = with_hospital(*cohort())
    plain, told = (
        evaluate(*tables, **TREES, centre="hospital", batch=batch) for batch in (None, "hospital")
    )
    pd.testing.assert_frame_equal(told.predictions, plain.predictions)
    assert told.metrics["design"]["batch"] is None
    assert "absent at training" in told.metrics["design"]["unharmonised"]
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


# --- times -----------------------------------------------------------------------------------


def test_horizons_are_those_asked_for_and_others_are_refused():
    result = require_json(evaluate(*cohort(), **VOLUMES, horizons=[150, 60, 1e6, 0.01]))
    design = result.metrics["design"]
    assert design["horizons"] == [60, 150]
    assert [time for time, _ in design["refused_horizons"]] == [0.01, 1e6]
    told = [entry["time"] for entry in result.metrics["models"]["volume"]["horizons"]]
    assert told == [60, 150]
    assert {"survival_at_60", "survival_at_150"} <= {*result.predictions.columns}
    with pytest.raises(TableError, match="--horizons"):
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


# --- few patients ----------------------------------------------------------------------------


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
    with pytest.raises(TableError, match=r"fewer events than folds.*found: 4 events.*at least 5"):
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


# --- refusals --------------------------------------------------------------------------------


def test_a_patient_on_both_sides_ends_the_run():
    features, clinical = cohort()
    twin = features.iloc[[3]].assign(patient_id="twin").set_axis(["twin"])
    more = clinical.iloc[[3]].assign(patient_id="twin")
    doubled = pd.concat([features, twin])
    with pytest.raises(LeakError, match=r"same values in all features.*003 = twin"):
        evaluate(doubled, pd.concat([clinical, more]), **VOLUMES)


def test_a_column_that_alone_orders_the_outcomes_ends_the_run():
    features, clinical = cohort()
    when = clinical.set_index("patient_id")["os_days"].loc[features["patient_id"]]
    features["original_glcm_Innocent"] = -when.to_numpy()
    with pytest.raises(LeakError, match="original_glcm_Innocent"):
        evaluate(features, clinical, **VOLUMES)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"time": "os_dayz"}, "a column is missing.*did you mean 'os_days'"),
        ({"clinical_columns": ["agee"]}, "a column is missing.*did you mean 'age'"),
        ({"folds": 70}, "column death: fewer events than folds"),
    ],
)
def test_errors_about_outcomes_name_the_clinical_file(tmp_path, change, told):
    features, clinical = cohort()
    clinical.to_csv(tmp_path / "outcomes.csv", index=False)
    with pytest.raises(TableError, match=f"outcomes.csv(, |: ){told}"):
        evaluate(features, tmp_path / "outcomes.csv", **{**VOLUMES, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clinical_columns": ["death"]}, "cannot predict itself"),
        ({"folds": 1}, "too few folds"),
        ({"repeats": 0}, "too few folds"),
        ({"batch": "hospitl"}, "a column is missing"),
        ({"volume": "size"}, "size"),
        ({"features": "T2_*"}, r"T2_\*"),
    ],
)
def test_wrong_arguments_are_refused(change, message):
    with pytest.raises(TableError, match=message):
        evaluate(*cohort(), **{**VOLUMES, **change})


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"trials": -1}, "--trials"),
        ({"inner_folds": 1}, "inner_folds"),
        ({"keep": 0}, "--keep"),
        ({"correlation": 0.0}, "--correlation"),
        ({"volume_dependence": 1.5}, "--volume-dependence"),
        ({"selection": "lasso"}, "--selection.*univariate|mrmr"),
        ({"horizon": -3.0}, "--classifier-horizon"),
    ],
)
def test_options_without_sense_are_refused_before_the_tables_are_read(options, where):
    with pytest.raises(SettingsError, match=where):
        evaluate("no table", "no table", **ENDPOINT, options=ModelOptions(**options))


def test_negative_workers_are_refused_before_the_tables_are_read():
    with pytest.raises(SettingsError, match="--workers"):
        evaluate("no table", "no table", **ENDPOINT, workers=-1)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seeds_are_refused(seed):
    told = f"--seed: no such seed; found: {seed}; expected: a whole number from 0 to 4294967295"
    with pytest.raises(SettingsError, match=told):
        evaluate("no table", "no table", **ENDPOINT, seed=seed)


def test_the_largest_seed_is_one():
    result = evaluate(*cohort(), **TREES, seed=2**32 - 1)
    assert result.metrics["design"]["seed"] == 2**32 - 1


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match=r"found: xgb_coks;.*mean 'xgb_cox'"):
        evaluate(*cohort(), **{**QUICK, "models": ["xgb_coks"]})


def test_a_model_of_the_other_endpoint_is_withheld():
    result = evaluate(*cohort(), event="died_early", **{**CALL, "models": ["cox", "volume"]})
    assert "logistic" not in result.metrics["withheld"]
    assert "survival endpoint" in result.metrics["withheld"]["cox"]
    assert len(of_model(result, "cox")) == 0


def test_no_common_patient_is_refused():
    features, clinical = cohort()
    clinical["patient_id"] = "x" + clinical["patient_id"]
    with pytest.raises(TableError, match="no patient is left"):
        evaluate(features, clinical, unmatched="drop", **VOLUMES)


def test_a_table_without_features_or_volume_has_nothing_to_evaluate():
    features, clinical = cohort()
    with pytest.raises(TableError, match=r"nothing can be evaluated|no column"):
        evaluate(features[["patient_id"]], clinical, **QUICK)
