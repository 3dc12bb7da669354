"""Against the figures of Riley and colleagues: their papers, and their own software's examples."""

from math import exp

import pytest

from radpipe.prognosis.survival import binary_sample_size, survival_sample_size

VENOUS_THROMBOSIS = {"event_rate": 0.065, "mean_follow_up": 2.07, "horizon": 2}


def test_recurrent_venous_thrombosis():
    # doi 10.1002/sim.7992: R2 0.051, 30 parameters: 5143 patients, 23.07 events per parameter;
    # the difference of R2 asks for 1039.
    found = survival_sample_size(30, **VENOUS_THROMBOSIS, r2=0.051)
    assert (found["shrinkage"], found["optimism"], found["patients"]) == (5143, 1039, 5143)
    assert found["events_per_parameter"] == pytest.approx(23.07, abs=0.005)
    assert found["events"] == 692


@pytest.mark.parametrize(
    ("parameters", "rate", "r2", "by_shrinkage", "by_optimism", "per_parameter"),
    [
        # pmsampsize's own tests; it rounds the events of 10,000 patients up, hence the tolerance.
        (25, 0.065, 0.051, 4286, 866, 23.07),
        (25, 0.065, 0.065, 3335, 859, 17.95),
        (50, 0.065, 0.051, 8572, 1731, 23.07),
        (25, 0.1, 0.051, 4286, 731, 35.49),
    ],
)
def test_examples_of_their_software(parameters, rate, r2, by_shrinkage, by_optimism, per_parameter):
    found = survival_sample_size(parameters, rate, 2.07, 2, r2=r2)
    assert found["shrinkage"] == by_shrinkage
    assert found["optimism"] == pytest.approx(by_optimism, abs=1)
    assert found["events_per_parameter"] == pytest.approx(per_parameter, abs=0.005)


def test_overall_risk_is_within_its_margin_at_that_size_and_not_below():
    rate, follow_up, horizon = VENOUS_THROMBOSIS.values()

    def margin(patients):
        off = 1.959963984540054 * (rate / (patients * follow_up)) ** 0.5
        return exp(-(rate - off) * horizon) - exp(-rate * horizon)

    patients = survival_sample_size(1, **VENOUS_THROMBOSIS)["overall_risk"]
    assert margin(patients) <= 0.05 < margin(patients - 1)


def test_pre_eclampsia():
    # doi 10.1136/bmj.m441: prevalence 0.05, R2 0.05, 30 parameters: 5249 women.
    found = binary_sample_size(30, 0.05, r2=0.05)
    assert found["patients"] == 5249
    # "15 % of the greatest R2, 0.33" is where their 0.05 comes from.
    assert binary_sample_size(30, 0.05)["r2"] == pytest.approx(0.05, abs=0.001)


def test_chagas_disease():
    # doi 10.1002/sim.7992: R2 0.288, 24 parameters, prevalence 0.174: 623, 662, 221.
    found = binary_sample_size(24, 0.174, r2=0.288)
    assert [found[name] for name in ("shrinkage", "optimism", "overall_risk")] == [623, 662, 221]
    assert found["patients"] == 662
    assert found["events_per_parameter"] == pytest.approx(4.8, abs=0.001)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: binary_sample_size(0, 0.2), "parameters must be above 0"),
        (lambda: binary_sample_size(5, 1.0), "prevalence lies between"),
        (lambda: binary_sample_size(5, 0.05, r2=0.5), "greatest possible"),
        (lambda: binary_sample_size(5, 0.2, shrinkage=1.0), "shrinkage"),
        (lambda: survival_sample_size(5, -1, 2, 2), "event_rate must be above 0"),
        (lambda: survival_sample_size(5, 0.5, 365, 2), "differ in unit"),
    ],
)
def test_impossible_inputs_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
