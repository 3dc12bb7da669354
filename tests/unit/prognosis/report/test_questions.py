"""What the answers rest on."""

import numpy as np
import pandas as pd
import pytest

from radpipe.prognosis.report import opening
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.questions import (
    calibration,
    decisions,
    discrimination,
    drift,
    subgroups,
)
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
    assert answer.count("above that of every baseline at no range of thresholds") == 2


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


def test_what_counts_as_drift_is_marked_and_comes_first(evidence):
    found = evidence(kind="validation")
    columns = found.metrics["drift"]["columns"]
    for column in columns:
        column.update(drifted=[], outside=0.0, shift=0.0)
    columns[0].update(outside=0.12, shift=0.6)
    columns[1].update(outside=0.05, shift=-0.51)
    columns[2].update(outside=0.3, missing=0.2, drifted=["outside", "missing"])
    section = drift.section(found)
    (grid,) = [block for block in section.blocks if block.kind == "grid"]
    assert [(row[0].text[-5:], row[0].note) for row in grid.rows] == [
        ("Mean2", "beyond chance: outside, missing"),
        ("Mean0", None),
        ("Mean1", None),
    ]
    (legend,) = (block.text for block in section.blocks if block.kind == "text")
    assert "what is not marked could be chance alone" in legend
    assert grid.data.rows[2][-1] == "outside missing"


def test_what_counts_is_shown_though_many_others_are_larger(evidence):
    found = evidence(kind="validation")
    *others, last = found.metrics["drift"]["columns"]
    for column in others:
        column["drifted"] = []
    last.update(outside=0.01, shift=None, drifted=["missing"])
    assert next(iter(_cells(drift.section(found)))) == last["feature"]


def _stage(patients):
    return {"stage": {"categories": ["IV"], "patients": patients, "taken_as": "I"}}


@pytest.mark.parametrize(("patients", "warned"), [(7, False), (8, True)])
def test_categories_that_training_lacked_are_told(evidence, patients, warned):
    """More than 5 % of 150 patients are 8."""
    found = evidence(kind="validation")
    found.metrics["unseen"] = _stage(patients)
    said = f"stage: {patients} of 150 patients have IV, which no training patient had. The model"
    first, *_ = drift.section(found).blocks
    assert first.text.startswith(said)
    assert "took them for I" in first.text
    lines = [line for banner in opening.banners(found) for line in banner.lines]
    assert any(line.startswith(said) for line in lines) == warned


def test_categories_are_told_without_any_other_drift(evidence):
    found = evidence(kind="validation")
    found.metrics.update(unseen=_stage(1), drift={})
    first, *_ = drift.section(found).blocks
    assert first.text.startswith("stage: 1 of 150 patients has IV")
    found.metrics["unseen"] = {}
    assert drift.section(found) is None


def test_no_drift_at_all_gives_no_empty_table(evidence):
    found = evidence(kind="validation")
    for column in found.metrics["drift"]["columns"]:
        column.update(outside=0.0, shift=0.0, missing=0.0, training_missing=0.0)
    section = drift.section(found)
    assert section.answer == "3 of 30 columns drifted."
    assert [block.text for block in section.blocks] == [
        "No column differs from training, so there is none to list."
    ]


def test_a_column_that_drifted_little_is_not_hidden_by_still_ones(evidence):
    found = evidence(kind="validation")
    *still, last = found.metrics["drift"]["columns"]
    for column in still:
        column.update(outside=0.0, shift=0.0, missing=0.0, training_missing=0.0)
    last.update(outside=None, shift=None, missing=0.4)
    assert list(_cells(drift.section(found))) == [last["feature"]]


def _blocks(section):
    for block in section.blocks:
        yield block
        for column in getattr(block, "columns", ()) if block.kind == "beside" else ():
            yield from column


def _grid(section, name):
    grids = {
        block.name.replace("\xa0", " "): block for block in _blocks(section) if block.kind == "grid"
    }
    grid = grids[name]
    heads = [column.title.replace("\xa0", " ") for column in grid.columns]
    cells = [[cell.text.replace("\xa0", " ") for cell in row] for row in grid.rows]
    return [dict(zip(heads, row, strict=True)) for row in cells]


def test_calibration_has_one_row_a_model_and_no_slope_at_a_time(evidence):
    found = evidence()
    titles = [model.title for model in found.models]
    section = calibration.section(found)
    for time in ("12 months", "24 months"):
        rows = _grid(section, f"Calibration of all models, {time}")
        assert [row["Model"] for row in rows] == [*titles, "Without predictors"]
        assert list(rows[0]) == ["Model", "Observed / expected", "Brier score"]
        assert (rows[0]["Brier score"], rows[-1]["Brier score"]) == ("0.180", "0.210")
    rows = _grid(section, "Calibration slopes")
    assert [row["Model"] for row in rows] == titles
    slopes = [found.main.at(time)["calibration"]["slope"] for time in found.horizons]
    told = found.metrics["models"]["fusion"]["calibration_slope"]
    assert rows[0]["Slope over all times"] == f"{told:.2f}"
    assert not {f"{slope:.2f}" for slope in slopes} & set(rows[0].values())


def test_without_times_the_slope_is_that_of_the_table(evidence):
    section = calibration.section(evidence(binary=True))
    assert list(_grid(section, "Calibration slopes")[0]) == ["Model", "Slope", "Intercept"]
    (row, *_) = _grid(section, "Calibration of all models")
    assert list(row) == ["Model", "Observed / expected", "Brier score"]


def test_what_differs_between_models_stands_with_each(evidence):
    found = evidence()
    found.metrics["models"]["volume"]["horizons"][0]["brier_null"] = 0.3
    (beside, *_) = calibration.section(found).blocks
    *_, grid = beside.columns[0]
    notes = {row[0].text: row[2].note for row in grid.rows}
    assert notes["Tumour volume alone"] == "without predictors 0.300"
    assert "Without predictors" not in notes


@pytest.mark.parametrize("kind", ["cross-validation", "validation"])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("slope", [-647.94, 1.1])
def test_nearly_constant_predictions_have_no_slope(evidence, kind, binary, slope):
    found = evidence(kind=kind, binary=binary)
    own = found.predictions["model"] == "fusion"
    shown = found.predictions.columns[found.predictions.columns.str.match("survival|probability")]
    found.predictions.loc[own, shown] = 0.336 + 0.0006 * found.predictions.loc[own, shown]
    found.metrics["models"]["fusion"]["calibration_slope"] = slope
    section = calibration.section(found)
    first, *others = (
        row[next(k for k in row if k.startswith("Slope"))]
        for row in _grid(section, "Calibration slopes")
    )
    assert first == "–"
    assert others == ["0.87"] * 3
    assert "no calibration slope, as all patients got nearly the same prediction" in section.answer
    (said,) = [
        one.text for one in _blocks(section) if one.kind == "text" and one.text.startswith("–")
    ]
    assert said == (
        "–: all patients got nearly the same prediction, so that a slope means nothing "
        f"({found.main.title})."
    )
    if kind == "validation":
        row, other, *_ = _grid(section, "Calibration after recalibration")
        assert (row["Slope applied"], other["Slope applied"]) == ("–", "0.80")


def test_a_slope_is_absurd_however_far_predictions_are_apart(evidence):
    found = evidence()
    assert found.slope("fusion", -10.1) is None
    assert found.slope("fusion", 9.9) == 9.9
    assert found.slope("fusion", None) is None


def test_folds_at_different_levels_are_no_spread(evidence):
    """Within each fold all are alike; what differs is the fold."""
    found = evidence()
    times = [name for name in found.predictions if name.startswith("survival")]
    found.predictions[times] = (
        found.predictions[times].mul(0).add(0.5 + 0.05 * found.predictions["fold"], axis=0)
    )
    assert found.slope("fusion", 1.0) is None


def test_recalibration_is_read_as_a_validation_writes_it(evidence):
    found = evidence(kind="validation")
    (row, *_) = _grid(calibration.section(found), "Calibration after recalibration")
    for place, name in enumerate(["12 months", "24 months"]):
        ratio = found.metrics["recalibrated"]["fusion"]["horizons"][place]["calibration"]["ratio"]
        assert row[f"Observed / expected, {name}"] == f"{ratio['estimate']:.2f}"


def test_auc_over_time_is_drawn_of_what_is_compared_and_listed_of_all(evidence):
    found = evidence()
    section = discrimination.section(found)
    chart = section.blocks[0]
    assert {row[0] for row in chart.data.rows} == {model.title for model in found.compared}
    assert chart.caption.endswith("The table has all models.")
    (grid,) = [block for block in section.blocks if block.kind == "grid"]
    assert [row[0].text for row in grid.rows] == [model.title for model in found.models]
    assert len(found.models) > len(found.compared)
