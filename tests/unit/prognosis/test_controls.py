"""The controls of an evaluation, and whether a leak would be seen."""

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import LeakError
from radpipe.prognosis.evaluation import controls, evaluate
from radpipe.prognosis.evaluation.harness import Bench
from radpipe.prognosis.evaluation.models import prepare
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.models.elastic_net import CoxModel
from radpipe.prognosis.models.table import MODELS, Entry
from radpipe.prognosis.models.volume import VolumeModel
from radpipe.prognosis.models.xgb_cox import XgbCox
from radpipe.prognosis.survival import binary_sample_size, make_endpoint, survival_sample_size
from radpipe.prognosis.tables.steps import Impute, Steps, Univariate
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME
from tests.unit.prognosis.evaluations import (
    CALL,
    ENDPOINT,
    PATIENTS,
    PERMUTATIONS,
    QUICK,
    binary,
    cohort,
    everybody,
    of_model,
    survival,
)


def test_permuted_outcomes_are_told_with_their_p_value():
    for result, key in ((survival(), "c_index"), (binary(), "auc")):
        told = result.metrics["controls"]["label_permutation"]
        assert told["model"] == "fusion"
        assert len(told["values"]) == PERMUTATIONS
        assert told["mean"] == pytest.approx(np.mean(told["values"]))
        # One repeat beside one repeat: the mean of several would vary less.
        folds = result.metrics["models"]["fusion"]["folds"]
        plain = np.mean([fold[key] for fold in folds if fold["repeat"] == 0])
        as_good = sum(value >= plain for value in told["values"])
        assert told["p"] == pytest.approx((1 + as_good) / (1 + PERMUTATIONS))


def test_the_p_value_counts_what_was_observed():
    assert controls.p_value(0.7, [0.5, 0.6, 0.7, 0.8]) == pytest.approx(3 / 5)
    assert controls.p_value(0.9, [0.5, None, 0.6]) == pytest.approx(1 / 3)
    assert controls.p_value(None, [0.5]) is None
    assert controls.p_value(0.9, [None]) is None


def test_permuted_features_leave_what_volume_and_clinical_columns_tell():
    told = survival().metrics["controls"]["permuted_features"]
    assert len(told["values"]) == max(PERMUTATIONS // 4, 1)
    models = survival().metrics["models"]
    alone = models["clinical_volume"]["c_index"]["estimate"]
    assert models["fusion"]["c_index"]["estimate"] > alone + 0.03
    assert told["mean"] == pytest.approx(alone, abs=0.06)


@pytest.mark.parametrize("what", [controls.LABELS, controls.FEATURES, controls.NOTHING])
def test_what_a_permutation_permutes(monkeypatch, what):
    study = make_study(*cohort(), Roles("death", "os_days", ["age"]))
    model, X = prepare(study, "xgb_cox", ModelOptions(), 0)
    given = []
    fit = XgbCox.fit

    def spy(self, table, y):
        given.append((table, y))
        return fit(self, table, y)

    monkeypatch.setattr(XgbCox, "fit", spy)
    bench = Bench({"xgb_cox": (model, [*X.columns])}, study.frame, study.endpoint, np.array([]))
    before = study.frame.copy()
    features = [name for name in study.features if name != VOLUME]
    controls.run_permutation(bench, features, 3, controls.Permutation(what, 4))
    pd.testing.assert_frame_equal(study.frame, before)
    assert len(given) == 3
    truth = pd.Series(study.endpoint["time"], index=X.index)
    for table, y in given:
        same = np.mean(y["time"] == truth[table.index])
        whole = X.loc[table.index]
        kept = [(table[name].to_numpy() == whole[name].to_numpy()).mean() for name in features]
        assert (table[[VOLUME, "age"]] == whole[[VOLUME, "age"]]).all(axis=None)
        assert same < 0.1 if what == controls.LABELS else same == 1
        assert max(kept) < 0.1 if what == controls.FEATURES else min(kept) == 1
        # Rows stay together: what correlates, correlates still.
        rows = {tuple(row) for row in X[features].to_numpy()}
        assert {tuple(row) for row in table[features].to_numpy()} <= rows


def test_the_volume_is_not_permuted_with_the_features(monkeypatch):
    permuted = []
    run = controls.run_permutation

    def spy(bench, features, folds, permutation, centres):
        permuted.append((permutation.what, list(features)))
        return run(bench, features, folds, permutation, centres)

    monkeypatch.setattr(controls, "run_permutation", spy)
    evaluate(*cohort(), **{**QUICK, "permutations": 1, "repeats": 1}, models=["xgb_cox"])
    assert [what for what, _ in permuted] == ["nothing", "labels", "features"]
    for _, features in permuted:
        assert TEXTURE in features
        assert VOLUME not in features


def test_the_learning_curve_ends_with_all_patients():
    for result, key in ((survival(), "c_index"), (binary(), "auc")):
        curve = result.metrics["controls"]["learning_curve"]
        assert [point["share"] for point in curve] == [0.4, 0.6, 0.8, 1.0]
        whole = PATIENTS * 2 / 3
        for point in curve:
            assert point["patients"] == pytest.approx(point["share"] * whole, abs=1.5)
            assert point["low"] <= point[key] <= point["high"]
        folds = result.metrics["models"]["fusion"]["folds"][:3]
        assert curve[-1][key] == pytest.approx(np.mean([fold[key] for fold in folds]))


def test_a_shortened_fold_draws_from_its_training_patients_alone(monkeypatch):
    study = make_study(*cohort(), Roles("death", "os_days"))
    model, X = prepare(study, "volume", ModelOptions(), 0)
    bench = Bench({"volume": (model, [*X.columns])}, study.frame, study.endpoint, np.array([]))
    part = controls.learning_parts(
        [controls.Fold(0, 0, np.arange(60), np.arange(60, 90)), controls.Fold(1, 0, X, X)]
    )
    assert [each.share for each in part] == [0.4, 0.6, 0.8]
    seen = []
    fit = VolumeModel.fit
    monkeypatch.setattr(
        VolumeModel, "fit", lambda self, X, y: seen.append((X.index, y)) or fit(self, X, y)
    )
    patients, _ = controls.run_shortened(bench, 0, part[0])
    ((rows, y),) = seen
    assert rows.is_unique
    assert rows.isin(X.index[:60]).all()
    assert patients == len(rows) == pytest.approx(24, abs=1)
    share = study.endpoint["event"][:60].mean()
    assert y["event"].mean() == pytest.approx(share, abs=0.05)


def test_events_for_each_variable():
    for result in (survival(), binary()):
        told = result.metrics["controls"]["events_per_variable"]
        events = result.metrics["cohort"]["events"]
        fewest = min(events, PATIENTS - events) if result is binary() else events
        assert told["candidates"] == 8
        assert told["per_candidate"] == pytest.approx(fewest / 8)
        folds = result.metrics["models"]["fusion"]["folds"]
        assert told["used"] == pytest.approx(np.mean([fold["used"] for fold in folds]))
        assert told["per_used"] == pytest.approx(fewest / told["used"])
        assert told["warning"].startswith(f"{fewest} events for 8 candidate columns")
    y = make_endpoint(np.arange(200) < 100, np.arange(200) + 1.0)
    assert controls.events_per_variable(y, 10, 2.0)["warning"] is None
    assert controls.events_per_variable(y, 11, 0.0)["per_used"] is None


def test_rileys_sample_size_is_that_of_this_cohort():
    # Six features, age, and stage, whose three categories are two parameters.
    parameters = 6 + 1 + 2
    told = survival().metrics["controls"]["riley"]
    rows = everybody(of_model(survival(), "volume"))
    rate = rows["event"].sum() / rows["time"].sum()
    horizon = survival().metrics["models"]["volume"]["horizons"][1]["time"]
    need = survival_sample_size(parameters, rate, rows["time"].mean(), horizon)
    assert told["patients"] == need["patients"]
    assert told["parameters"] == parameters
    assert told["enough"] == (need["patients"] <= PATIENTS)
    rows = everybody(of_model(binary(), "volume"))
    need = binary_sample_size(parameters, rows["event"].mean())
    assert binary().metrics["controls"]["riley"]["patients"] == need["patients"]


def test_controls_are_left_out_where_nothing_is_learnt_or_none_is_wanted():
    told = evaluate(*cohort(), **QUICK, models=["xgb_cox"]).metrics["controls"]
    assert told["label_permutation"] is told["permuted_features"] is None
    assert told["learning_curve"] == []
    # What is counted costs nothing, and is told all the same.
    assert told["events_per_variable"]["candidates"] == 6
    assert told["riley"]["parameters"] == 6
    call = {**QUICK, "permutations": 3}
    assert evaluate(*cohort(), **call, models=["volume"]).metrics["controls"] is None


def test_permutations_are_of_the_default_settings():
    call = {**QUICK, "repeats": 1, "permutations": 1, "models": ["xgb_cox"]}
    tuned, plain = (
        evaluate(*cohort(), **call, options=ModelOptions(trials=trials)).metrics
        for trials in (2, 0)
    )
    assert tuned["controls"]["label_permutation"] == {
        **plain["controls"]["label_permutation"],
        "p": tuned["controls"]["label_permutation"]["p"],
    }
    assert tuned["design"]["trials"] == 2


# --- noise, honest and leaky -----------------------------------------------------------------


def noise(seed, patients=60, columns=300):
    random = np.random.default_rng(seed)
    names = [f"original_glcm_F{number}" for number in range(columns)]
    features = pd.DataFrame(random.normal(size=(patients, columns)), columns=names)
    features.index = pd.Index([f"{number:03d}" for number in range(patients)], name="case_id")
    features.insert(0, "patient_id", features.index)
    clinical = pd.DataFrame(
        {
            "patient_id": features.index,
            "os_days": random.exponential(300, patients) + 1,
            "death": random.random(patients) < 0.7,
        }
    )
    return features, clinical.astype({"death": int})


def nested_c(features, clinical, model="quick", **how):
    call = {**ENDPOINT, "repeats": 1, "folds": 3, "permutations": 0, "models": [model], **how}
    return evaluate(features, clinical, **call).metrics["models"][model]["c_index"]["estimate"]


class Quick(VolumeModel):
    """The ten columns of the largest score, with its sign: quick, and as greedy as can be."""

    learns = True

    def take(self, columns):
        return [*columns.features]

    def make_steps(self, X):
        return Steps([Impute(), Univariate(10)])

    def learn(self, table, y, settings):
        from radpipe.prognosis.tables.steps.scores import score_test

        return pd.Series(np.sign(score_test(table.to_numpy(), y)), index=table.columns)


@pytest.fixture
def quick(monkeypatch):
    home = f"{Quick.__module__}.{Quick.__qualname__}"
    monkeypatch.setitem(MODELS, "quick", Entry(home, "Quick"))


def test_noise_is_not_found_and_selection_before_the_split_finds_it(quick):
    honest, leaky = [], []
    for seed in range(20):
        features, clinical = noise(seed)
        honest.append(nested_c(features, clinical, seed=seed))
        y = make_endpoint(clinical["death"] == 1, clinical["os_days"])
        chosen = Univariate(10).fit(features.drop(columns="patient_id"), y).kept_
        leaky.append(nested_c(features[["patient_id", *chosen]], clinical, seed=seed))
    error = np.std(honest, ddof=1) / np.sqrt(len(honest))
    assert abs(np.mean(honest) - 0.5) < 3 * error
    assert error < 0.02
    assert np.mean(leaky) > 0.6


FITTED_BEFORE = []


class Leaky(Quick):
    """Holds a selector that was fitted on everybody."""

    def fit(self, X, y):
        super().fit(X, y)
        self.selectors_ = {"first": [FITTED_BEFORE[0]]}
        return self


def test_a_step_fitted_before_the_split_ends_the_run(monkeypatch):
    home = f"{Leaky.__module__}.{Leaky.__qualname__}"
    monkeypatch.setitem(MODELS, "leaky", Entry(home, "Leaky"))
    features, clinical = noise(0)
    y = make_endpoint(clinical["death"] == 1, clinical["os_days"])
    before = Univariate(10).fit(features.drop(columns="patient_id"), y)
    monkeypatch.setattr(f"{__name__}.FITTED_BEFORE", [before])
    with pytest.raises(LeakError, match="Univariate: a step was fitted on rows outside"):
        nested_c(features, clinical, "leaky")


class Greedy(CoxModel):
    """Fits its steps on the patients to be scored too, as batch correction often is."""

    def _scores(self, X):
        if len(X) < 30:
            self.steps_ = self.make_steps(X).fit(X, None)
        return super()._scores(X)

    def learn(self, table, y, settings):
        return pd.Series(1.0, index=table.columns)


def test_every_model_of_the_table_saw_its_training_patients_alone():
    # require_fitted_on ran in each of these folds, and would have ended them.
    assert len(of_model(survival(), "fusion")) == 2 * PATIENTS
    assert survival().metrics["leaks"]["checked"] == [
        "patient_id",
        "image",
        "values of all features",
        "a column alone",
        "rows seen by fitted steps",
    ]
    assert CALL["repeats"] == 2
