"""Counts of pairs against the metrics of ``survival``, which scikit-survival has checked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radpipe.prognosis.survival import (
    auc,
    average_precision,
    concordance_index,
    make_endpoint,
    time_dependent_auc,
    uno_concordance,
)
from radpipe.prognosis.survival.resampling import (
    all_pairs,
    average_precisions,
    concordances,
    draw,
    interval_of,
    pairs_at,
    uno_pairs,
)


def cohort(seed, patients=60):
    """Return a censored cohort with ties in times and in risks."""
    random = np.random.default_rng(seed)
    time = random.integers(1, 30, patients).astype(float)
    event = random.random(patients) < 0.6
    # The last one is censored: Uno's weights exist at every event.
    time[0], event[0] = 40.0, False
    return make_endpoint(event, time), random.integers(0, 12, patients).astype(float)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_cohorts_own_values_are_those_of_the_metrics(seed):
    y, risk = cohort(seed)
    once = np.ones((1, len(y)))
    assert concordances(all_pairs(y), risk, once)[0] == pytest.approx(concordance_index(y, risk))
    assert concordances(uno_pairs(y), risk, once)[0] == pytest.approx(uno_concordance(y, y, risk))
    expected = time_dependent_auc(y, y, risk, [12.0])[0]
    assert concordances(pairs_at(y, 12.0), risk, once)[0] == pytest.approx(expected)
    event = y["event"]
    assert concordances(all_pairs(event), risk, once)[0] == pytest.approx(auc(event, risk))
    expected = average_precision(event, risk)
    assert average_precisions(event, risk, once)[0] == pytest.approx(expected)


def test_a_sample_counts_as_if_its_patients_had_been_copied():
    y, risk = cohort(3)
    drawn = draw(len(y), 20, seed=5)
    found = concordances(all_pairs(y), risk, drawn)
    precisions = average_precisions(y["event"], risk, drawn)
    for sample, value, precision in zip(drawn, found, precisions, strict=True):
        places = np.repeat(np.arange(len(y)), sample.astype(int))
        assert value == pytest.approx(concordance_index(y[places], risk[places]))
        assert precision == pytest.approx(average_precision(y["event"][places], risk[places]))


def test_without_pairs_there_is_no_interval():
    y = make_endpoint([False, False, False], [1, 2, 3])
    assert interval_of(concordances(all_pairs(y), np.arange(3.0), draw(3, 50, seed=0))) is None
    assert np.isnan(average_precisions(np.ones(3, bool), np.arange(3.0), np.ones((1, 3)))).all()


def test_an_interval_mostly_undefined_is_none():
    assert interval_of(np.array([0.5, np.nan, np.nan, 0.5])) is None
    assert interval_of(np.array([0.5, 0.5, np.nan, 0.5])) == (0.5, 0.5, 0.5)
