import json
from math import exp, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from radpipe.prognosis.survival import (
    baseline_hazard,
    bootstrap_concordance,
    concordance_index,
    kaplan_meier,
    log_log_band,
    make_endpoint,
    median_follow_up,
    nadeau_bengio,
    numbers_at_risk,
    repeated_folds,
    stratified_folds,
    survival_curves,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "survival_values.json"
COHORTS = json.loads(REFERENCE.read_text(encoding="utf-8"))["cohorts"]


@pytest.fixture(params=COHORTS, ids=lambda c: f"c={c['c_index']:.4f}")
def reference(request):
    return request.param


def endpoint_in(reference):
    return make_endpoint(reference["event"], reference["time"])


def test_concordance_equals_scikit_survival(reference):
    ours = concordance_index(endpoint_in(reference), reference["risk"])
    assert ours == pytest.approx(reference["c_index"], abs=1e-12)


def test_kaplan_meier_equals_scikit_survival(reference):
    times, survival = kaplan_meier(endpoint_in(reference))
    np.testing.assert_array_equal(times, reference["km"][0])
    np.testing.assert_allclose(survival, reference["km"][1], atol=1e-12)


def test_median_follow_up_equals_scikit_survival(reference):
    assert median_follow_up(endpoint_in(reference)) == reference["median_follow_up"]


def test_survival_curves_equal_scikit_survivals_breslow(reference):
    baseline = baseline_hazard(endpoint_in(reference), reference["risk"])
    curves = survival_curves(baseline, reference["risk"][:3], reference["horizons"])
    np.testing.assert_allclose(curves, reference["survival"], atol=1e-12)


def test_concordance_by_hand():
    # Comparable: (1, 2), (1, 3), (1, 4), (2, 4), (2, 3: same time, 3 censored).
    endpoint = make_endpoint([True, True, False, False], [1, 2, 2, 3])
    assert concordance_index(endpoint, [4, 2, 3, 2]) == (3 + 0.5 + 0) / 5


def test_equal_events_at_one_time_are_no_pair():
    with pytest.raises(ValueError, match="no comparable pair"):
        concordance_index(make_endpoint([True, True], [5, 5]), [1, 2])


@pytest.mark.parametrize("risk", [[1.0, np.nan, 2.0], [1.0, np.inf, 2.0], [1.0, 2.0]])
def test_concordance_refuses_what_is_no_score(risk):
    with pytest.raises(ValueError, match=r"NaN or infinity|values for"):
        concordance_index(make_endpoint([True, True, False], [1, 2, 3]), risk)


@pytest.mark.parametrize("time", [0, -1, np.nan, np.inf])
def test_endpoint_refuses_impossible_times(time):
    with pytest.raises(ValueError, match="positive, finite"):
        make_endpoint([True, False], [1, time])


def test_kaplan_meier_without_censoring_is_the_empirical_survival():
    times, survival = kaplan_meier(make_endpoint([True] * 5, [5, 3, 1, 3, 9]))
    assert times.tolist() == [1, 3, 5, 9]
    np.testing.assert_allclose(survival, [0.8, 0.4, 0.2, 0.0], atol=1e-15)


def test_numbers_at_risk_count_whoever_leaves_at_that_time():
    endpoint = make_endpoint([True, False, True], [1, 2, 3])
    assert numbers_at_risk(endpoint, [0, 1, 1.5, 3, 4]).tolist() == [3, 3, 2, 1, 0]


def test_follow_up_is_nan_where_all_die():
    assert np.isnan(median_follow_up(make_endpoint([True, True], [1, 2])))


def test_breslow_with_equal_hazards_is_nelson_aalen():
    times, hazard = baseline_hazard(make_endpoint([True, False, True, True], [1, 2, 3, 4]), [0] * 4)
    assert times.tolist() == [1, 3, 4]
    np.testing.assert_allclose(hazard, np.cumsum([1 / 4, 1 / 2, 1]))


def test_survival_is_one_before_the_first_event_and_flat_after_the_last():
    baseline = baseline_hazard(make_endpoint([True, True, False], [2, 4, 9]), [0.3, -0.1, 0])
    curve = survival_curves(baseline, [0.5], [1, 4, 100])[0]
    assert curve[0] == 1
    assert curve[1] == curve[2] < 1


def test_breslow_needs_an_event():
    with pytest.raises(ValueError, match="no event"):
        baseline_hazard(make_endpoint([False], [1]), [0])


def test_nadeau_bengio_by_its_own_formula():
    values = [0.55, 0.61, 0.70, 0.66, 0.58]
    mean = sum(values) / 5
    variance = sum((value - mean) ** 2 for value in values) / 4
    half = 2.7764451051977987 * (variance * (1 / 5 + 20 / 80)) ** 0.5  # t(0.975, 4) from a table
    interval = nadeau_bengio(values, 20 / 80, 5)
    assert interval == pytest.approx((mean, mean - half, mean + half), abs=1e-12)
    # Repeats add values, not degrees of freedom.
    variance *= 8 / 9
    half = 2.7764451051977987 * (variance * (1 / 10 + 20 / 80)) ** 0.5
    interval = nadeau_bengio(values * 2, 20 / 80, 5)
    assert interval == pytest.approx((mean, mean - half, mean + half), abs=1e-12)


@pytest.mark.parametrize(("folds", "repeats"), [(2, 1), (5, 1), (5, 5)])
def test_perfect_folds_have_the_interval_of_a_share(folds, repeats):
    low, high = binomtest(folds, folds).proportion_ci(0.95, "exact")
    found = nadeau_bengio([1.0] * folds * repeats, 0.25, folds)
    assert found == pytest.approx((1.0, low, high))
    mirrored = nadeau_bengio([0.0] * folds * repeats, 0.25, folds)
    assert mirrored == pytest.approx((0.0, 1 - high, 1 - low))
    gain = nadeau_bengio([1.0] * folds * repeats, 0.25, folds, (-1.0, 1.0))
    assert gain == pytest.approx((1.0, 2 * low - 1, 1.0))


def test_nadeau_bengio_stays_between_zero_and_one():
    assert nadeau_bengio([0.0, 1.0], 0.25, 2)[1:] == (0.0, 1.0)


@pytest.mark.parametrize("values", [[0.6], [0.6, np.nan]])
def test_nadeau_bengio_refuses_too_little(values):
    with pytest.raises(ValueError, match="two finite"):
        nadeau_bengio(values, 0.25, 2)


def test_bootstrap_equals_resampling_patients_one_by_one():
    random = np.random.default_rng(3)
    event, time = random.random(30) < 0.6, random.integers(1, 20, 30).astype(float)
    risk = random.normal(size=30).round(1)
    interval = bootstrap_concordance(make_endpoint(event, time), risk, bootstraps=300, seed=5)
    counts = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), size=300)
    drawn = [np.repeat(np.arange(30), row) for row in counts]
    values = [concordance_index(make_endpoint(event[i], time[i]), risk[i]) for i in drawn]
    assert interval[1:] == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=1e-12)


def test_folds_refuse_fewer_events_than_folds():
    with pytest.raises(ValueError, match="4 events for 5 folds"):
        stratified_folds([True] * 4 + [False] * 20, 5, 0)


def test_folds_hold_with_no_one_censored():
    tested = np.concatenate([test for _, test in stratified_folds([True] * 11, 3, 0)])
    assert sorted(tested) == list(range(11))


def test_repeats_differ_and_the_seed_decides():
    event = np.arange(40) % 2 == 0
    first = repeated_folds(event, repeats=2, folds=4, seed=1)
    again = repeated_folds(event, repeats=2, folds=4, seed=1)
    assert all((a.test == b.test).all() for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].test, first[4].test)


def test_band_equals_greenwoods_formula_by_hand():
    # 4 patients: events at 1 and 2, then censored, then an event: S = 3/4, 1/2, 1/2, 0.
    low, high = log_log_band(np.array([0.75, 0.5, 0.5, 0.0]), np.array([4, 3, 2, 1]))
    greenwood = 1 / (4 * 3) + 1 / (3 * 2)
    half = 1.959963984540054 * sqrt(greenwood) / abs(log(0.5))
    assert low[1:3] == pytest.approx([0.5 ** exp(half)] * 2, rel=1e-12)
    assert high[1:3] == pytest.approx([0.5 ** exp(-half)] * 2, rel=1e-12)
    assert np.isnan([low[3], high[3]]).all()


def test_band_is_certain_before_the_first_event():
    low, high = log_log_band(np.array([1.0, 0.5]), np.array([3, 2]))
    assert (low[0], high[0]) == (1, 1)
    assert 0 < low[1] < 0.5 < high[1] < 1
