import numpy as np
import pytest

from radpipe.prognosis.survival import make_endpoint, net_benefit, net_benefit_all

THRESHOLDS = [0.1, 0.25, 0.5, 0.8]


def test_net_benefit_by_hand():
    # At 0.25 three are flagged, one in vain: 2/5 - 1/5 * (1/3).
    event = np.array([True, True, False, False, True])
    probability = [0.9, 0.4, 0.3, 0.2, 0.1]
    assert net_benefit(event, probability, [0.25]) == pytest.approx([2 / 5 - 1 / 15])


def test_a_probability_at_the_threshold_is_flagged():
    assert net_benefit(np.array([True, False]), [0.5, 0.1], [0.5]).tolist() == [0.5]


def test_flagging_all_is_treating_all_and_flagging_none_is_nothing():
    event = np.arange(20) < 6
    treat_all = [0.3 - 0.7 * at / (1 - at) for at in THRESHOLDS]
    assert net_benefit(event, np.ones(20), THRESHOLDS) == pytest.approx(treat_all)
    assert net_benefit_all(event, THRESHOLDS) == pytest.approx(treat_all)
    assert net_benefit(event, np.zeros(20), THRESHOLDS).tolist() == [0] * 4


def test_a_perfect_model_is_worth_the_share_of_events():
    event = np.arange(20) < 6
    assert net_benefit(event, event.astype(float), THRESHOLDS) == pytest.approx([0.3] * 4)


def test_without_censoring_a_horizon_makes_it_binary():
    random = np.random.default_rng(0)
    time, probability = random.exponential(10, 80), random.random(80)
    endpoint = make_endpoint(np.ones(80, dtype=bool), time)
    for ours, binary in (
        (
            net_benefit(endpoint, probability, THRESHOLDS, 7),
            net_benefit(time <= 7, probability, THRESHOLDS),
        ),
        (net_benefit_all(endpoint, THRESHOLDS, 7), net_benefit_all(time <= 7, THRESHOLDS)),
    ):
        np.testing.assert_allclose(ours, binary, atol=1e-12)


def test_censored_patients_count_by_kaplan_meier():
    # Flagged: events at 1 and 3, censored at 2: risk at 3 is 1 - 2/3 * 0 = 1 of 3 in 4 patients.
    endpoint = make_endpoint([True, False, True, False], [1, 2, 3, 9])
    assert net_benefit(endpoint, [0.9, 0.9, 0.9, 0.1], [0.5], 3) == pytest.approx([3 / 4])
    # By time 2 only the first event has happened: 1/3 against 2/3.
    assert net_benefit(endpoint, [0.9, 0.9, 0.9, 0.1], [0.5], 2) == pytest.approx([-1 / 4])


def test_censoring_leaves_the_benefit_unbiased():
    random = np.random.default_rng(1)
    hazard = np.exp(random.normal(size=20_000))
    time, lost = random.exponential(10 / hazard), random.exponential(15, 20_000)
    probability = -np.expm1(-hazard * 5 / 10)
    whole = make_endpoint(np.ones(20_000, dtype=bool), time)
    seen = make_endpoint(time <= lost, np.minimum(time, lost))
    np.testing.assert_allclose(
        net_benefit(seen, probability, THRESHOLDS, 5),
        net_benefit(whole, probability, THRESHOLDS, 5),
        atol=0.01,
    )


@pytest.mark.parametrize("threshold", [0, 1, -0.1, np.nan])
def test_impossible_thresholds_are_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        net_benefit(np.array([True, False]), [0.1, 0.2], [threshold])


def test_an_endpoint_with_times_needs_a_horizon():
    with pytest.raises(ValueError, match="needs the time"):
        net_benefit(make_endpoint([True], [1]), [0.5], [0.1])
