"""Every number of an evaluation, computed again from its predictions by other programs."""

import json
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from scipy.stats import t as student
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sksurv.compare import compare_survival
from sksurv.metrics import (
    brier_score,
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
    integrated_brier_score,
)
from sksurv.nonparametric import kaplan_meier_estimator

from radpipe.prognosis.evaluation.models import prepare
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.models.table import BASELINES
from tests.unit.prognosis.cohorts import VOLUME
from tests.unit.prognosis.evaluations import (
    CALL,
    PATIENTS,
    PERMUTATIONS,
    as_sksurv,
    binary,
    cohort,
    everybody,
    fold_values,
    of_model,
    survival,
    training_of,
)

SURVIVAL = ("volume", "clinical", "clinical_volume", "cox", "xgb_cox", "xgb_classifier", "fusion")
BINARY = ("volume", "clinical", "clinical_volume", "logistic", "xgb_classifier", "fusion")
# 97.5 % quantile of Student's t with as many degrees of freedom as one repeat has: 3 folds, so 2.
T = student.ppf(0.975, 2)


@pytest.fixture(params=SURVIVAL)
def of_survival(request):
    rows = of_model(survival(), request.param)
    return rows, survival().metrics["models"][request.param]


@pytest.fixture(params=BINARY)
def of_binary(request):
    rows = of_model(binary(), request.param)
    return rows, binary().metrics["models"][request.param]


def interval(values, low=0.0, high=1.0):
    """Nadeau and Bengio 2003, by hand: each fold tests half as many as it trains on."""
    ratio = (PATIENTS / 3) / (PATIENTS * 2 / 3)
    half = T * sqrt(np.var(values, ddof=1) * (1 / len(values) + ratio))
    mean = float(np.mean(values))
    return [mean, max(mean - half, low), min(mean + half, high)]


def same(facts, values, low=0.0, high=1.0):
    assert list(facts.values()) == pytest.approx(interval(values, low, high), abs=1e-9)


def harrell(part):
    return concordance_index_censored(part["event"], part["time"], part["risk_score"])[0]


def area(part):
    return roc_auc_score(part["event"], part["risk_score"])


def known(values):
    return [value for value in values if value is not None]


def test_all_models_are_there_and_the_fusion_is_the_main_one():
    for result, names in ((survival(), SURVIVAL), (binary(), BINARY)):
        assert tuple(result.metrics["models"]) == names
        assert result.metrics["main"] == "fusion"
        told = {name for name, facts in result.metrics["models"].items() if facts["baseline"]}
        assert told == set(BASELINES)
        assert result.metrics["models"]["volume"]["column"] == VOLUME


def test_harrells_c_in_every_fold_and_its_interval(of_survival):
    rows, facts = of_survival
    values = fold_values(rows, harrell)
    assert [fold["c_index"] for fold in facts["folds"]] == pytest.approx(values, abs=1e-12)
    same(facts["c_index"], values)


def test_unos_c(of_survival):
    rows, facts = of_survival

    def uno(part):
        train = as_sksurv(training_of(rows, part))
        try:
            return concordance_index_ipcw(train, as_sksurv(part), part["risk_score"])[0]
        except ValueError:
            return None

    same(facts["uno"], known(fold_values(rows, uno)))


def test_auc_at_each_horizon(of_survival):
    rows, facts = of_survival
    assert len(facts["horizons"]) > 0
    for entry in facts["horizons"]:

        def auc(part, time=entry["time"]):
            # What happens after the horizon plays no part, but may lie beyond all training times.
            later = part["time"] > time
            seen = part.assign(time=part["time"].where(~later, 1.01 * time))
            test = as_sksurv(seen.assign(event=part["event"] & ~later))
            train = as_sksurv(training_of(rows, part))
            return cumulative_dynamic_auc(train, test, part["risk_score"], [time])[0][0]

        same(entry["auc"], fold_values(rows, auc))


def test_differences_are_paired_by_fold():
    for result, measure in ((survival(), harrell), (binary(), area)):
        for name, facts in result.metrics["models"].items():
            ours = fold_values(of_model(result, name), measure)
            assert facts["versus"].keys() == {"volume", "clinical", "clinical_volume"} - {name}
            for other, gain in facts["versus"].items():
                theirs = fold_values(of_model(result, other), measure)
                same(gain, np.subtract(ours, theirs), -1.0, 1.0)


def test_brier_scores_pool_the_patients_of_a_repeat(of_survival):
    rows, facts = of_survival
    for entry in facts["horizons"]:
        column = f"survival_at_{entry['time']:.15g}"
        values = [
            brier_score(as_sksurv(part), as_sksurv(part), part[column], entry["time"])[1][0]
            for _, part in rows.groupby("repeat")
        ]
        assert entry["brier"] == pytest.approx(np.mean(values), abs=1e-9)


def test_the_integrated_brier_score(of_survival):
    rows, facts = of_survival
    columns = [name for name in rows if name.startswith("survival_at_")]
    told = [float(name.removeprefix("survival_at_")) for name in columns]
    # Names hold 15 digits, and a last digit decides whether an event was before.
    horizons = [entry["time"] for entry in facts["horizons"]]
    exact = np.concatenate([everybody(rows)["time"], horizons])
    near = [exact[np.argmin(np.abs(exact - time))] for time in told]
    times = np.where(np.isclose(near, told, rtol=1e-13), near, told)
    order = np.argsort(times)
    values = [
        integrated_brier_score(
            as_sksurv(part),
            as_sksurv(part),
            part[columns].to_numpy()[:, order],
            times[order],
        )
        for _, part in rows.groupby("repeat")
    ]
    assert facts["integrated_brier"] == pytest.approx(np.mean(values), abs=1e-9)


def test_the_null_model_is_kaplan_meier_of_the_training_patients():
    rows = of_model(survival(), "volume")
    (entry, *_) = survival().metrics["models"]["volume"]["horizons"]
    scores = []
    for _, repeat in rows.groupby("repeat"):
        null = pd.Series(0.0, index=repeat.index)
        for _, part in repeat.groupby("fold"):
            train = training_of(rows, part)
            times, curve = kaplan_meier_estimator(train["event"], train["time"])
            null[part.index] = curve[np.searchsorted(times, entry["time"], side="right") - 1]
        y = as_sksurv(repeat)
        scores.append(brier_score(y, y, null, entry["time"])[1][0])
    for facts in survival().metrics["models"].values():
        assert facts["horizons"][0]["brier_null"] == pytest.approx(np.mean(scores), abs=1e-9)


def test_observed_and_expected(of_survival):
    rows, facts = of_survival
    for entry in facts["horizons"]:
        once = everybody(rows)
        times, curve = kaplan_meier_estimator(once["event"], once["time"])
        observed = 1 - curve[np.searchsorted(times, entry["time"], side="right") - 1]
        expected = 1 - rows[f"survival_at_{entry['time']:.15g}"].mean()
        assert entry["calibration"]["observed"] == pytest.approx(observed, abs=1e-9)
        assert entry["calibration"]["expected"] == pytest.approx(expected, abs=1e-9)
        assert sum(point["patients"] for point in entry["calibration"]["curve"]) == PATIENTS


def partial_loss(part, slope):
    """Negative log partial likelihood within one fold, written out."""
    risk, time = slope * part["risk_score"].to_numpy(), part["time"].to_numpy()
    happened = np.flatnonzero(part["event"])
    return sum(np.log(np.exp(risk[time >= time[i]]).sum()) - risk[i] for i in happened)


def test_the_calibration_slope_compares_within_folds(of_survival):
    rows, facts = of_survival
    found, step = [], 1e-4
    for _, repeat in rows.groupby("repeat"):

        def loss(at, repeat=repeat):
            return sum(partial_loss(part, at) for _, part in repeat.groupby("fold"))

        grid = np.arange(-2.0, 6.0, 0.02)
        best = grid[np.argmin([loss(at) for at in grid])]
        # One step of Newton's from the best of the grid.
        up, here, down = loss(best + step), loss(best), loss(best - step)
        found.append(best - (up - down) / 2 * step / (up - 2 * here + down))
    assert facts["calibration_slope"] == pytest.approx(np.mean(found), abs=5e-3)


def test_the_log_rank_statistic(of_survival):
    rows, facts = of_survival
    values = [
        compare_survival(as_sksurv(part), part["group"].to_numpy())[0]
        for _, part in rows.groupby("repeat")
    ]
    assert facts["log_rank"]["statistic"] == pytest.approx(np.mean(values), rel=1e-9)
    if rows["model"].iloc[0] == "fusion":
        assert facts["log_rank"]["permutations"] == PERMUTATIONS
        assert facts["log_rank"]["p"] * (1 + PERMUTATIONS) == pytest.approx(1)
    else:
        assert facts["log_rank"]["p"] is None


def test_net_benefit(of_survival):
    rows, facts = of_survival
    entry = facts["horizons"][1]
    place = 14
    threshold = entry["decision"]["thresholds"][place]
    column, found = f"survival_at_{entry['time']:.15g}", []
    for _, part in rows.groupby("repeat"):
        treated = part[1 - part[column] >= threshold]
        times, curve = kaplan_meier_estimator(treated["event"], treated["time"])
        dead = 1 - curve[np.searchsorted(times, entry["time"], side="right") - 1]
        odds = threshold / (1 - threshold)
        found.append((dead - (1 - dead) * odds) * len(treated) / len(part))
    assert entry["decision"]["model"][place] == pytest.approx(np.mean(found), abs=1e-9)


def test_auc_precision_and_brier_of_a_binary_endpoint(of_binary):
    rows, facts = of_binary
    values = fold_values(rows, area)
    assert [fold["auc"] for fold in facts["folds"]] == pytest.approx(values, abs=1e-12)
    same(facts["auc"], values)
    precision = fold_values(
        rows, lambda part: average_precision_score(part["event"], part["risk_score"])
    )
    same(facts["average_precision"], precision)
    pooled = [
        brier_score_loss(part["event"], part["probability"]) for _, part in rows.groupby("repeat")
    ]
    assert facts["brier"] == pytest.approx(np.mean(pooled), abs=1e-12)
    assert rows["probability"].between(0, 1, inclusive="neither").all()
    assert "time" not in rows
    (entry,) = facts["horizons"]
    assert entry["time"] is None
    assert entry["calibration"]["observed"] == pytest.approx(rows["event"].mean())
    assert entry["calibration"]["expected"] == pytest.approx(rows["probability"].mean())


def test_the_null_model_of_a_binary_endpoint_is_the_share_of_the_training_patients():
    rows = of_model(binary(), "volume")
    values = []
    for _, repeat in rows.groupby("repeat"):
        null = pd.Series(0.0, index=repeat.index)
        for _, part in repeat.groupby("fold"):
            null[part.index] = training_of(rows, part)["event"].mean()
        values.append(brier_score_loss(repeat["event"], null))
    for facts in binary().metrics["models"].values():
        assert facts["brier_null"] == pytest.approx(np.mean(values), abs=1e-12)


def test_the_correlation_with_volume_is_that_within_folds(of_survival):
    rows, facts = of_survival
    volume = cohort()[0][VOLUME]
    values = fold_values(
        rows, lambda part: spearmanr(part["risk_score"], volume[part["case_id"]]).statistic
    )
    assert facts["correlation_with_volume"] == pytest.approx(np.mean(values), abs=1e-9)
    if rows["model"].iloc[0] == "volume":
        # Less than one by the ties of those who are smaller than all training patients.
        assert 0.99 < np.mean(values) <= 1


def test_likelihood_is_gained_over_clinical_columns_and_volume():
    both = of_model(survival(), "clinical_volume")
    losses = fold_values(both, lambda part: partial_loss(part, 1.0) / part["event"].sum())
    facts = survival().metrics["models"]
    for name in SURVIVAL:
        if name in BASELINES:
            assert facts[name]["likelihood_gain"] is None
            continue
        rows = of_model(survival(), name)
        ours = fold_values(rows, lambda part: partial_loss(part, 1.0) / part["event"].sum())
        same(facts[name]["likelihood_gain"], np.subtract(losses, ours), -np.inf, np.inf)


def test_likelihood_gained_for_a_binary_endpoint():
    def loss(part):
        return log_loss(part["event"], part["probability"])

    gain = np.subtract(
        fold_values(of_model(binary(), "clinical_volume"), loss),
        fold_values(of_model(binary(), "fusion"), loss),
    )
    same(binary().metrics["models"]["fusion"]["likelihood_gain"], gain, -np.inf, np.inf)


def test_optimism_is_training_less_nested(of_survival):
    _, facts = of_survival
    apparent = np.mean([fold["train_c_index"] for fold in facts["folds"]])
    nested = np.mean([fold["c_index"] for fold in facts["folds"]])
    assert facts["training"] == pytest.approx(apparent)
    assert facts["optimism"] == pytest.approx(apparent - nested)


@pytest.mark.parametrize("name", SURVIVAL)
def test_each_fold_is_a_model_of_the_other_patients(name):
    result = survival()
    roles = Roles("death", "os_days", CALL["clinical_columns"])
    study = make_study(*cohort(), roles)
    model, X = prepare(study, name, ModelOptions(), CALL["seed"])
    part = of_model(result, name).query("repeat == 1 and fold == 2")
    tested = X.index.isin(part["case_id"])
    model.fit(X[~tested], study.endpoint[~tested])
    risk = model.predict(X[tested])
    assert part["risk_score"].to_numpy() == pytest.approx(risk, abs=1e-12)
    cut = np.median(model.predict(X[~tested]))
    assert (part["group"].to_numpy() == np.where(risk > cut, "high", "low")).all()
    fold = result.metrics["models"][name]["folds"][5]
    assert fold["used"] == len(model.used())
    apparent = pd.DataFrame(study.endpoint[~tested]).assign(risk_score=model.predict(X[~tested]))
    assert fold["train_c_index"] == pytest.approx(harrell(apparent))


def test_every_patient_is_tested_once_a_repeat_and_all_models_in_the_same_folds():
    for result in (survival(), binary()):
        places = ["repeat", "fold", "patient_id"]
        first = of_model(result, "volume")[places].to_numpy().tolist()
        for name in result.metrics["models"]:
            rows = of_model(result, name)
            assert rows[places].to_numpy().tolist() == first
            for _, part in rows.groupby("repeat"):
                assert sorted(part["patient_id"]) == [f"{one:03d}" for one in range(PATIENTS)]
                assert np.ptp(part.groupby("fold")["event"].sum()) <= 1


def test_what_was_used_and_chosen_are_the_same():
    for result in (survival(), binary()):
        for name, facts in result.metrics["models"].items():
            table = result.selected[result.selected["model"] == name]
            used = sum(fold["used"] for fold in facts["folds"])
            if name in BASELINES:
                assert table.empty
            else:
                assert table["chosen"].sum() * len(facts["folds"]) == pytest.approx(used)
                assert (table["cluster_chosen"] >= table["chosen"] - 1e-12).all()


def test_metrics_are_json_without_nan_and_name_what_was_done():
    for result, kind in ((survival(), "survival"), (binary(), "binary")):
        metrics = json.loads(json.dumps(result.metrics, allow_nan=False))
        assert metrics == result.metrics
        assert metrics["schema"] == 5
        assert metrics["kind"] == "cross-validation"
        assert metrics["endpoint"]["kind"] == kind
        assert metrics["cohort"]["patients"] == PATIENTS
        assert metrics["cohort"]["events"] == everybody(of_model(result, "volume"))["event"].sum()
        assert metrics["cohort"]["features"] == 6
        assert metrics["cohort"]["clinical"] == 2
        design = metrics["design"]
        assert design["interval"] == "Nadeau-Bengio 95 %"
        assert (design["splits"], design["repeats"], design["folds"]) == ("repeated", 2, 3)
        assert metrics["withheld"] == {}
        assert metrics["source"]["table"] == "simulated"
        assert {"radpipe", "python", "xgboost"} <= set(metrics["versions"])
        assert metrics["leaks"]["found"] == {}


def test_subgroups_are_the_named_clinical_columns():
    _, clinical = cohort()
    for result in (survival(), binary()):
        table = result.subgroups.set_index("case_id")
        assert table.columns.tolist() == ["age", "stage"]
        truth = clinical.set_index("patient_id").loc[table.index]
        assert table["age"].tolist() == truth["age"].tolist()
        assert table["stage"].fillna("?").tolist() == truth["stage"].fillna("?").tolist()
