"""No patient in two folds, whatever the cohort."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from radpipe.prognosis.survival import repeated_folds


@settings(max_examples=40, deadline=None)
@given(
    event=st.lists(st.booleans(), min_size=10, max_size=80),
    folds=st.integers(2, 6),
    seed=st.integers(0, 2**31),
)
def test_every_patient_is_tested_once_a_repeat_and_never_trained_on_then(event, folds, seed):
    event = np.array(event + [True] * folds)
    for repeat in range(2):
        parts = [
            f
            for f in repeated_folds(event, repeats=2, folds=folds, seed=seed)
            if f.repeat == repeat
        ]
        tested = np.concatenate([part.test for part in parts])
        assert sorted(tested) == list(range(len(event)))
        for part in parts:
            assert not set(part.train) & set(part.test)
            assert len(part.train) + len(part.test) == len(event)


@settings(max_examples=40, deadline=None)
@given(event=st.lists(st.booleans(), min_size=30, max_size=80), seed=st.integers(0, 2**31))
def test_events_are_spread_evenly(event, seed):
    event = np.array(event + [True] * 5)
    counts = [
        event[part.test].sum() for part in repeated_folds(event, repeats=1, folds=5, seed=seed)
    ]
    assert max(counts) - min(counts) <= 1
