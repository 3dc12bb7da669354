import re

import pytest

from radpipe.prognosis.report import words
from tests.e2e.report_input import metrics


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ((0.1, 0.02, 0.18), "did better than volume: .* by \\+0.10 .*\\+0.02 to \\+0.18"),
        ((-0.1, -0.18, -0.02), "did worse"),
        ((0.1, -0.05, 0.25), "does not show"),
    ],
)
def test_comparison_says_what_the_interval_allows(gain, said):
    facts = metrics(None, 40, "cross-validation", ["xgb_cox", "volume"])
    told = dict(zip(("estimate", "low", "high"), gain, strict=True))
    facts["models"]["xgb_cox"]["gain_over_volume"] = told
    assert re.search(said, words.comparison(facts))


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


def test_what_was_withheld_was_not_tuned():
    facts = metrics(None, 24, "cross-validation", ["volume"])
    said = words.how_done(facts)
    assert said.startswith("Cross-validation: 5 repeats of 5 folds (seed 0)")
    assert "inner" not in said
    assert "fitted" not in said
    assert "model" not in words.grouping(facts)
    assert "volume" not in words.grouping(metrics(None, 40, "cross-validation", ["xgb_cox"]))


def test_one_repeat_is_one():
    facts = metrics(None, 40, "cross-validation", ["xgb_cox", "volume"])
    facts["design"]["repeats"] = 1
    assert "Nested cross-validation: 1 repeat of 5 outer folds, with 3" in words.how_done(facts)
    assert "model that had not seen this patient" in words.grouping(facts)


def test_the_cut_of_a_validation_is_told_as_it_was():
    facts = metrics(None, 40, "validation", ["xgb_cox", "volume"])
    assert words.grouping(facts).count("trained on") == 2
    cuts = {"xgb_cox": "training patients", "volume": "patients of this cohort"}
    facts["design"]["cuts"] = cuts
    assert words.grouping(facts) == (
        "Gradient-boosted model: high risk is above the median of the patients that the model was "
        "trained on. Tumour volume alone: high risk is above the median of this cohort's own "
        "patients, as that of the training patients is not known."
    )


@pytest.mark.parametrize(
    ("overlap", "kind", "banner"),
    [(0, "external validation", None), (None, "validation", None), (3, "validation", "3 of 40")],
)
def test_only_what_shares_no_patient_is_external(overlap, kind, banner):
    facts = {**metrics(None, 40, "validation", ["xgb_cox", "volume"]), "overlap": overlap}
    assert words.kind(facts) == kind
    said = words.overlap(facts)
    assert said is None if banner is None else said.startswith(banner)


def test_folds_without_pairs_are_told():
    facts = metrics(None, 40, "cross-validation", ["xgb_cox", "volume"])
    assert words.without_pairs(facts) == []
    facts["models"]["volume"]["folds_without_pairs"] = 2
    (said,) = words.without_pairs(facts)
    assert said.startswith("Tumour volume alone: 2 of 5 test folds")
