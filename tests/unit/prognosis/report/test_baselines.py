"""The model against clinical columns with volume, the hardest baseline."""

import re

import numpy as np
import pytest

from radpipe.prognosis.report import opening
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.questions import (
    comparison,
    controls,
    decisions,
    discrimination,
    groups,
    subgroups,
)
from tests.e2e.evaluation_input import write_evaluation

MODELS = ("fusion", "clinical_volume", "clinical", "volume")
DRAWN = ["fusion", "clinical_volume", "volume"]


def interval(estimate, low, high):
    return {"estimate": estimate, "low": low, "high": high}


@pytest.fixture
def evidence(tmp_path):
    def load(added=(-0.003, -0.02, 0.014), **evaluation):
        found = Evidence.load(write_evaluation(tmp_path / "e", models=MODELS, **evaluation), None)
        models = found.metrics["models"]
        models["clinical_volume"].update(baseline=True, title="Clinical columns and tumour volume")
        models["fusion"]["versus"] = {
            "volume": interval(0.085, 0.032, 0.138),
            "clinical": interval(0.05, 0.01, 0.09),
            "clinical_volume": interval(*added),
        }
        return found

    return load


def _plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            (-0.003, -0.02, 0.014),
            "Radiomics adds -0.003 (95 % interval -0.020 to +0.014) to the C-index of clinical "
            "columns and volume, compared fold by fold. This does not show any gain.",
        ),
        (
            (0.03, 0.01, 0.05),
            "Radiomics adds +0.030 (95 % interval +0.010 to +0.050) to the C-index of clinical "
            "columns and volume, compared fold by fold.",
        ),
        (
            (-0.03, -0.05, -0.01),
            "Radiomics adds -0.030 (95 % interval -0.050 to -0.010) to the C-index of clinical "
            "columns and volume, compared fold by fold: the model is the worse for it.",
        ),
        (
            (0.0, 0.0, 0.0),
            "Radiomics adds 0 (nowhere different) to the C-index of clinical "
            "columns and volume, compared fold by fold. This does not show any gain.",
        ),
    ],
)
def test_what_radiomics_adds_comes_first(evidence, added, said):
    assert _plain(comparison.verdicts(evidence(added))[0]) == said


def test_a_gain_that_clinical_columns_may_explain_is_no_success(evidence):
    found = evidence()
    section = comparison.section(found)
    assert section.question == "Does it add to clinical columns and tumour volume?"
    assert "did better" not in section.answer
    _, volume, clinical = map(_plain, comparison.verdicts(found))
    assert volume == (
        "Against tumour volume alone the model's C-index differs by +0.085 (95 % interval +0.032 "
        "to +0.138), in which the clinical columns have a part."
    )
    assert clinical.endswith("in which tumour volume has a part.")


def test_the_headline_names_the_hardest_baseline_before_volume(evidence):
    said = opening.headline(evidence())
    both = said.index("clinical columns and tumour volume reached a C-index of")
    assert both < said.index("; tumour volume alone reached")


def test_a_model_without_branches_adds_itself(evidence):
    found = evidence()
    del found.metrics["models"]["fusion"]["branches"]
    assert comparison.verdicts(found)[0].startswith("The model adds")


def test_forest_and_table_have_it(evidence):
    beside, grid, *_ = comparison.section(evidence()).blocks
    names = [column[0].data.name for column in beside.columns]
    assert names == [
        "comparison",
        "against_clinical_volume",
        "against_volume",
        "against_clinical",
    ]
    place = [column.title for column in grid.columns].index("Against clinical columns and volume")
    cell = grid.rows[0][place]
    assert (_plain(cell.text), _plain(cell.note)) == ("-0.003", "(-0.020 to +0.014)")


def test_differences_never_lose_their_side(evidence):
    *_, grid = comparison.section(evidence((-0.133, -0.255, -0.0004))).blocks[:2]
    notes = [_plain(cell.note) for row in grid.rows for cell in row if cell.note]
    assert "(-0.255 to -0.0004)" in notes


@pytest.mark.parametrize("binary", [False, True])
def test_it_is_drawn_in_place_of_the_clinical_columns(evidence, binary):
    found = evidence(binary=binary)
    assert [model.key for model in found.compared] == DRAWN
    titles = [model.title for model in found.compared]
    beside = decisions.section(found).blocks[0]
    for column in beside.columns:
        names = list(dict.fromkeys(row[0] for row in column[0].data.rows))
        assert names == [*(model.title for model in found.models), "Flag everyone"]
    curves = discrimination.section(found).blocks[0].data.rows
    assert list(dict.fromkeys(row[0] for row in curves)) == titles
    *_, parts = groups.section(found).blocks
    assert [column[0].text for column in parts.columns] == titles
    (table,) = [block for block in subgroups.section(found).blocks if block.kind == "grid"]
    assert [column.title for column in table.columns][3:] == titles


def test_beside_itself_the_clinical_columns_are_drawn(evidence):
    found = evidence()
    found.metrics["main"] = "clinical_volume"
    assert [model.key for model in found.compared] == ["clinical_volume", "clinical", "volume"]


def _set_benefit(found, key, value):
    for entry in found.metrics["models"][key]["horizons"]:
        entry["decision"]["model"] = [value] * len(entry["decision"]["thresholds"])


@pytest.mark.parametrize("rival", ["clinical_volume", "clinical", "volume"])
def test_no_baseline_is_left_out_of_the_decision_curve(evidence, rival):
    found = evidence()
    for key, value in (*((key, 0.0) for key in MODELS), ("fusion", 0.9)):
        _set_benefit(found, key, value)
    assert "no range" not in decisions.section(found).answer
    _set_benefit(found, rival, 0.95)
    assert decisions.section(found).answer.count("at no range of thresholds") == 2


@pytest.mark.parametrize("binary", [False, True])
def test_no_threshold_is_named_where_few_are_flagged(evidence, binary):
    """Six of 150 patients are told 0.7 or more, four 0.9; in every repeat."""
    found = evidence(binary=binary)
    for key, value in (*((key, -1.0) for key in MODELS), ("fusion", 0.9)):
        _set_benefit(found, key, value)
    own = (found.predictions["model"] == "fusion").to_numpy()
    risk = np.array([0.95] * 4 + [0.71] * 2 + [0.3] * 144)
    repeats = own.sum() // 150
    for name in found.predictions.columns[
        found.predictions.columns.str.match("survival|probability")
    ]:
        told = risk if binary else 1 - risk
        found.predictions.loc[own, name] = np.tile(told, repeats)
    answer = _plain(decisions.section(found).answer)
    assert set(re.findall(r"to (\d+) %", answer)) == {"70"}


def _gain(found):
    (grid,) = [block for block in controls.section(found).blocks if block.kind == "grid"]
    told = {row[0].text: row[2].text for row in grid.rows}
    (name,) = [name for name in told if name.startswith("Likelihood gain")]
    return name, told[name]


def test_of_known_patients_the_gain_is_not_of_unseen_ones(evidence):
    found = evidence(kind="validation")
    assert "Log-likelihood of patients not seen, over clinical columns with" in _gain(found)[1]
    found.metrics.update(overlap=40, leaks={"checked": ["patient_id"], "found": {"patient_id": 40}})
    assert "Log-likelihood of these patients" in _gain(found)[1]


@pytest.mark.parametrize(("binary", "unit"), [(True, "patient"), (False, "event")])
def test_the_gain_is_of_what_the_likelihood_is_averaged_over(evidence, binary, unit):
    assert _gain(evidence(binary=binary))[0] == f"Likelihood gain per {unit}"


def test_the_gain_names_what_it_is_over(evidence):
    found = evidence()
    del found.metrics["models"]["clinical_volume"]
    assert ", over volume; above 0" in _gain(found)[1]


REVERSED = "Larger tumours had the event less often."


def _banner(found):
    (banner,) = [one for one in opening.banners(found) if one.title == REVERSED]
    return banner.lines[0]


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        ({"codes": {"0": 30, "1": 45}}, " (--event response=0)"),
        ({"codes": {"False": 30, "True": 45}}, " (--event response=False)"),
        ({"codes": {"CR": 30, "none": 45}, "value": "CR"}, " (--event response=none)"),
        ({"codes": {"CR": 30, "PR": 1, "none": 45}, "value": "CR"}, ""),
    ],
)
def test_a_volume_that_points_the_other_way_is_told(evidence, endpoint, named):
    found = evidence(binary=True)
    found.metrics["endpoint"].update(event="response", **endpoint)
    found.metrics["volume_reversed"] = {"auc": 0.326}
    said = _banner(found)
    assert said.startswith("An AUC of 0.33 is what volume reaches")
    assert f"If “response” is good news, evaluate its opposite{named}. If it is not" in said
    assert "no yardstick here" in comparison.verdicts(found)[1]


def test_an_event_with_times_has_no_opposite_to_name(evidence):
    found = evidence()
    found.metrics["volume_reversed"] = {"c_index": 0.4}
    assert "--event" not in _banner(found)
    del found.metrics["models"]["fusion"]["versus"]["clinical_volume"]
    assert comparison.verdicts(found)[0].startswith("Tumour volume is no yardstick here")


@pytest.mark.parametrize("told", [None, {}])
def test_a_volume_that_points_the_right_way_needs_no_word(evidence, told):
    found = evidence()
    found.metrics["volume_reversed"] = told
    assert REVERSED not in [banner.title for banner in opening.banners(found)]
