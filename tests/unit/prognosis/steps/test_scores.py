"""Score tests of all columns at once, against likelihoods written out and scikit-survival."""

import numpy as np
import pytest
from scipy.special import expit
from sksurv.compare import compare_survival

from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.tables.steps.scores import explained, score_test


def cohort(seed=0, patients=60, ties=True):
    random = np.random.default_rng(seed)
    time = random.exponential(10, patients) + 0.1
    return make_endpoint(random.random(patients) < 0.6, np.ceil(time) if ties else time)


def cox_likelihood(beta, x, y):
    total = 0.0
    for event, time, mine in zip(y["event"], y["time"], x, strict=True):
        if event:
            at_risk = sum(np.exp(beta * other) for other in x[y["time"] >= time])
            total += beta * mine - np.log(at_risk)
    return total


def logistic_likelihood(beta, x, y):
    # The intercept at its best for beta = 0, and so for beta near it if x is centred.
    intercept = np.log(y.mean() / (1 - y.mean()))
    p = expit(intercept + beta * (x - x.mean()))
    return np.log(np.where(y, p, 1 - p)).sum()


def z_of(likelihood, x, y, step=1e-3):
    """Score over root of information at 0, by differences."""
    low, middle, high = (likelihood(beta, x, y) for beta in (-step, 0.0, step))
    return (high - low) / (2 * step) / np.sqrt((2 * middle - low - high) / step**2)


@pytest.mark.parametrize("seed", range(3))
def test_cox_is_the_slope_of_the_partial_likelihood(seed):
    y, values = cohort(seed), np.random.default_rng(seed).normal(size=(60, 4))
    expected = [z_of(cox_likelihood, column, y) for column in values.T]
    np.testing.assert_allclose(score_test(values, y), expected, rtol=1e-4)


def test_logistic_is_the_slope_of_the_likelihood():
    random = np.random.default_rng(3)
    values, y = random.normal(5, 2, (50, 4)), random.random(50) < 0.3
    expected = [z_of(logistic_likelihood, column, y) for column in values.T]
    np.testing.assert_allclose(score_test(values, y), expected, rtol=1e-4)


def test_two_groups_without_ties_are_the_log_rank_test():
    y = cohort(ties=False)
    group = np.random.default_rng(1).integers(0, 2, len(y))
    chi_square, _ = compare_survival(y, group)
    assert score_test(group[:, np.newaxis].astype(float), y)[0] ** 2 == pytest.approx(chi_square)


@pytest.mark.parametrize("binary", [False, True])
def test_a_missing_value_leaves_the_patient_out_of_that_column_alone(binary):
    y = cohort()["event"] if binary else cohort()
    values = np.random.default_rng(2).normal(size=(60, 2))
    values[:7, 1] = np.nan
    found = score_test(values, y)
    assert found[0] == pytest.approx(score_test(values[:, :1], y)[0])
    assert found[1] == pytest.approx(score_test(values[7:, 1:], y[7:])[0])


@pytest.mark.parametrize("binary", [False, True])
def test_what_cannot_vary_scores_nothing(binary):
    y = cohort()["event"] if binary else cohort()
    columns = [np.full(60, 0.1), np.full(60, np.nan), np.where(np.arange(60) < 1, 3e9, np.nan)]
    assert not score_test(np.column_stack(columns), y).any()


def test_units_do_not_matter():
    y, values = cohort(), np.random.default_rng(4).normal(size=(60, 1))
    for factor, shift in [(1e-9, 0), (1e12, 0), (1, 1e5), (1e-3, 40)]:
        assert score_test(values * factor + shift, y)[0] == pytest.approx(score_test(values, y)[0])


def test_higher_values_with_earlier_events_are_positive():
    y = make_endpoint([True, True, True, False], [1, 2, 3, 4])
    assert score_test(np.array([[4.0], [3.0], [2.0], [1.0]]), y)[0] > 0
    assert score_test(np.array([[0.0], [1.0], [1.0]]), np.array([False, True, True]))[0] > 0


def test_explained_counts_events_where_there_are_times():
    y = make_endpoint([True, True, False, False], [1, 2, 3, 4])
    assert explained(0.0, y) == 0
    assert explained(2.0, y) == pytest.approx(1 - np.exp(-2 / 2))
    assert explained(2.0, y["event"]) == pytest.approx(1 - np.exp(-2 / 4))
