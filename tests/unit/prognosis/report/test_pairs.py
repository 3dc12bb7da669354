import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radpipe.prognosis.report.pairs import as_endpoint, concordance_of
from radpipe.prognosis.report.roc import mean_roc
from radpipe.prognosis.survival import concordance_index, nadeau_bengio


def predictions(binary=False, folds=5, patients=100, seed=0):
    random = np.random.default_rng(seed)
    risk = random.standard_normal(patients).round(1)
    rows = pd.DataFrame(
        {
            "model": "m",
            "repeat": 0,
            "fold": np.arange(patients) % folds,
            "time": random.exponential(np.exp(-risk)).round(1) + 1,
            "event": random.random(patients) < 1 / (1 + np.exp(-risk)),
            "risk_score": risk,
        }
    )
    return rows.drop(columns="time") if binary else rows


def test_without_times_the_pairs_are_those_of_the_auc():
    rows = predictions(binary=True)
    found = concordance_index(as_endpoint(rows), rows["risk_score"])
    assert found == pytest.approx(roc_auc_score(rows["event"], rows["risk_score"]), abs=1e-12)


def test_test_folds_are_averaged_and_one_without_pairs_is_left_out():
    """By hand: two pairs of three are right in one fold, none of one in the next, none is left."""
    rows = pd.DataFrame(
        {
            "repeat": 0,
            "fold": [0, 0, 0, 1, 1, 2, 2],
            "time": [1.0, 2.0, 3.0, 1.0, 2.0, 1.0, 2.0],
            "event": [True, True, False, True, False, False, False],
            "risk_score": [2.0, 3.0, 1.0, 0.0, 9.0, 1.0, 2.0],
        }
    )
    found = concordance_of(rows, 0.25)
    assert found == pytest.approx(nadeau_bengio([2 / 3, 0.0], 0.25, 2))
    assert concordance_of(rows[rows["fold"] != 1], 0.25) is None


def test_scales_of_folds_do_not_matter():
    rows = predictions()
    shifted = rows.assign(risk_score=rows["risk_score"] + 100 * rows["fold"])
    assert concordance_of(rows, 0.25) == pytest.approx(concordance_of(shifted, 0.25))


@pytest.mark.parametrize("ratio", [0.25, None])
def test_nobody_to_compare_is_no_value(ratio):
    rows = predictions().assign(event=False)
    assert concordance_of(rows, ratio) is None


def test_a_validation_draws_patients():
    rows = predictions(folds=1)
    found = concordance_of(rows, None)
    assert found.low < found.value < found.high
    assert found.value == concordance_index(as_endpoint(rows), rows["risk_score"])


@pytest.mark.parametrize("folds", [1, 4])
def test_area_under_the_mean_curve_is_the_mean_auc(folds):
    rows = predictions(binary=True, folds=folds, patients=400)
    false, true = mean_roc(rows, "m")
    aucs = [roc_auc_score(part["event"], part["risk_score"]) for _, part in rows.groupby("fold")]
    # The curve is read at a hundred places only.
    assert np.trapezoid(true, false) == pytest.approx(np.mean(aucs), abs=0.003)
    assert (np.diff(true) >= -1e-12).all()


def test_a_fold_of_one_class_has_no_curve():
    rows = predictions(binary=True, folds=1).assign(event=True)
    assert len(mean_roc(rows, "m")[0]) == 0
