"""A validation on patients whom the model knew claims nothing."""

import pytest

from radpipe.prognosis.report import opening
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.overlap import overlap_of
from radpipe.prognosis.report.questions import comparison, controls, decisions
from tests.e2e.evaluation_input import write_evaluation

BY_VALUES = {"patient_id": 40, "values of all features": 38}
BY_IDENTIFIER = {"patient_id": 40}
BETTER = {"estimate": 0.128, "low": 0.006, "high": 0.243}


def metrics(found, overlap=40):
    return {"overlap": overlap, "cohort": {"patients": 60}, "leaks": {"found": found}}


@pytest.mark.parametrize(
    ("found", "overlap", "told"),
    [
        (
            BY_VALUES,
            40,
            "40 of 60 patients were training patients (40 by identifier, 38 by values of all "
            "features)",
        ),
        ({"image": 1}, 1, "1 of 60 patients was a training patient (1 by image)"),
        (
            BY_IDENTIFIER,
            40,
            "40 of 60 patients bear the identifier of a training patient",
        ),
        ({"patient_id": 1}, 1, "1 of 60 patients bears the identifier of a training"),
    ],
)
def test_training_patients_are_told_by_what_they_were_found(found, overlap, told):
    assert overlap_of(metrics(found, overlap)).told.startswith(told)


@pytest.mark.parametrize("overlap", [0, None])
def test_nobody_known_is_no_overlap(overlap):
    assert overlap_of(metrics({}, overlap)) is None


@pytest.fixture
def evidence(tmp_path):
    found = Evidence.load(write_evaluation(tmp_path / "e", kind="validation"), None)
    found.metrics["models"]["fusion"]["versus"]["volume"] = BETTER
    found.metrics.update(overlap=40, leaks={"checked": ["patient_id"], "found": BY_VALUES})
    return found


def test_the_headline_says_first_that_it_is_no_validation(evidence):
    said = opening.headline(evidence)
    assert said.startswith("40 of 150 patients were training patients (40 by identifier, 38 by")
    assert said.index("this is no external validation") < said.index("C-index")
    assert said.endswith("How well it does on other patients, this cannot tell.")


def test_no_sentence_claims_success(evidence):
    first, *_ = comparison.verdicts(evidence)
    assert first.startswith("With training patients among these, it cannot be told whether")
    assert "+0.128 (95 % interval +0.006 to +0.243)" in first.replace("\N{NO-BREAK SPACE}", " ")
    assert "did better" not in " ".join(comparison.verdicts(evidence))
    assert decisions.section(evidence).answer.endswith("knew some of these patients.")


def test_only_identifiers_may_be_alike_by_chance(evidence):
    def said():
        return " ".join(line for banner in opening.banners(evidence) for line in banner.lines)

    assert "alike" not in said()
    evidence.metrics["leaks"]["found"] = BY_IDENTIFIER
    assert "rename them if the two cohorts merely number their patients alike" in said()


def test_what_was_looked_for_is_told_in_plain_words(evidence):
    *_, last = controls.section(evidence).blocks
    assert last.text.startswith(
        "Training patients looked for by identifier: 40 of 150 patients were"
    )
