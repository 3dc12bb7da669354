"""Every metric that scikit-survival has gives scikit-survival's value, to 1e-9.

It is GPL: the oracle of these tests, no part of radpipe.
"""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from radpipe.prognosis.survival import (
    CensoringDistribution,
    NoPairsError,
    brier_scores,
    concordance_index,
    integrated_brier_score,
    inverse_censoring_weights,
    kaplan_meier,
    log_rank_statistic,
    make_endpoint,
    time_dependent_auc,
    uno_concordance,
)

metrics = pytest.importorskip("sksurv.metrics")
compare = pytest.importorskip("sksurv.compare")
nonparametric = pytest.importorskip("sksurv.nonparametric")

KINDS = ("continuous", "months", "tied risks", "heavily censored", "uncensored")
EXACT = {"rtol": 0, "atol": 1e-9}


def cohort(seed: int, kind: str, patients: int = 70):
    """Return endpoint and risk score; in some, times, risks or both are shared by many."""
    random = np.random.default_rng(seed)
    risk = random.normal(size=patients)
    time = random.exponential(np.exp(-risk) * 20) + 0.5
    lost = random.uniform(0.5, {"heavily censored": 8, "uncensored": 1e9}.get(kind, 60), patients)
    event, time = time <= lost, np.minimum(time, lost)
    if kind in ("months", "heavily censored"):
        time = np.ceil(time)
    if kind == "tied risks":
        risk = risk.round(0)
    return make_endpoint(event, time), risk


@pytest.fixture(params=[(seed, kind) for seed in range(4) for kind in KINDS], ids=str)
def pair(request):
    """Return a training and a test cohort, the second within the follow-up of the first."""
    seed, kind = request.param
    train, _ = cohort(seed + 100, kind, 90)
    test, risk = cohort(seed, kind)
    followed = test["time"] < train["time"].max()
    return train, test[followed], risk[followed]


def horizons_in(test, count: int = 6):
    inner = np.quantile(test["time"][test["event"]], np.linspace(0.15, 0.85, count))
    return np.unique(inner[(inner < test["time"].max())])


def survival_from(risk, times):
    """Return some patient's survival curves, neither good nor the same for all."""
    return np.exp(-np.exp(0.7 * risk)[:, np.newaxis] * times / 25)


def test_censoring_distribution(pair):
    train, test, _ = pair
    theirs = nonparametric.CensoringDistributionEstimator().fit(train)
    times = np.concatenate([test["time"], test["time"] / 2, [1e-3]])
    ours = CensoringDistribution(train).survival_at(times)
    np.testing.assert_allclose(ours, theirs.predict_proba(times), **EXACT)


def test_weights(pair):
    train, test, _ = pair
    theirs = nonparametric.CensoringDistributionEstimator().fit(train).predict_ipcw(test)
    np.testing.assert_allclose(inverse_censoring_weights(train, test), theirs, **EXACT)


def test_kaplan_meier(pair):
    _, test, _ = pair
    theirs = nonparametric.kaplan_meier_estimator(test["event"], test["time"])
    np.testing.assert_allclose(kaplan_meier(test), theirs, **EXACT)


def test_harrells_concordance(pair):
    _, test, risk = pair
    theirs = metrics.concordance_index_censored(test["event"], test["time"], risk)[0]
    assert concordance_index(test, risk) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("share", [None, 0.3, 0.7])
def test_unos_concordance(pair, share):
    train, test, risk = pair
    tau = None if share is None else float(np.quantile(test["time"], share, method="lower"))
    if tau is not None and not (test["event"] & (test["time"] < tau)).any():
        tau = float(test["time"].max())
    theirs = metrics.concordance_index_ipcw(train, test, risk, tau)[0]
    assert uno_concordance(train, test, risk, tau) == pytest.approx(theirs, abs=1e-9)


def test_auc_at_times(pair):
    train, test, risk = pair
    times = horizons_in(test)
    theirs = metrics.cumulative_dynamic_auc(train, test, risk, times)[0]
    np.testing.assert_allclose(time_dependent_auc(train, test, risk, times), theirs, **EXACT)


def test_auc_of_a_score_that_changes_with_time(pair):
    train, test, risk = pair
    times = horizons_in(test)
    scores = risk[:, np.newaxis] * np.cos(times) + np.sin(np.arange(len(risk)))[:, np.newaxis]
    theirs = metrics.cumulative_dynamic_auc(train, test, scores, times)[0]
    np.testing.assert_allclose(time_dependent_auc(train, test, scores, times), theirs, **EXACT)


def test_brier_scores(pair):
    train, test, risk = pair
    times = horizons_in(test)
    survival = survival_from(risk, times)
    theirs = metrics.brier_score(train, test, survival, times)[1]
    np.testing.assert_allclose(brier_scores(train, test, survival, times), theirs, **EXACT)


def test_integrated_brier_score(pair):
    train, test, risk = pair
    times = horizons_in(test, 12)
    survival = survival_from(risk, times)
    theirs = metrics.integrated_brier_score(train, test, survival, times)
    assert integrated_brier_score(train, test, survival, times) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_log_rank(pair, groups):
    _, test, risk = pair
    labels = np.argsort(np.argsort(risk + np.sin(7 * np.arange(len(risk))))) * groups // len(risk)
    theirs = compare.compare_survival(test, labels)[0]
    assert log_rank_statistic(test, labels) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@st.composite
def small_cohorts(draw):
    """Return few patients, whole-numbered times and scores: every tie there can be."""
    patients = draw(st.integers(4, 14))
    whole = st.lists(st.integers(1, 6), min_size=patients, max_size=patients)
    event = draw(st.lists(st.booleans(), min_size=patients, max_size=patients))
    return make_endpoint(event, draw(whole)), np.array(draw(whole), dtype=float)


def either(function):
    """Return the value, or nothing where it does not exist."""
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(function(), dtype=float)
    except (ValueError, np.linalg.LinAlgError):
        return None
    return value if np.isfinite(value).all() else None


def require_same(ours, theirs):
    """Require equal values, or none of either."""
    assert (ours is None) == (theirs is None), (ours, theirs)
    if ours is not None:
        np.testing.assert_allclose(ours, theirs, **EXACT)


@settings(max_examples=400, deadline=None)
@given(train=small_cohorts(), test=small_cohorts(), tau=st.none() | st.integers(2, 7))
def test_unos_concordance_exists_where_theirs_does(train, test, tau):
    (train, _), (test, risk) = train, test
    # scikit-survival takes no cohort without events, whatever for.
    assume(train["event"].any() and test["event"].any())
    ours = either(lambda: uno_concordance(train, test, risk, tau))
    require_same(ours, either(lambda: metrics.concordance_index_ipcw(train, test, risk, tau)[0]))


@settings(max_examples=400, deadline=None)
@given(cohort=small_cohorts(), time=st.integers(1, 6))
def test_auc_and_brier_exist_where_theirs_do(cohort, time):
    endpoint, risk = cohort
    assume(endpoint["event"].any())
    survival = risk[:, np.newaxis] / 7
    theirs_auc = either(lambda: metrics.cumulative_dynamic_auc(endpoint, endpoint, risk, [time])[0])
    theirs_brier = either(lambda: metrics.brier_score(endpoint, endpoint, survival, [time])[1])
    ours_auc = either(lambda: time_dependent_auc(endpoint, endpoint, risk, [time]))
    ours_brier = either(lambda: brier_scores(endpoint, endpoint, survival, [time]))
    # Ours needs no weight for an event after the time, and no one to have left before it.
    if theirs_auc is not None:
        require_same(ours_auc, theirs_auc)
    if theirs_brier is not None:
        require_same(ours_brier, theirs_brier)


@settings(max_examples=400, deadline=None)
@given(cohort=small_cohorts(), data=st.data())
def test_log_rank_exists_where_theirs_does(cohort, data):
    endpoint, _ = cohort
    labels = data.draw(
        st.lists(st.sampled_from("abc"), min_size=len(endpoint), max_size=len(endpoint))
    )
    assume(endpoint["event"].any() and len(set(labels)) > 1)
    theirs = either(lambda: compare.compare_survival(endpoint, labels)[0])
    ours = either(lambda: log_rank_statistic(endpoint, labels))
    if theirs is not None:
        require_same(ours, theirs)


def test_times_beyond_the_training_follow_up_are_refused_by_both():
    train = make_endpoint([True, False, True], [1, 2, 3])
    test = make_endpoint([True, True, True], [1, 2, 4])
    with pytest.raises(ValueError, match="largest observed time"):
        metrics.concordance_index_ipcw(train, test, np.array([3.0, 2.0, 1.0]))
    with pytest.raises(ValueError, match="time 4 lies beyond the last follow-up, 3"):
        uno_concordance(train, test, [3, 2, 1])


def test_an_event_when_all_others_are_gone_is_refused_by_both():
    train = make_endpoint([True, True, False], [1, 2, 3])
    test = make_endpoint([True, True, False], [1, 3, 5])
    with pytest.raises(ValueError, match="survival function is zero"):
        metrics.concordance_index_ipcw(train, test, np.array([3.0, 2.0, 1.0]))
    with pytest.raises(ValueError, match="followed beyond 3"):
        uno_concordance(train, test, [3, 2, 1])
    assert uno_concordance(train, test, [3, 2, 1], CensoringDistribution(train).last_time) == 1


def test_no_pair_is_an_error_where_theirs_is_nan():
    endpoint = make_endpoint([True, True, False], [2, 2, 1])
    with pytest.raises(NoPairsError, match="no comparable pair"):
        uno_concordance(endpoint, endpoint, [1, 2, 3])
