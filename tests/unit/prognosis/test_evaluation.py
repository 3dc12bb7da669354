"""What an evaluation takes, writes and refuses."""

import json

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import LeakError, ModelError, RunError, SettingsError, TableError
from radpipe.prognosis.evaluation import Evaluation, evaluate
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.results import SCHEMA_VERSION
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME
from tests.unit.prognosis.evaluations import (
    CALL,
    ENDPOINT,
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
        ({"schema": SCHEMA_VERSION + 1}, "written by a newer radpipe.*update radpipe"),
        ({"schema": 1}, "written by an older radpipe.*evaluate or validate again"),
        ({}, "no evaluation in this directory"),
        (None, r"no metrics\.json"),
    ],
)
def test_what_is_no_evaluation_is_refused(tmp_path, content, told):
    if content is not None:
        (tmp_path / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=told):
        Evaluation.load(tmp_path)


def test_the_order_of_rows_and_of_columns_does_not_matter():
    features, clinical = cohort()
    first = evaluate(features, clinical, **TREES)
    turned = (table[table.columns[::-1]][::-1] for table in (features, clinical))
    again = evaluate(*turned, **TREES)
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
        assert [*fold["parameters"]["weights"]] == ["volume", "other features", "embedding"]
    with pytest.raises(TableError, match=r"--branch genes.*no column fits the pattern.*rna_\*"):
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
    told = result.metrics["design"]["stability"]
    assert told == {"least": 0.75, "features": 7, "unstable": 1, "unknown": 5}


@pytest.mark.parametrize("selection", ["univariate", "mrmr"])
def test_a_selection_keeps_so_many(selection):
    options = ModelOptions(selection=selection, keep=2)
    result = evaluate(*cohort(), **TREES, options=options)
    folds = result.metrics["models"]["xgb_cox"]["folds"]
    assert all(fold["used"] == 2 for fold in folds)
    assert set(result.selected["feature"]) >= {TEXTURE}
    assert result.metrics["design"]["selection"] == selection


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
    with pytest.raises((SettingsError, TableError), match=message):
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
