import re

import pytest

from radpipe.prognosis.report import opening, words
from radpipe.prognosis.report.evidence import Estimate, Evidence
from radpipe.prognosis.report.questions import comparison, controls, groups
from tests.e2e.evaluation_input import write_evaluation


@pytest.fixture
def evidence(tmp_path):
    def load(change=None, **evaluation):
        folder = write_evaluation(tmp_path / "evaluation", **evaluation)
        found = Evidence.load(folder, None)
        if change is not None:
            change(found.metrics)
        return found

    return load


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ((0.1, 0.02, 0.18), "did better than tumour volume: .* by \\+0.100 .*\\+0.020 to \\+0.180"),
        ((-0.1, -0.18, -0.02), "did worse than tumour volume"),
        ((0.1, -0.05, 0.25), "does not show"),
    ],
)
def test_comparison_says_what_the_interval_allows(evidence, gain, said):
    told = dict(zip(("estimate", "low", "high"), gain, strict=True))
    found = evidence(lambda facts: facts["models"]["fusion"].update(versus={"volume": told}))
    (sentence,) = comparison.verdicts(found)
    assert re.search(said, sentence)


def test_headline_gives_both_c_indices(evidence):
    def tell(facts):
        for name, value in (("fusion", 0.71), ("volume", 0.62)):
            told = {"estimate": value, "low": value - 0.1, "high": value + 0.1}
            facts["models"][name]["c_index"] = told

    said = opening.headline(evidence(tell))
    assert "150 patients with 89 events" in said
    assert "0.71 (95 % interval 0.61 to 0.81)" in said
    assert "0.62 (95 % interval 0.52 to 0.72)" in said


def test_headline_without_a_model(evidence):
    found = evidence(withheld=True, patients=24)
    assert "too few to judge a model" in opening.headline(found)
    assert comparison.verdicts(found) == []
    found.metrics["withheld"] = {}
    assert opening.headline(found).startswith("In 24 patients with 7 events, tumour volume")


def test_headline_without_volume(evidence):
    found = evidence(lambda facts: facts["models"].pop("volume"))
    assert "no tumour volume to compare" in opening.headline(found)


def test_without_baselines_other_models_are_shown_beside(evidence):
    found = evidence(models=("fusion", "cox"))
    assert [model.key for model in found.compared] == ["fusion", "cox"]


def test_what_was_withheld_was_not_fitted(evidence):
    said = words.how_done(evidence(withheld=True, patients=24).metrics)
    assert "fitted" not in said


def test_one_repeat_is_one(evidence):
    found = evidence(lambda facts: facts["design"].update(repeats=1))
    said = words.how_done(found.metrics)
    assert "Nested cross-validation: 1 repeat of 5 outer folds, with 3" in said
    assert "model that had not seen this patient" in groups.grouping(found)


@pytest.mark.parametrize(
    ("models", "trials", "said"),
    [
        (("fusion", "cox"), 0, "3 inner folds for calibration and the fusion's weights;"),
        (("cox",), 0, "3 inner folds for calibration;"),
        (("cox",), 20, "3 inner folds for tuning (20 trials of settings) and calibration;"),
        (
            ("fusion",),
            1,
            "inner folds for tuning (1 trial of settings), calibration and the fusion's weights;",
        ),
    ],
)
def test_inner_folds_are_for_what_was_done_in_them(evidence, models, trials, said):
    found = evidence(lambda facts: facts["design"].update(trials=trials), models=models)
    assert said in words.how_done(found.metrics)
    assert ("tuning" in words.how_done(found.metrics)) == bool(trials)


def test_an_event_without_times_may_be_hoped_for(evidence):
    found = evidence(lambda facts: facts["endpoint"].update(event="response"), binary=True)
    said = " ".join([opening.headline(found), opening.scale(found)])
    assert "by how likely “response” is with an AUC" in said
    assert "A higher score means that “response” is likelier." in said
    assert "risk" not in said


def test_hospitals_left_out_in_turn_are_told(evidence):
    def leave_out(facts):
        facts["design"].update(splits="centres", centres=["A", "B", "C"])

    said = words.how_done(evidence(leave_out).metrics)
    assert "each of 3 centres in turn was the test fold" in said
    assert "No patient of a test fold's hospital was trained on." in said


def test_the_cut_of_a_validation_is_told_as_it_was(evidence):
    def cut(facts):
        facts["design"]["cuts"] = {
            "fusion": "training patients",
            "volume": "patients of this cohort",
        }

    found = evidence(cut, kind="validation", models=("fusion", "volume"))
    assert groups.grouping(found) == (
        "Fusion of clinical + volume and radiomics: high risk is above the median of the "
        "patients that the model was trained on. Tumour volume alone: high risk is above the "
        "median of this cohort's own patients, as that of the training patients is not known."
    )


@pytest.mark.parametrize(
    ("overlap", "kind", "banner"),
    [
        (0, "external validation", None),
        (None, "validation", None),
        (3, "validation with training patients", "3 of 150"),
    ],
)
def test_only_what_shares_no_patient_is_external(evidence, overlap, kind, banner):
    found = evidence(lambda facts: facts.update(overlap=overlap), kind="validation")
    assert opening.kind(found) == kind
    lines = [line for each in opening.banners(found) for line in each.lines]
    assert lines == [] if banner is None else lines[0].startswith(banner)


def test_folds_without_pairs_are_told(evidence):
    found = evidence(lambda facts: facts["models"]["volume"].update(folds_without_pairs=2))
    (said,) = comparison.without_pairs(found)
    assert said.startswith("Tumour volume alone: 2 of 5 test folds")


def test_a_permutation_of_another_model_is_named(evidence):
    found = evidence(
        lambda facts: facts["controls"]["label_permutation"].update(model="cox", p=0.002)
    )
    answer = controls.section(found).answer
    assert "the C-index (of the elastic-net Cox model) was 0.49 on average" in answer


def test_few_permutations_are_told_as_such(evidence):
    def shuffle(facts):
        facts["controls"]["label_permutation"].update(values=[0.5, 0.6], p=2 / 3)
        facts["controls"]["permuted_features"].update(values=[0.69])

    section = controls.section(evidence(shuffle))
    assert "from 2 permutations, whose smallest possible p is 0.33." in _plain(section.answer)
    (beside,) = [block for block in section.blocks if block.kind == "beside"]
    labels, features, _ = (column[0].caption for column in beside.columns)
    assert "Mean 0.55 of 2 permutations, whose smallest possible p is 0.33;" in labels
    assert "Mean 0.69 of 1 permutation, whose smallest possible p is 0.5;" in features
    assert "a gross leak and nothing finer" in features


def _plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Estimate(-0.004, -0.1, 0.1), "−0.004 (−0.10 to +0.10)"),
        (Estimate(0.05, 0.0, 0.1), "+0.05 (0.00 to +0.10)"),
        (Estimate(-0.133, -0.255, -0.001), "−0.13 (−0.26 to −0.001)"),
        (Estimate(0.0, 0.0, 0.0), "0 (nowhere different)"),
        (Estimate(0.0, -1e-17, 1e-17), "0 (nowhere different)"),
        (Estimate(0.0, -1e-4, 1e-4), "0.00 (−0.0001 to +0.0001)"),
        (None, "–"),
    ],
)
def test_no_rounding_moves_an_end_to_the_other_side_of_nothing(value, said):
    assert words.span(value, signed=True).replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("name", "said"),
    [("Fusion of all", "fusion of all"), ("C-index", "C-index"), ("PET model", "PET model")],
)
def test_a_name_within_a_sentence(name, said):
    assert words.lower(name) == said
