"""What scikit-survival cannot tell: by hand, by theory, and where a metric does not exist."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm
from sklearn.metrics import roc_auc_score

from radpipe.prognosis.survival import (
    CensoringDistribution,
    NoPairsError,
    allowed_horizons,
    auc,
    average_precision,
    bootstrap_concordance,
    bootstrap_interval,
    brier_score,
    brier_scores,
    concordance_index,
    integrated_brier_score,
    inverse_censoring_weights,
    log_rank_statistic,
    make_endpoint,
    time_dependent_auc,
    uno_concordance,
)

TRAIN = make_endpoint([True, False, True, False, True], [1, 2, 2, 3, 4])


def simulate(patients, seed, censoring=1e9):
    random = np.random.default_rng(seed)
    risk = random.normal(size=patients)
    time = random.exponential(np.exp(-risk))
    lost = random.exponential(censoring, patients)
    return make_endpoint(time <= lost, np.minimum(time, lost) + 1e-9), risk


def test_censoring_by_hand():
    # At risk of being censored: 3 at time 2 (the event there comes first), 2 at time 3.
    found = CensoringDistribution(TRAIN)
    assert found.survival_at([1, 2, 2.5, 3, 4]) == pytest.approx([1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    assert found.survival_before([1, 2, 2.5, 3, 4]) == pytest.approx([1, 1, 2 / 3, 2 / 3, 1 / 3])
    assert found.last_time == 4
    assert inverse_censoring_weights(TRAIN, TRAIN) == pytest.approx([1, 0, 1.5, 0, 3])


def test_an_event_that_does_not_count_needs_no_weight():
    test = make_endpoint([True, True], [2, 9])
    assert inverse_censoring_weights(TRAIN, test, [True, False]) == pytest.approx([1.5, 0])
    with pytest.raises(ValueError, match="time 9 lies beyond the last follow-up, 4"):
        inverse_censoring_weights(TRAIN, test)


def test_all_censored_is_a_censoring_distribution_too():
    found = CensoringDistribution(make_endpoint([False, False], [1, 2]))
    assert found.survival_at([1, 2, 3]).tolist() == [0.5, 0, 0]


def test_without_censoring_unos_index_is_harrells():
    endpoint, risk = simulate(80, 0)
    risk = risk + np.random.default_rng(1).normal(size=80)
    assert uno_concordance(endpoint, endpoint, risk) == pytest.approx(
        concordance_index(endpoint, risk), abs=1e-12
    )


def test_unos_index_does_not_move_with_censoring_where_harrells_does():
    risk = np.random.default_rng(2).normal(size=4000)
    random = np.random.default_rng(3)
    # The score orders the early events rightly and the late ones not at all.
    early = random.exponential(np.where(risk > 0, 0.3, 10), 4000)
    time = np.where(early < 0.5, early, 0.5 + random.exponential(1, 4000))
    lost = random.exponential(0.6, 4000)
    whole = make_endpoint(np.ones(4000, dtype=bool), time)
    seen = make_endpoint(time <= lost, np.minimum(time, lost))
    tau = 1.5
    truth = uno_concordance(whole, whole, risk, tau)
    assert uno_concordance(seen, seen, risk, tau) == pytest.approx(truth, abs=0.02)
    assert abs(concordance_index(seen, risk) - truth) > 0.04


def test_unos_index_needs_an_event_before_tau():
    with pytest.raises(NoPairsError, match="no event before 1"):
        uno_concordance(TRAIN, TRAIN, [1, 2, 3, 4, 5], 1)
    with pytest.raises(NoPairsError, match="no event"):
        censored = make_endpoint([False, False], [1, 2])
        uno_concordance(TRAIN, censored, [1, 2])


def test_auc_at_a_time_without_censoring_is_the_plain_one():
    endpoint, risk = simulate(120, 4)
    risk = (risk + np.random.default_rng(5).normal(size=120)).round(1)
    times = np.quantile(endpoint["time"], [0.2, 0.5, 0.8])
    plain = [roc_auc_score(endpoint["time"] <= at, risk) for at in times]
    assert time_dependent_auc(endpoint, endpoint, risk, times) == pytest.approx(plain, abs=1e-12)


def test_auc_keeps_the_order_of_the_times():
    endpoint, risk = simulate(120, 6, censoring=2)
    forth = time_dependent_auc(endpoint, endpoint, risk, [0.2, 0.5, 0.9])
    back = time_dependent_auc(endpoint, endpoint, risk, [0.9, 0.5, 0.2])
    assert forth.tolist() == back[::-1].tolist()


@pytest.mark.parametrize(
    ("time", "words"), [(0.5, "no event by 0.5"), (4, "no one under observation after 4")]
)
def test_auc_needs_cases_and_controls(time, words):
    with pytest.raises(NoPairsError, match=words):
        time_dependent_auc(TRAIN, TRAIN, [5, 4, 3, 2, 1], [time])


@pytest.mark.parametrize("risk", [[1, 2, 3], np.ones((5, 3)), [1, 2, np.nan, 4, 5]])
def test_auc_refuses_what_is_no_score(risk):
    with pytest.raises(ValueError, match=r"NaN or infinity|5 patients and 2 times"):
        time_dependent_auc(TRAIN, TRAIN, risk, [2, 3])


def test_brier_without_censoring_is_the_plain_one():
    endpoint, _ = simulate(60, 7)
    survival = np.random.default_rng(8).random((60, 2))
    times = np.quantile(endpoint["time"], [0.3, 0.6])
    plain = ((endpoint["time"][:, np.newaxis] > times) - survival) ** 2
    found = brier_scores(endpoint, endpoint, survival, times)
    assert found == pytest.approx(plain.mean(axis=0), abs=1e-12)


def test_integrated_brier_of_a_constant_error_is_that_error():
    endpoint, _ = simulate(60, 9)
    times = np.linspace(0.1, 1, 7)
    half = np.full((60, 7), 0.5)
    assert integrated_brier_score(endpoint, endpoint, half, times) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("survival", "times", "words"),
    [
        (np.full((5, 1), 0.5), [4], "not within the follow-up, which ends at 4"),
        (np.full((5, 1), 1.5), [2], "between 0 and 1"),
        (np.full((5, 2), 0.5), [2], r"\(5, 2\) for 5 patients and 1 times"),
    ],
)
def test_brier_refuses_what_has_no_score(survival, times, words):
    with pytest.raises(ValueError, match=words):
        brier_scores(TRAIN, TRAIN, survival, times)


def test_brier_needs_training_patients_followed_so_long():
    short = make_endpoint([True, False], [1, 2])
    with pytest.raises(ValueError, match="no training patient was followed beyond 3"):
        brier_scores(short, TRAIN[[0, 3, 4]], np.full((3, 1), 0.5), [3])


@pytest.mark.parametrize("times", [[2], [3, 2], [2, 2]])
def test_an_integral_needs_ascending_times(times):
    with pytest.raises(ValueError, match="two ascending"):
        integrated_brier_score(TRAIN, TRAIN, np.full((5, len(times)), 0.5), times)


def test_log_rank_follows_chi_square_under_no_difference():
    random = np.random.default_rng(10)
    values = [
        log_rank_statistic(simulate(90, seed, censoring=1)[0], random.integers(3, size=90))
        for seed in range(500)
    ]
    for level in (0.5, 0.1, 0.05):
        rate = np.mean(np.array(values) > chi2.isf(level, 2))
        assert rate == pytest.approx(level, abs=3.5 * np.sqrt(level * (1 - level) / 500))


def test_log_rank_of_groups_that_never_meet_does_not_exist():
    endpoint = make_endpoint([False, True, True], [1, 2, 3])
    with pytest.raises(NoPairsError, match="two groups at risk"):
        log_rank_statistic(endpoint, ["a", "b", "b"])
    with pytest.raises(ValueError, match="1 groups"):
        log_rank_statistic(endpoint, ["a", "a", "a"])


def test_a_group_gone_before_the_first_event_changes_nothing():
    endpoint = make_endpoint([False, True, True, True, False], [0.5, 1, 2, 3, 4])
    with_it = log_rank_statistic(endpoint, ["c", "a", "b", "a", "b"])
    assert with_it == pytest.approx(log_rank_statistic(endpoint[1:], ["a", "b", "a", "b"]))


def test_binary_metrics_by_hand():
    event, risk = [True, False, True, False], [0.9, 0.8, 0.7, 0.1]
    assert auc(event, risk) == 0.75
    assert average_precision(event, risk) == pytest.approx((1 + 2 / 3) / 2)
    assert brier_score(event, risk) == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)


@pytest.mark.parametrize("metric", [auc, average_precision])
@pytest.mark.parametrize("event", [[True, True], [False, False]])
def test_one_class_has_no_auc(metric, event):
    with pytest.raises(NoPairsError, match="had the event"):
        metric(event, [0.1, 0.2])


@pytest.mark.parametrize("metric", [auc, average_precision, brier_score])
@pytest.mark.parametrize("risk", [[0.1], [0.1, np.nan]])
def test_binary_metrics_refuse_what_is_no_score(metric, risk):
    with pytest.raises(ValueError, match=r"NaN|patients|between 0 and 1"):
        metric([True, False], risk)


def test_bootstrap_of_a_mean_is_the_normal_interval():
    values = np.random.default_rng(11).normal(3, 2, 800)
    half = norm.ppf(0.975) * values.std() / np.sqrt(800)
    found = bootstrap_interval(lambda drawn: values[drawn].mean(), 800, bootstraps=4000, seed=1)
    mean = values.mean()
    assert found == pytest.approx((mean, mean - half, mean + half), abs=0.1 * half)


def test_bootstraps_agree_on_the_c_index():
    endpoint, risk = simulate(100, 12, censoring=2)
    risk = risk + np.random.default_rng(13).normal(size=100)
    general = bootstrap_interval(
        lambda drawn: concordance_index(endpoint[drawn], risk[drawn]), 100, bootstraps=2000
    )
    fast = bootstrap_concordance(endpoint, risk, bootstraps=2000)
    assert general == pytest.approx(fast, abs=0.01)


def test_bootstrap_repeats_itself():
    values = np.arange(30.0)
    first, again = (
        bootstrap_interval(lambda drawn: values[drawn].mean(), 30, bootstraps=50, seed=3)
        for _ in range(2)
    )
    assert first == again


def test_bootstrap_leaves_out_samples_without_a_value():
    # One event in three patients: 8 of 27 samples lack it.
    event = np.array([True, False, False])
    found = bootstrap_interval(lambda drawn: auc(event[drawn], [2, 1, 1]), 3, bootstraps=200)
    assert np.isfinite(found).all()


def test_bootstrap_says_when_most_samples_have_no_value():
    def only_the_whole(drawn):
        if len(set(drawn.tolist())) < 4:
            raise NoPairsError("no pair")
        return 1.0

    with pytest.raises(NoPairsError, match="more than half"):
        bootstrap_interval(only_the_whole, 4, bootstraps=100)


def test_horizons_need_ten_before_and_ten_after():
    # Events at 1, 2, ..., 30; ten more patients are followed to 40.
    endpoint = make_endpoint([True] * 30 + [False] * 10, [*range(1, 31), *[40] * 10])
    times, refused = allowed_horizons(endpoint, [9, 10, 30, 40])
    assert times.tolist() == [10, 30]
    assert [at for at, _ in refused] == [9, 40]
    assert "events by then: 9" in refused[0][1]
    assert "observation after it: 0" in refused[1][1]


def test_default_horizons_are_the_quartiles_that_are_allowed():
    endpoint = make_endpoint([True] * 20 + [False] * 20, [*range(1, 21), *range(2, 22)])
    times, refused = allowed_horizons(endpoint)
    assert times.tolist() == [10, 15]
    assert [at for at, _ in refused] == [5]
    censored = make_endpoint([False, False], [1, 2])
    assert allowed_horizons(censored)[0].tolist() == []


@pytest.mark.parametrize("time", [0, -3, np.nan, np.inf])
def test_impossible_horizons_are_refused(time):
    with pytest.raises(ValueError, match="positive, finite"):
        allowed_horizons(TRAIN, [time])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_only_the_order_of_a_score_matters(seed, scale, shift):
    endpoint, risk = simulate(40, seed, censoring=1)
    moved = np.exp(scale * risk / 10 + shift)
    tau = float(np.quantile(endpoint["time"], 0.8))
    for score in (risk, moved):
        assert uno_concordance(endpoint, endpoint, score, tau) == pytest.approx(
            1 - uno_concordance(endpoint, endpoint, -score, tau), abs=1e-12
        )
    assert uno_concordance(endpoint, endpoint, moved, tau) == pytest.approx(
        uno_concordance(endpoint, endpoint, risk, tau), abs=1e-12
    )
