import math
from statistics import stdev

import pytest

from radpipe.prognosis.report import words
from tests.e2e.report_input import metrics


def _with_gains(gains):
    facts = metrics(None, 40, "cross-validation", ["xgb_cox", "volume"])
    for fold, gain in zip(facts["models"]["xgb_cox"]["folds"], gains, strict=True):
        fold["c_index"] = None if gain is None else 0.62 + gain
    return facts


def test_gain_is_paired_and_has_nadeau_and_bengios_interval():
    gains = [0.1, 0.2, 0.0, 0.15, 0.05]
    gain = words.paired_gain(_with_gains(gains))
    # Student's t, 97.5 %, 4 degrees of freedom, from a printed table: 2.776.
    half = 2.776 * stdev(gains) * math.sqrt(1 / 5 + 1 / 4)
    assert gain.estimate == pytest.approx(0.1)
    assert gain.high - gain.estimate == pytest.approx(half, rel=1e-3)
    assert gain.estimate - gain.low == pytest.approx(half, rel=1e-3)


def test_folds_without_a_c_index_are_left_out_of_the_pairs():
    assert words.paired_gain(_with_gains([0.1, None, 0.3, None, None])).estimate == pytest.approx(
        0.2
    )
    assert words.paired_gain(_with_gains([0.1, None, None, None, None])) is None


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ([0.10, 0.11, 0.10, 0.09, 0.10], "did better"),
        ([-0.10, -0.11, -0.10, -0.09, -0.10], "did worse"),
        ([0.3, -0.3, 0.2, -0.1, 0.0], "does not show"),
    ],
)
def test_comparison_says_what_the_interval_allows(gains, said):
    assert said in words.comparison(_with_gains(gains))


def test_validation_compares_intervals_only():
    facts = metrics(None, 40, "validation", ["xgb_cox", "volume"])
    assert "overlap: this cohort alone does not settle" in words.comparison(facts)
    facts["models"]["xgb_cox"]["c_index"].update(low=0.80, estimate=0.85, high=0.9)
    assert words.comparison(facts) == "The two intervals do not overlap."


def test_headline_gives_both_c_indices():
    said = words.headline(metrics(None, 40, "cross-validation", ["xgb_cox", "volume"]))
    assert "40 patients with 24 events" in said
    assert "0.71 (95 % interval 0.61 to 0.81)" in said
    assert "0.62 (95 % interval 0.52 to 0.72)" in said


def test_headline_without_a_model_or_without_volume():
    alone = metrics(None, 24, "cross-validation", ["volume"])
    assert "too few to judge a model" in words.headline(alone)
    assert words.comparison(alone) is None
    asked_for = {**alone, "withheld": {}}
    assert words.headline(asked_for).startswith("In 24 patients with 24 events, tumour volume")
    without = metrics(None, 40, "cross-validation", ["xgb_cox"])
    assert "no tumour volume to compare" in words.headline(without)
    assert words.comparison(without) is None
