"""What each selector keeps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.tables.steps import (
    CorrelationClusters,
    DropUninformative,
    DropUnstable,
    DropVolumeDependent,
    MinimumRedundancy,
    Univariate,
    selection_frequency,
)


def table(columns, rows=50, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, columns))
    return pd.DataFrame(values, columns=[f"f{number}" for number in range(columns)])


def families(seed=0, rows=60):
    """Three features, each with noisy copies, some turned round."""
    random = np.random.default_rng(seed)
    origins = random.normal(size=(rows, 3))
    copies = [
        sign * origins[:, [place]] + random.normal(size=(rows, 4)) * 0.3
        for place, sign in [(0, 1), (1, -1), (2, 1)]
    ]
    values = np.hstack([origins, *copies])[:, random.permutation(15)]
    return pd.DataFrame(values, columns=[f"f{number}" for number in range(15)])


def test_constant_and_mostly_missing_columns_go():
    frame = pd.DataFrame(
        {
            "good": [1.0, 2.0, 3.0, 4.0, np.nan],
            "constant": [3.0] * 5,
            "but_for_rounding": [0.3, 0.1 + 0.2, 0.3, 0.3, 0.3],
            "empty": [np.nan] * 5,
            "half": [1.0, np.nan, np.nan, 2.0, 3.0],
            "small": [1e-20, 2e-20, 0.0, 0.0, 0.0],
            "one_word": ["a", "a", "a", "a", None],
            "two_words": ["a", "b", "a", "a", "a"],
            "whole": [1, 2, 3, 4, 5],
            "truth": [True, False, True, True, True],
        }
    )
    step = DropUninformative(most_missing=0.2).fit(frame)
    assert step.kept_ == ["good", "small", "two_words", "whole", "truth"]


def greedy(frame, threshold, order):
    """Lead in order, take what is free: pair by pair."""
    clusters = {}
    for leader in order:
        taken = {name for members in clusters.values() for name in members}
        if leader in taken:
            continue
        clusters[leader] = [leader]
        for name in order:
            if name != leader and name not in taken:
                correlation = spearmanr(frame[leader], frame[name]).statistic
                if abs(correlation) >= threshold:
                    clusters[leader].append(name)
    return clusters


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.7, 0.9]))
def test_clusters_are_those_found_pair_by_pair(seed, threshold):
    frame = families(seed)
    names = list(frame.columns)
    stability = dict(zip(names, np.random.default_rng(seed).random(15).tolist(), strict=True))
    unknown = {name: icc for name, icc in stability.items() if name not in ("f3", "f9")}
    correlations = np.abs(spearmanr(frame).statistic)
    others = dict(zip(names, (correlations >= threshold).sum(axis=0).tolist(), strict=True))
    for known in (None, stability, unknown):
        icc = known or {}
        order = sorted(names, key=lambda name: (-icc.get(name, -1.0), -others[name]))
        step = CorrelationClusters(threshold, known).fit(frame)
        assert step.clusters_ == greedy(frame, threshold, order)
        assert step.kept_ == [name for name in names if name in step.clusters_]


def test_clusters_of_more_columns_than_one_block():
    frame = table(400)
    twins = frame.add_suffix("_twin") * -2.0
    step = CorrelationClusters().fit(pd.concat([frame, twins], axis=1))
    assert step.kept_ == list(frame.columns)
    assert step.clusters_["f399"] == ["f399", "f399_twin"]


def test_a_constant_column_is_a_cluster_of_its_own():
    frame = table(2).assign(constant=1.0, other=2.0)
    assert CorrelationClusters().fit(frame).kept_ == ["f0", "f1", "constant", "other"]


def test_what_is_volume_by_another_name_goes():
    frame = table(2)
    frame["volume"] = np.exp(frame["f0"] * 3)
    frame["inverse"] = -(frame["f0"] ** 3)
    step = DropVolumeDependent("volume").fit(frame)
    assert step.kept_ == ["f1", "volume"]
    assert step.correlations_ == pytest.approx({"f0": 1.0, "inverse": -1.0})
    assert DropVolumeDependent("volume", keep_volume=False).fit(frame).kept_ == ["f1"]


def test_nothing_depends_on_a_volume_that_an_earlier_step_dropped():
    step = DropVolumeDependent("volume").fit(table(2))
    assert step.kept_ == ["f0", "f1"]
    assert step.correlations_ == {}


def test_unstable_columns_go_and_unknown_ones_stay():
    stability = {"f0": 0.9, "f1": 0.74, "f2": float("nan"), "elsewhere": 0.1}
    assert DropUnstable(stability, least=0.75).fit(table(4)).kept_ == ["f0", "f3"]


def outcome(risk, seed=0, binary=False):
    random = np.random.default_rng(seed)
    time = random.exponential(np.exp(-risk)) + 1e-6
    endpoint = make_endpoint(random.random(len(risk)) < 0.8, time)
    return np.asarray(time < np.median(time)) if binary else endpoint


@pytest.mark.parametrize("binary", [False, True])
def test_univariate_keeps_what_was_planted(binary):
    frame = table(100, rows=200)
    y = outcome(1.5 * frame["f70"] - 1.5 * frame["f20"], binary=binary)
    step = Univariate(keep=2).fit(frame, y)
    assert step.kept_ == ["f20", "f70"]
    assert step.scores_["f20"] < 0 < step.scores_["f70"]
    assert Univariate(keep=500).fit(frame, y).kept_ == list(frame.columns)


def mrmr(frame, y, keep):
    z = Univariate().fit(frame, y).scores_
    events = np.count_nonzero(y["event"])
    chosen = []
    for _ in range(keep):
        merit = {}
        for name in frame.columns.difference(chosen, sort=False):
            relevance = np.sqrt(1 - np.exp(-(z[name] ** 2) / events))
            near = [abs(spearmanr(frame[name], frame[other]).statistic) for other in chosen]
            merit[name] = relevance - (np.mean(near) if near else 0.0)
        chosen.append(max(merit, key=lambda name: merit[name]))
    return chosen


@pytest.mark.parametrize("seed", range(3))
def test_minimum_redundancy_is_the_definition_written_out(seed):
    frame = families(seed)
    y = outcome(frame["f0"] + frame["f7"], seed)
    assert MinimumRedundancy(keep=6).fit(frame, y).order_ == mrmr(frame, y, 6)


def test_minimum_redundancy_takes_no_twin():
    frame = table(2, rows=300)
    y = outcome(2.0 * frame["f0"] + frame["f1"])
    frame["twin"] = frame["f0"] * 3
    assert MinimumRedundancy(keep=2).fit(frame, y).kept_ == ["f0", "f1"]


@pytest.mark.parametrize("step", [Univariate(), MinimumRedundancy()])
def test_selection_by_outcome_wants_the_outcome(step):
    with pytest.raises(ValueError, match="fitted to outcomes"):
        step.fit(table(2))


def test_frequencies_count_folds_and_clusters():
    folds = [["a", "c", "a"], ["b", "c"], ["a", "b"], ["d", "a"]]
    found = selection_frequency(folds, {"a": ["a", "b"], "c": ["c"]}).set_index("feature")
    assert found.index.tolist() == ["a", "b", "c", "d"]
    assert found["cluster"].tolist() == ["a", "a", "c", "d"]
    assert found["chosen"].tolist() == [0.75, 0.5, 0.5, 0.25]
    assert found["cluster_chosen"].tolist() == [1.0, 1.0, 0.5, 0.25]


def test_nothing_chosen_is_an_empty_table():
    assert selection_frequency([[], []]).empty
