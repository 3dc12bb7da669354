"""What the answers rest on."""

import numpy as np
import pandas as pd
import pytest

from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.questions import decisions, drift, subgroups
from tests.e2e.evaluation_input import write_evaluation


@pytest.fixture
def evidence(tmp_path):
    def load(**evaluation):
        return Evidence.load(write_evaluation(tmp_path / "e", **evaluation), None)

    return load


def _cells(section):
    (grid,) = [block for block in section.blocks if block.kind == "grid"]
    return {row[0].text: [cell.text for cell in row[1:]] for row in grid.rows}


def test_numbers_are_halved_and_words_are_levels():
    table = pd.DataFrame(
        {
            "case_id": list("abcdefgh"),
            "age": [1.0, 2, 3, 4, 5, 6, 7, 8],
            "sex": ["m", "f", "m", "f", None, "m", "m", "m"],
        }
    )
    found = {
        (one.column, one.label): "".join(sorted(one.cases)) for one in subgroups.subgroups(table)
    }
    assert found == {
        ("age", "up to 4.5"): "abcd",
        ("age", "above 4.5"): "efgh",
        ("sex", "f"): "bd",
        ("sex", "m"): "acfgh",
        ("sex", "not known"): "e",
    }


def test_few_numbers_are_levels_and_many_words_share_a_group():
    table = pd.DataFrame({"case_id": [str(n) for n in range(20)]})
    table["grade"] = np.arange(20) % 2 + 1.0
    table["site"] = [f"s{n // 3}" if n < 12 else f"r{n}" for n in range(20)]
    labels = [one.label for one in subgroups.subgroups(table)]
    assert labels[:2] == ["1", "2"]
    assert labels[-1] == "other"
    assert {"s0", "s1", "s2", "s3"} < set(labels)
    members = [one.cases for one in subgroups.subgroups(table)][2:]
    assert sorted(case for cases in members for case in cases) == sorted(table["case_id"])


def test_every_patient_is_in_one_part_of_each_column(evidence):
    found = evidence()
    rows = _cells(subgroups.section(found))
    for column in ("age", "sex", "stage"):
        counts = [int(cells[0]) for name, cells in rows.items() if name.startswith(column)]
        assert sum(counts) == len(found.patients)


def test_small_subgroups_have_no_number(evidence):
    rows = _cells(subgroups.section(evidence()))
    patients, events, *scores = rows["stage: not known"]
    assert int(events) < subgroups.LEAST_EVENTS or int(patients) < subgroups.LEAST_PATIENTS
    assert set(scores) == {subgroups.TOO_FEW}


@pytest.mark.parametrize("kind", ["cross-validation", "validation"])
@pytest.mark.parametrize("binary", [False, True])
def test_subgroups_have_intervals_around_their_value(evidence, kind, binary):
    rows = _cells(subgroups.section(evidence(kind=kind, binary=binary)))
    for cells in rows.values():
        for cell in cells[2:]:
            if cell != subgroups.TOO_FEW:
                value, low, high = (
                    float(part)
                    for part in cell.replace("(", "").strip(")").replace("to", "").split()
                )
                assert 0 <= low <= value <= high <= 1


def test_without_clinical_columns_there_is_no_subgroup(evidence):
    found = evidence()
    object.__setattr__(found, "subgroups", None)
    assert subgroups.section(found) is None


def test_ranges_are_runs_of_three_or_more():
    best = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    assert decisions._ranges(best) == [(3, 5), (7, 10)]
    assert decisions._ranges(np.zeros(5, dtype=bool)) == []


def test_a_model_that_never_helps_is_said_so(evidence):
    found = evidence()
    for entry in found.metrics["models"]["fusion"]["horizons"]:
        entry["decision"]["model"] = [-1.0] * len(entry["decision"]["thresholds"])
    answer = decisions.section(found).answer
    assert answer.count("the highest at no range of thresholds") == 2


def test_drift_is_told_where_there_is_any(evidence):
    found = evidence(kind="validation")
    for place, column in enumerate(found.metrics["drift"]["columns"]):
        if place not in (1, 4):
            column.update(outside=0.0, shift=0.001, missing=0.01, training_missing=0.01)
    found.metrics["drift"]["columns"][4].update(outside=None, shift=None, missing=0.2)
    rows = {
        name: [cell.replace("\xa0", " ") for cell in cells]
        for name, cells in _cells(drift.section(found)).items()
    }
    assert rows == {
        "original_firstorder_Mean1": ["yes", "58 %", "0 %", "0 %", "+1.15"],
        "original_firstorder_Mean4": ["–", "–", "20 %", "0 %", "–"],
    }
