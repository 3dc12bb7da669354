"""What single models find, beside scikit-survival, scikit-learn and plain arithmetic."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
from sksurv.linear_model.coxph import BreslowEstimator
from sksurv.nonparametric import CensoringDistributionEstimator

from radpipe.errors import ModelError, RadpipeError, TableError
from radpipe.prognosis.models.calibration import LEAST_SLOPE, Recalibration
from radpipe.prognosis.models.clinical import RIDGE, ClinicalModel, ClinicalVolumeModel
from radpipe.prognosis.models.elastic_net import CoxModel, LogisticModel
from radpipe.prognosis.models.fusion import FusionModel, _weigh
from radpipe.prognosis.models.parts import Columns
from radpipe.prognosis.models.table import MODELS, model_class
from radpipe.prognosis.models.tuning import choose
from radpipe.prognosis.models.volume import VolumeModel
from radpipe.prognosis.models.xgb_classifier import XgbClassifier
from radpipe.prognosis.models.xgb_cox import XgbCox
from radpipe.prognosis.survival import concordance_index, kaplan_meier, make_endpoint
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, simulate


def cohort(patients=150, seed=0, **how):
    """Return features and clinical columns of each patient, and the endpoint."""
    features, clinical = simulate(patients, seed=seed, **how)
    clinical = clinical.set_index("patient_id").loc[features["patient_id"]]
    X = features.drop(columns="patient_id")
    more = clinical[["age", "sex"]].set_index(X.index)
    return X, more, make_endpoint(clinical["death"] == 1, clinical["os_days"])


def z(values):
    return (values - values.mean()) / values.std()


def offered(X, **more):
    return Columns(tuple(X.columns), volume=VOLUME, **more)


def taken(model, columns):
    names = model.take(columns)
    return model, names


# --- the linear models beside other programs -------------------------------------------------


def test_the_clinical_model_is_cox_regression():
    _, X, y = cohort()
    design = np.column_stack([z(X["age"]), z(X["sex"] == "f")])
    truth = CoxPHSurvivalAnalysis(alpha=RIDGE, tol=1e-12).fit(design, y)
    model = ClinicalModel().fit(X, y)
    score = design @ truth.coef_
    np.testing.assert_allclose(model.standardised(X), z(score), atol=1e-4)


def test_the_clinical_model_is_logistic_regression():
    _, X, y = cohort()
    died = y["time"] < 100
    design = np.column_stack([z(X["age"]), z(X["sex"] == "f")])
    truth = LogisticRegression(C=1 / RIDGE, tol=1e-10).fit(design, died)
    np.testing.assert_allclose(
        ClinicalModel().fit(X, died).standardised(X), z(design @ truth.coef_[0]), atol=1e-4
    )


def test_clinical_and_volume_take_the_logarithm_of_the_volume():
    features, more, y = cohort()
    X = more[["age"]].join(features[[VOLUME]])
    model, columns = taken(ClinicalVolumeModel(), Columns((), ("age",), VOLUME))
    design = np.column_stack([z(X["age"]), z(np.log(X[VOLUME]))])
    truth = CoxPHSurvivalAnalysis(alpha=RIDGE, tol=1e-12).fit(design, y)
    found = model.fit(X[columns], y).standardised(X[columns])
    np.testing.assert_allclose(found, z(design @ truth.coef_), atol=1e-4)


@pytest.mark.parametrize("strength", [0.2, 0.5])
def test_the_elastic_net_is_coxnet(strength):
    X, _, y = cohort(noise=30, effect=0.7)
    table, ratio = (X - X.mean()) / X.std(ddof=0), 0.7
    largest = CoxnetSurvivalAnalysis(l1_ratio=ratio, n_alphas=2).fit(table.to_numpy(), y).alphas_[0]
    coxnet = CoxnetSurvivalAnalysis(l1_ratio=ratio, alphas=[strength * largest], tol=1e-12)
    truth = coxnet.fit(table.to_numpy(), y).coef_[:, 0]
    found = CoxModel().learn(table, y, {"strength": strength, "l1_ratio": ratio})
    np.testing.assert_allclose(found, truth, atol=2e-3)
    assert 0 < (truth != 0).sum() < 20
    # Nothing enters at the largest penalty, and something right below it.
    nothing = CoxModel().learn(table, y, {"strength": 1.0, "l1_ratio": ratio})
    assert (nothing.abs() < 1e-6).all()
    first = CoxModel().learn(table, y, {"strength": 0.95, "l1_ratio": ratio})
    assert first.index[first.abs() > 1e-6].tolist() == [TEXTURE]


def test_the_logistic_elastic_net_is_scikit_learns():
    X, _, y = cohort(noise=30, effect=0.7)
    died = y["time"] < 120
    table, strength, ratio = (X - X.mean()) / X.std(ddof=0), 0.4, 0.7
    largest = np.abs(table.to_numpy().T @ (died - died.mean())).max() / len(died) / ratio
    settings = {"strength": strength, "l1_ratio": ratio}
    found = LogisticModel().learn(table, died, settings)
    truth = LogisticRegression(
        C=1 / (len(died) * strength * largest),
        l1_ratio=ratio,
        solver="saga",
        tol=1e-8,
        max_iter=20_000,
    ).fit(table, died)
    np.testing.assert_allclose(found, truth.coef_[0], atol=2e-3)


# --- calibration -----------------------------------------------------------------------------


def stratified_slope(y, score, fold, ridge):
    """Maximise the partial likelihood, written out as the textbook does."""

    def loss(slope):
        total = 0.0
        for place in np.flatnonzero(y["event"]):
            at_risk = (fold == fold[place]) & (y["time"] >= y["time"][place])
            total += np.log(np.exp(slope * score[at_risk]).sum()) - slope * score[place]
        return total + ridge / 2 * slope**2

    return minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10}).x


def test_the_slope_is_that_of_scores_held_out():
    X, _, y = cohort()
    model = VolumeModel().fit(X[[VOLUME]].assign(**{VOLUME: np.exp(X[TEXTURE])}), y)
    truth = stratified_slope(y, model.out_of_fold_, model.fold_, 1e-2)
    assert model.calibration_.slope == pytest.approx(truth, abs=1e-5)
    assert 1 < truth < 2


def test_survival_is_breslows():
    X, _, y = cohort()
    model = XgbCox().fit(X, y)
    log_hazard = model.calibration_.slope * model.out_of_fold_
    breslow = BreslowEstimator().fit(log_hazard, y["event"], y["time"])
    at = np.array([10.0, 100.0, 250.0])
    curves = breslow.get_survival_function(model.predict(X[:20]))
    truth = np.array([curve(at) for curve in curves])
    np.testing.assert_allclose(model.predict_survival(X[:20], at), truth, atol=1e-12)


def test_the_mean_probability_is_the_share_of_events():
    X, _, y = cohort()
    died = y["time"] < 100
    for model in (VolumeModel(), XgbClassifier()):
        found = model.fit(X[[TEXTURE]], died).calibration_
        log_odds = found.slope * model.out_of_fold_ + found.intercept
        assert (1 / (1 + np.exp(-log_odds))).mean() == pytest.approx(died.mean(), abs=1e-9)


@pytest.mark.parametrize("binary", [False, True])
def test_scores_that_are_wrong_have_the_least_slope(binary):
    X, _, y = cohort()
    target = y["time"] < 100 if binary else y
    score, fold = z(X[TEXTURE].to_numpy()), np.arange(len(y)) % 5
    assert Recalibration.fit(target, score, fold).slope > 0.5
    assert Recalibration.fit(target, -score, fold).slope == LEAST_SLOPE


def test_what_is_the_hazard_itself_keeps_its_slope():
    X, _, y = cohort(3000)
    hazard = 1.5 * X[TEXTURE].to_numpy()
    assert Recalibration.fit(y, hazard, np.zeros(len(y))).slope == pytest.approx(1, abs=0.05)


# --- the trees -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["xgb_cox", "cox", "fusion", "xgb_classifier"])
def test_the_hazard_is_found_in_new_patients(name):
    X, _, y = cohort(150)
    new, _, later = cohort(300, seed=9)
    model, columns = taken(model_class(name)(), offered(X))
    model.fit(X[columns], y)
    truth = concordance_index(later, new[TEXTURE])
    least = truth - {"cox": 0.02, "fusion": 0.02, "xgb_cox": 0.07, "xgb_classifier": 0.12}[name]
    assert least < concordance_index(later, model.predict(new[columns])) <= truth + 0.01
    assert model.contributions(new[columns]).abs().mean().idxmax() == TEXTURE
    assert TEXTURE in model.used()


@pytest.mark.parametrize("name", ["xgb_cox", "cox", "fusion"])
def test_mean_survival_follows_kaplan_meier(name):
    X, _, y = cohort(200)
    model, columns = taken(model_class(name)(), offered(X))
    times, observed = kaplan_meier(y)
    at = np.quantile(y["time"], [0.2, 0.4, 0.6])
    expected = observed[np.searchsorted(times, at, side="right") - 1]
    found = model.fit(X[columns], y).predict_survival(X[columns], at).mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize("horizon", [None, 150.0])
def test_the_classifier_weights_by_the_chance_to_be_known(monkeypatch, horizon):
    X, _, y = cohort()
    given = []
    boost = XgbClassifier.boost

    def spy(self, table, label, objective, settings, weight=None):
        given.append((table.index, label, weight))
        return boost(self, table, label, objective, settings, weight)

    monkeypatch.setattr(XgbClassifier, "boost", spy)
    XgbClassifier(horizon=horizon).fit(X, y)
    # Inner folds come first, all rows last.
    rows, label, weight = given[-1]
    by = np.median(y["time"][y["event"]]) if horizon is None else horizon
    known = (y["event"] & (y["time"] <= by)) | (y["time"] > by)
    assert rows.tolist() == X.index[known].tolist()
    assert (label == (y["time"] <= by)[known]).all()
    censoring = CensoringDistributionEstimator().fit(y)
    truth = 1 / censoring.predict_proba(np.minimum(y["time"], by))[known]
    np.testing.assert_allclose(weight, truth, rtol=1e-9)
    assert len(given) == 6


@pytest.mark.parametrize("horizon", [1e-3, 1e9])
def test_a_horizon_that_tells_nobody_from_anybody_is_refused(horizon):
    X, _, y = cohort(60)
    with pytest.raises(ModelError, match="a horizon that teaches nothing"):
        XgbClassifier(horizon=horizon).fit(X, y)


def test_trees_take_holes_text_and_constants():
    X, _, y = cohort(80)
    X = X.assign(constant=1.0, empty=np.nan, flag=X[VOLUME] > 1, stage=["I", "II"] * 40)
    X.iloc[::7, 1] = np.nan
    X.loc[X.index[3], "stage"] = None
    model = XgbCox().fit(X, y)
    assert np.isfinite(model.predict(X.assign(stage="IV"))).all()
    assert {"constant", "empty"}.isdisjoint(model.used())


def test_a_named_category_is_used():
    X, _, y = cohort(120)
    stage = pd.Series(np.where(X[TEXTURE] > 0, "IV", "I"), index=X.index, name="stage").to_frame()
    for model in (XgbCox(), ClinicalModel(), CoxModel()):
        risk = model.fit(stage, y).predict(stage)
        assert risk[stage["stage"] == "IV"].min() > risk[stage["stage"] == "I"].max()


@pytest.mark.parametrize("name", ["xgb_cox", "cox", "clinical", "volume"])
def test_infinity_is_refused_by_column_and_row(name):
    X, _, y = cohort(40)
    X.iloc[4, 0] = np.inf
    with pytest.raises(TableError, match=rf"{VOLUME}.*infinity.*004"):
        model_class(name)().fit(X[[VOLUME]], y)


# --- the fusion ------------------------------------------------------------------------------


def test_a_fusion_with_noise_is_volume():
    """For most shuffles of noise nothing passes."""
    same = []
    for seed in range(6):
        X, _, y = cohort(100, seed=seed, effect=0.0)
        random = np.random.default_rng(seed)
        size = random.normal(size=100)
        X[VOLUME] = np.exp(size)
        y["time"] = random.exponential(np.exp(-size)) + 0.01
        model, columns = taken(FusionModel(), offered(X))
        risk = model.fit(X[columns], y).predict(X[columns])
        volume = VolumeModel().fit(X[[VOLUME]], y)
        same.append(bool((np.argsort(risk) == np.argsort(volume.predict(X[[VOLUME]]))).all()))
        assert model.weights_["volume"] > 0
    assert np.mean(same) >= 0.5


def test_a_branch_of_noise_passes_as_often_as_half_a_standard_error_does():
    random = np.random.default_rng(0)
    passed = []
    for _ in range(300):
        signal, noise = random.normal(size=(2, 100))
        y = make_endpoint(np.ones(100, bool), random.exponential(np.exp(-signal)) + 1e-3)
        passed.append(_weigh(np.column_stack([signal, noise]), y, np.zeros(100))[1] > 0)
    # A gradient is normal, whatever the scores.
    assert np.mean(passed) == pytest.approx(norm.sf(0.5), abs=0.08)


def test_a_branch_that_repeats_the_first_has_no_weight():
    random = np.random.default_rng(1)
    signal = random.normal(size=600)
    y = make_endpoint(random.random(600) < 0.7, random.exponential(np.exp(-signal)) + 1e-3)
    first, second = _weigh(np.column_stack([signal, signal]), y, np.zeros(600))
    assert first > 0.5
    assert second == pytest.approx(0, abs=1e-6)


def test_a_fusion_finds_what_radiomics_adds():
    X, more, y = cohort(200)
    model, columns = taken(FusionModel(), offered(X, clinical=("age", "sex")))
    table = X.join(more)[columns]
    model.fit(table, y)
    assert [*model.branches_] == ["clinical + volume", "radiomics"]
    assert model.weights_["radiomics"] > 0
    risk = model.predict(table)
    alone = ClinicalModel(Columns(volume=VOLUME)).fit(table[["age", "sex", VOLUME]], y)
    known = concordance_index(y, alone.predict(table[["age", "sex", VOLUME]]))
    assert concordance_index(y, risk) > known + 0.1


def test_a_fusion_scores_are_its_weighted_branches():
    X, more, y = cohort(120)
    sets = {"noise": ("original_glrlm_Noise0", "original_glrlm_Noise1")}
    model, columns = taken(FusionModel(), offered(X, clinical=("age",), branches=sets))
    table = X.join(more)[columns]
    model.fit(table, y)
    assert [*model.branches_] == ["clinical + volume", "other features", "noise"]
    parts = {
        name: branch.standardised(table[[*branch.feature_names_in_]])
        for name, branch in model.branches_.items()
    }
    score = sum(model.weights_[name] * part for name, part in parts.items())
    np.testing.assert_allclose(model.standardised(table), z(score), atol=1e-9)
    assert set(sets["noise"]).isdisjoint(model.branches_["other features"].feature_names_in_)
    assert [*model.branches_["noise"].feature_names_in_] == [*sets["noise"]]


def test_a_fusion_needs_something_to_fuse():
    assert FusionModel().take(Columns((), ("age",), None)) == []
    assert FusionModel().take(Columns((TEXTURE,), (), None)) == []
    model, columns = taken(FusionModel(), Columns((TEXTURE,), ("age",), None))
    X, more, y = cohort(80)
    assert [*model.fit(X.join(more)[columns], y).branches_] == ["clinical", "radiomics"]


def test_a_fusion_of_one_branch_that_tells_is_calibrated_as_the_branch():
    # A weight far from one must not be counted twice.
    X, _, y = cohort(400, effect=0.4)
    X[VOLUME] = np.random.default_rng(5).permutation(X[VOLUME])
    model, columns = taken(FusionModel(), offered(X))
    branch, names = taken(CoxModel(), offered(X))
    model.fit(X[columns], y)
    branch.fit(X[names], y)
    assert model.weights_["volume"] == 0
    assert model.weights_["radiomics"] < 0.7
    assert model.calibration_.slope == pytest.approx(branch.calibration_.slope, rel=0.1)
    np.testing.assert_allclose(model.predict(X[columns]), branch.predict(X[names]), atol=0.01)


# --- tuning ----------------------------------------------------------------------------------


def test_tuning_tries_the_defaults_first_and_keeps_the_best():
    tried = []

    def loss(settings):
        tried.append(settings["x"])
        return (settings["x"] - 3.0) ** 2

    def suggest(trial):
        return {"x": trial.suggest_float("x", 0.0, 5.0)}

    found = choose(loss, {"x": 1.0}, suggest, 12, seed=4)
    assert tried[0] == 1.0
    assert len(tried) == 12
    assert found["x"] == min(tried, key=lambda x: (x - 3.0) ** 2)
    assert choose(loss, {"x": 1.0}, suggest, 1, seed=4) == {"x": 1.0}
    first = tried[:12]
    tried.clear()
    choose(loss, {"x": 1.0}, suggest, 12, seed=4)
    assert tried == first


@pytest.mark.parametrize("name", ["cox", "xgb_cox", "fusion"])
def test_a_tuned_model_is_the_same_twice(name):
    X, _, y = cohort(60)
    model, columns = taken(model_class(name)(trials=4), offered(X))
    first, second = (model.fit(X[columns], y).predict(X[columns]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    plain, _ = taken(model_class(name)(), offered(X))
    tuned = model.settings()
    default = plain.fit(X[columns], y).settings()
    assert tuned.keys() == default.keys()


def test_tuning_looks_at_patients_held_out_only(monkeypatch):
    X, _, y = cohort(60)
    model = XgbCox(trials=3)
    seen = []
    learn = XgbCox.learn

    def spy(self, table, target, settings):
        seen.append(len(target))
        return learn(self, table, target, settings)

    monkeypatch.setattr(XgbCox, "learn", spy)
    model.fit(X, y)
    # Three settings and the winner in five folds of 48 patients, and once on all.
    assert seen == [48] * 20 + [60]


# --- the table -------------------------------------------------------------------------------


def test_an_unknown_model_is_told_what_was_meant():
    with pytest.raises(ModelError, match=r"unknown model.*found: xgb_coxx.*did you mean 'xgb_cox'"):
        model_class("xgb_coxx")
    with pytest.raises(RadpipeError, match=f"expected: {', '.join(MODELS)}"):
        model_class("?")
