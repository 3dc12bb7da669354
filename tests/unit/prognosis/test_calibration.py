import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression

from radpipe.prognosis.survival import (
    NoPairsError,
    binary_calibration,
    calibration_at,
    calibration_slope,
    kaplan_meier,
    make_endpoint,
    observed_risk,
)
from radpipe.prognosis.survival.calibration import _known_state

HORIZON = 300


def simulate(patients, seed=0, strength=1.0):
    """Return endpoint and true log-hazard; event times are exponential with mean 500 at 0."""
    random = np.random.default_rng(seed)
    log_hazard = strength * random.normal(size=patients)
    time = random.exponential(500 * np.exp(-log_hazard))
    censored = random.uniform(0, 1500, patients)
    return make_endpoint(time <= censored, np.minimum(time, censored) + 1e-9), log_hazard


def survival_of(log_hazard):
    return np.exp(-np.exp(log_hazard) * HORIZON / 500)


def test_the_true_model_is_calibrated():
    endpoint, log_hazard = simulate(20_000)
    found = calibration_at(endpoint, survival_of(log_hazard), HORIZON)
    assert found.slope == pytest.approx(1, abs=0.05)
    assert found.intercept == pytest.approx(0, abs=0.05)
    assert found.ratio.estimate == pytest.approx(1, abs=0.03)
    assert calibration_slope(endpoint, log_hazard) == pytest.approx(1, abs=0.03)
    assert [point.patients for point in found.curve] == [4000] * 5
    for point in found.curve:
        assert point.low - 0.01 < point.predicted < point.high + 0.01


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_slope_of_log_hazards_too_far_apart_is_its_inverse(factor):
    endpoint, log_hazard = simulate(20_000, seed=1)
    assert calibration_slope(endpoint, factor * log_hazard) == pytest.approx(1 / factor, rel=0.03)
    stretched = survival_of(factor * log_hazard)
    found = calibration_at(endpoint, stretched, HORIZON)
    assert found.slope == pytest.approx(1 / factor, rel=0.05)


def test_intercept_of_a_hazard_predicted_twice_too_high_is_minus_log_2():
    endpoint, log_hazard = simulate(20_000, seed=2)
    found = calibration_at(endpoint, survival_of(log_hazard + np.log(2)), HORIZON)
    assert found.intercept == pytest.approx(-np.log(2), abs=0.05)
    assert found.ratio.high < 1


def test_slope_equals_scikit_survivals_cox():
    linear_model = pytest.importorskip("sksurv.linear_model")
    endpoint, log_hazard = simulate(80, seed=3)
    endpoint = make_endpoint(endpoint["event"], np.ceil(endpoint["time"] / 60))
    cox = linear_model.CoxPHSurvivalAnalysis(ties="breslow", tol=1e-13)
    theirs = cox.fit(log_hazard[:, np.newaxis], endpoint).coef_[0]
    assert calibration_slope(endpoint, log_hazard) == pytest.approx(theirs, abs=1e-7)


def test_strata_forgive_what_differs_between_folds():
    endpoint, log_hazard = simulate(4_000, seed=4)
    fold = np.arange(4_000) % 4
    shifted = log_hazard + 5 * fold
    assert calibration_slope(endpoint, shifted, fold) == pytest.approx(1, abs=0.05)
    assert calibration_slope(endpoint, shifted) < 0.2


@pytest.mark.parametrize(
    ("event", "predicted"), [([True, True, False], [1, 1, 1]), ([False] * 3, [1, 2, 3])]
)
def test_slope_needs_events_that_differ(event, predicted):
    with pytest.raises(NoPairsError, match="differing predictions"):
        calibration_slope(make_endpoint(event, [1, 2, 3]), predicted)


@pytest.mark.parametrize("predicted", [[3, 2, 1], [1, 2, 3]])
def test_a_faultless_order_has_no_finite_slope(predicted):
    with pytest.raises(ValueError, match="slope is infinite"):
        calibration_slope(make_endpoint([True, True, False], [1, 2, 3]), predicted)


def test_slope_at_a_horizon_maximises_the_likelihood_if_no_one_is_censored():
    endpoint, log_hazard = simulate(150, seed=5)
    endpoint = make_endpoint(np.ones(150, dtype=bool), endpoint["time"])
    dead, scale = endpoint["time"] <= HORIZON, log_hazard + np.log(HORIZON / 500)

    def loss(at):
        hazard = np.exp(at[0] + at[1] * scale)
        return -(np.log(-np.expm1(-hazard[dead])).sum() - hazard[~dead].sum())

    theirs = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9}).x[1]
    found = calibration_at(endpoint, survival_of(log_hazard), HORIZON)
    assert found.slope == pytest.approx(theirs, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    times=st.lists(st.integers(1, 8), min_size=3, max_size=30),
    data=st.data(),
    horizon=st.integers(1, 8),
)
def test_weighted_share_of_events_is_kaplan_and_meiers(times, data, horizon):
    event = data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times)))
    endpoint = make_endpoint(event, times)
    by_then = endpoint["event"] & (endpoint["time"] <= horizon)
    at, survival = kaplan_meier(endpoint)
    expected = np.concatenate([[1.0], survival])[np.searchsorted(at, horizon, side="right")]
    weights = _known_state(endpoint, by_then, horizon)
    assert weights[by_then].sum() / len(times) == pytest.approx(1 - expected, abs=1e-12)


def test_intercept_makes_the_mean_prediction_the_observed_risk():
    endpoint, log_hazard = simulate(200, seed=6)
    found = calibration_at(endpoint, survival_of(0.3 * log_hazard - 1), HORIZON)
    corrected = survival_of(0.3 * log_hazard - 1 + found.intercept)
    assert 1 - corrected.mean() == pytest.approx(found.observed, abs=1e-9)


def test_points_are_fewer_where_events_are():
    endpoint, log_hazard = simulate(60, seed=7)
    events = int((endpoint["event"] & (endpoint["time"] <= HORIZON)).sum())
    assert 20 <= events < 30
    assert len(calibration_at(endpoint, survival_of(log_hazard), HORIZON).curve) == 2


def test_points_are_fewer_where_a_groups_follow_up_ends_early():
    # All low-risk patients leave before the horizon; together with the others they can be judged.
    time = np.concatenate([np.full(50, 100.0), np.linspace(1, 400, 50)])
    endpoint = make_endpoint(np.arange(100) >= 50, time)
    survival = np.where(np.arange(100) < 50, 0.9, 0.2)
    curve = calibration_at(endpoint, survival, HORIZON, groups=2).curve
    assert [point.patients for point in curve] == [100]


def test_equal_predictions_have_no_slope_and_one_point():
    endpoint, _ = simulate(200, seed=8)
    found = calibration_at(endpoint, np.full(200, 0.6), HORIZON)
    assert found.slope is None
    assert len(found.curve) == 1
    by_rounding = 0.6 + 1e-16 * np.random.default_rng(0).choice([-1, 1], 200)
    assert len(set(by_rounding)) == 2
    assert calibration_at(endpoint, by_rounding, HORIZON).slope is None
    assert found.ratio.estimate == pytest.approx(found.observed / 0.4)
    json.dumps(found, allow_nan=False)


def test_certain_predictions_keep_slope_and_intercept_finite():
    endpoint, log_hazard = simulate(200, seed=9)
    survival = np.where(log_hazard > 1, 0.0, np.where(log_hazard < -1, 1.0, 0.5))
    found = calibration_at(endpoint, survival, HORIZON)
    assert 0 < found.slope < 1
    assert np.isfinite(found.intercept)


@pytest.mark.parametrize(
    ("survival", "time", "words"),
    [
        ([0.5, 1.2, 0.1], 2, "between 0 and 1"),
        ([0.5, np.nan, 0.1], 2, "between 0 and 1"),
        ([0.5, 0.1], 2, "2,"),
        ([1.0, 1.0, 1.0], 2, "every predicted risk is 0"),
        ([0.5, 0.5, 0.1], 9, "follow-up ends at 3, before 9"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(survival, time, words):
    with pytest.raises(ValueError, match=words):
        calibration_at(make_endpoint([True, True, False], [1, 2, 3]), survival, time)


def test_observed_risk_without_censoring_is_wilsons_interval():
    endpoint = make_endpoint([True] * 20, np.arange(1, 21))
    for dead in (0, 3, 13, 20):
        share = binomtest(dead, 20).proportion_ci(method="wilson")
        found = observed_risk(endpoint, dead or 0.5)
        assert found == pytest.approx((dead / 20, share.low, share.high), abs=1e-12)


def test_a_group_that_all_died_is_as_sure_as_its_events():
    endpoint = make_endpoint([True, False, False, False, True], [1, 2, 2, 2, 3])
    share = binomtest(2, 2).proportion_ci(method="wilson")
    assert observed_risk(endpoint, 3) == pytest.approx((1, share.low, 1), abs=1e-12)


def test_a_group_without_events_is_as_sure_as_those_still_followed():
    endpoint = make_endpoint([False] * 5, [1, 2, 3, 4, 4])
    share = binomtest(0, 3).proportion_ci(method="wilson")
    assert observed_risk(endpoint, 3) == pytest.approx((0, 0, share.high), abs=1e-12)


def test_observed_risk_covers_the_truth():
    truth, covered = 1 - np.exp(-HORIZON / 500), 0
    for seed in range(400):
        endpoint, _ = simulate(30, seed=seed, strength=0.0)
        _, low, high = observed_risk(endpoint, HORIZON)
        covered += low <= truth <= high
    assert 0.93 <= covered / 400 <= 0.98


def test_binary_slope_equals_logistic_regression():
    random = np.random.default_rng(10)
    scale = random.normal(size=300)
    event = random.random(300) < 1 / (1 + np.exp(-0.6 * scale + 0.4))
    probability = 1 / (1 + np.exp(-scale))
    found = binary_calibration(event, probability)
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(scale[:, np.newaxis], event)
    assert found.slope == pytest.approx(theirs.coef_[0, 0], abs=1e-5)
    corrected = 1 / (1 + np.exp(-scale - found.intercept))
    assert corrected.mean() == pytest.approx(event.mean(), abs=1e-9)
    wilson = binomtest(int(event.sum()), 300).proportion_ci(method="wilson")
    expected = probability.mean()
    ends = (event.mean() / expected, wilson.low / expected, wilson.high / expected)
    assert found.ratio == pytest.approx(ends, abs=1e-12)
    assert sum(point.patients for point in found.curve) == 300
    assert len(found.curve) == 5


def test_binary_predictions_that_part_the_classes_have_no_slope():
    found = binary_calibration([True, True, False, False], [0.9, 0.5, 0.5, 0.1])
    assert found.slope is None
    assert found.intercept == pytest.approx(0, abs=1e-9)


def test_one_class_leaves_observed_against_expected():
    found = binary_calibration([False] * 30, np.linspace(0.1, 0.3, 30))
    assert (found.observed, found.slope, found.intercept) == (0, None, None)
    assert found.ratio.high == pytest.approx(
        binomtest(0, 30).proportion_ci(method="wilson").high / 0.2
    )
