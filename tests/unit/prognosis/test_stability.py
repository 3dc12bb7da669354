from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from radpipe.errors import RunError, TableError
from radpipe.prognosis.tables.stability import load_stability, stability, stability_scores

# Shrout and Fleiss 1979, doi:10.1037/0033-2909.86.2.420, table 2: six targets, four judges.
JUDGED = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
FEATURE = "original_glcm_Contrast"


def table(values: np.ndarray, feature: str = FEATURE) -> pd.DataFrame:
    cases, times = values.shape
    names = [f"p{case}" for case in np.repeat(np.arange(cases), times)]
    return pd.DataFrame({"patient_id": names, feature: values.ravel().astype(float)})


def test_the_published_value_and_its_interval() -> None:
    found = stability(table(np.array(JUDGED))).loc[FEATURE]
    # Their table 4 prints .17; R's psych and irr give -0.133 for the interval's lower end.
    assert found["icc"] == pytest.approx(0.166, abs=5e-4)
    assert found["low"] == pytest.approx(-0.133, abs=5e-4)


@pytest.mark.parametrize("times", [2, 5])
def test_it_is_scipys_analysis_of_variance(times: int) -> None:
    rng = np.random.default_rng(times)
    values = rng.normal(size=(12, 1)) + 0.5 * rng.normal(size=(12, times)) + 1e6
    ratio = stats.f_oneway(*values).statistic
    found = stability(table(values)).loc[FEATURE]
    assert found["icc"] == pytest.approx((ratio - 1) / (ratio + times - 1), rel=1e-6)
    assert found["low"] < found["icc"]


def test_the_true_correlation_is_found_and_lies_above_its_lower_end() -> None:
    rng = np.random.default_rng(0)
    true, covered, found = 0.8, 0, []
    for _ in range(200):
        cases = np.sqrt(true) * rng.normal(size=(30, 1))
        each = stability(table(cases + np.sqrt(1 - true) * rng.normal(size=(30, 4)))).loc[FEATURE]
        found.append(each["icc"])
        covered += each["low"] <= true
    assert np.mean(found) == pytest.approx(true, abs=0.02)
    # One end of a 95 % interval: 97.5 % of 200, give or take three standard errors.
    assert 0.94 <= covered / 200 <= 1


def test_unequal_numbers_and_holes() -> None:
    rng = np.random.default_rng(1)
    true = 0.7
    frame = table(
        np.sqrt(true) * rng.normal(size=(400, 1)) + np.sqrt(0.3) * rng.normal(size=(400, 5))
    )
    frame["shape_Sphericity"] = frame[FEATURE].where(rng.random(len(frame)) < 0.6)
    frame["shape_Elongation"] = frame[FEATURE].where(rng.random(len(frame)) < 0.8, np.inf)
    found = stability(frame)
    assert found["icc"].to_numpy() == pytest.approx([true] * 3, abs=0.06)
    # What is missing counts as little as rows that are not there.
    fewer = stability(frame.dropna(subset=["shape_Sphericity"]))
    assert found.loc["shape_Sphericity", "icc"] == pytest.approx(
        fewer.loc["shape_Sphericity", "icc"], rel=1e-9
    )


def test_what_cannot_be_told_is_no_number() -> None:
    frame = table(np.array(JUDGED))
    frame["shape_Volume"] = 0.1
    frame["shape_Empty"] = np.nan
    frame["shape_Maximum"] = np.repeat(np.arange(6.0), 4)
    frame["shape_Once"] = np.where(np.arange(24) % 4 == 0, frame["shape_Maximum"], np.nan)
    found = stability(frame)
    assert found.loc[["shape_Volume", "shape_Empty", "shape_Once"]].isna().all(axis=None)
    assert found.loc["shape_Maximum"].tolist() == [1.0, 1.0]
    assert "shape_Empty" not in stability_scores(found)
    assert stability_scores(found)["shape_Maximum"] == 1.0


def test_cases_are_told_apart_where_a_patient_has_several() -> None:
    frame = table(np.array([[1, 1.1], [5, 5.2], [9, 9.1], [3, 3.3]]))
    frame["patient_id"] = ["A"] * 4 + ["B"] * 4
    assert stability(frame).loc[FEATURE, "icc"] < 0.5
    frame["unperturbed"] = np.repeat(["A_left", "A_right", "B_left", "B_right"], 2)
    assert stability(frame).loc[FEATURE, "icc"] > 0.99


@pytest.mark.parametrize(
    "frame",
    [
        table(np.array(JUDGED)).drop_duplicates("patient_id"),
        table(np.array(JUDGED[:1])),
        table(np.array(JUDGED), "age"),
    ],
    ids=["one row a case", "one case", "no features"],
)
def test_no_repetitions_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="stability cannot be told"):
        stability(frame)


def test_a_table_of_repetitions_and_one_of_correlations(tmp_path: Path) -> None:
    rows, given = tmp_path / "rows.csv", tmp_path / "icc.csv"
    table(np.array(JUDGED)).to_csv(rows, index=False)
    found = load_stability(rows)
    found.reset_index().to_csv(given, index=False)
    pd.testing.assert_frame_equal(load_stability(given), found)
    given.write_text(f"feature,icc\n{FEATURE},0.9\nNA,0.5\n")
    assert stability_scores(load_stability(given)) == {FEATURE: 0.9, "NA": 0.5}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feature,icc\na,1.2\n", "no correlation"),
        ("feature,icc\na,high\n", "no correlation"),
        ("feature,icc\na,\n", "no correlation"),
        ("feature,icc,low\na,0.5,0.7\n", "no correlation"),
        ("feature,icc\na,0.5\na,0.7\n", "stands there twice"),
        ("name,icc\na,0.5\n", "a column is missing"),
        ("feature,value\na,0.5\n", "column"),
    ],
)
def test_wrong_tables_are_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "icc.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=told):
        load_stability(path)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        load_stability(tmp_path)
