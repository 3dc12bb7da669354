import json
from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from radpipe.prognosis.evaluation.drift import (
    alone_outside,
    chance_more,
    chance_outside,
    column_facts,
    drift,
    outside_range,
    warn_of_drift,
)

FEATURES = ["f0", "f1", "f2", "f3"]


def table(rows=50, seed=0, **columns):
    random = np.random.default_rng(seed)
    values = {name: random.gamma(2, 10 ** (place + 1), rows) for place, name in enumerate(FEATURES)}
    return pd.DataFrame({**values, "stage": random.choice(["I", "II"], rows), **columns})


def standardised(X):
    numbers = X[FEATURES]
    return X.assign(**((numbers - numbers.mean()) / numbers.std()))


def compare(training, cohort, used=()):
    facts = json.loads(json.dumps(column_facts(training)))
    found = drift(facts, cohort, FEATURES, used, len(training))
    return found, {each["feature"]: each for each in found["columns"]}


def test_the_same_cohort_has_no_drift():
    X = table()
    found, columns = compare(X, X, used=["f1"])
    assert not found["standardised"]
    assert not found["training_standardised"]
    assert [each["shift"] for name, each in columns.items() if name != "stage"] == [0] * 4
    assert {each["outside"] for each in columns.values()} == {0}
    assert [name for name, each in columns.items() if each["used"]] == ["f1"]
    assert "of the patients: 0, of which 0 beyond chance" in found["summary"]


def test_shift_is_the_difference_of_means_in_pooled_deviations():
    X, Y = table(), table(seed=1)
    _, columns = compare(X, Y)
    pooled = np.sqrt((X["f1"].var(ddof=0) + Y["f1"].var(ddof=0)) / 2)
    assert columns["f1"]["shift"] == pytest.approx((Y["f1"].mean() - X["f1"].mean()) / pooled)


def test_what_differs_most_comes_first():
    X = table()
    found, columns = compare(X, X.assign(f2=X["f2"] * 3, stage="IV"))
    assert found["columns"][0]["feature"] == "f2"
    assert columns["f2"]["shift"] > 0.5
    assert "deviations: 1, of which 1 beyond chance;" in found["summary"]
    assert columns["stage"]["outside"] == 1


def test_outside_missing_and_categories_are_shares_of_the_patients():
    X, Y = table(10), table(10)
    Y.loc[[0, 1], "f0"] = np.nan
    Y.loc[[2, 3, 4, 5], "f0"] = X["f0"].max() + 1
    Y.loc[[6], "f0"] = X["f0"].min() - 1
    Y["stage"] = ["I"] * 5 + ["III"] * 2 + [None] * 3
    _, columns = compare(X, Y)
    assert columns["f0"]["outside"] == pytest.approx(5 / 8)
    assert columns["f0"]["missing"] == pytest.approx(0.2)
    assert columns["f0"]["training_missing"] == 0
    assert columns["stage"]["outside"] == pytest.approx(2 / 7)
    assert columns["stage"]["missing"] == pytest.approx(0.3)
    assert columns["stage"]["shift"] is None


def test_empty_and_constant_columns_have_facts_all_the_same():
    X = table(10, constant=1.0, empty=np.nan)
    _, columns = compare(X, X)
    assert columns["constant"]["shift"] == 0
    assert columns["empty"] == {
        "feature": "empty",
        "text": False,
        "differs": [],
        "drifted": [], "used": False, "outside": None, "missing": 1, "training_missing": 1,
        "shift": None,
    }  # fmt: skip
    _, columns = compare(X, X.assign(constant=2.0, empty=5.0))
    assert columns["constant"]["shift"] is None
    assert columns["constant"]["outside"] == 1
    assert columns["empty"]["outside"] == 1


@pytest.mark.parametrize(
    ("training", "cohort", "told"),
    [
        (standardised(table()), standardised(table(seed=1)), "Both tables were standardised"),
        (table(), standardised(table(seed=1)), "This table was standardised"),
        (standardised(table()), table(seed=1), "The training table was standardised"),
    ],
)
def test_standardised_tables_are_recognised_and_said(training, cohort, told, caplog):
    found, _ = compare(training, cohort)
    assert found["standardised"] == ("training table" not in told)
    assert found["training_standardised"] == ("This" not in told)
    assert told in found["summary"]
    warn_of_drift(found)
    assert told in caplog.text


def test_a_table_brought_to_one_range_is_recognised_too():
    X = table()
    numbers = X[FEATURES]
    scaled = X.assign(**((numbers - numbers.min()) / (numbers.max() - numbers.min())))
    found, _ = compare(X, scaled)
    assert "a range from 0 to 1" in found["summary"]


def test_tables_in_their_own_units_are_not_called_standardised(caplog):
    found, _ = compare(table(), table(seed=3))
    warn_of_drift(found)
    assert caplog.text == ""


def test_some_patients_left_out_after_standardising_hide_nothing():
    X = standardised(table(200, seed=2))
    assert compare(table(), X.iloc[:170])[0]["standardised"]


def test_values_alone_outside_are_those_outside_the_range_of_all_others():
    X = table(12)
    X.loc[3, "f1"] = np.nan
    X.loc[5, "stage"] = "IV"
    found = alone_outside(X)
    for row in range(len(X)):
        rest = column_facts(X.drop(index=row))
        assert found[row] == outside_range(rest, X.iloc[[row]]).sum()


@pytest.mark.parametrize(("training", "patients"), [(2, 5), (4, 4), (5, 3)])
def test_chance_outside_counts_all_orders_of_two_cohorts(training, patients):
    orders = list(combinations(range(training + patients), training))
    beyond = [patients - (places[-1] - places[0] + 1 - training) for places in orders]
    for outside in range(patients + 1):
        share = np.mean(np.array(beyond) >= outside)
        assert chance_outside(outside, patients, training) == pytest.approx(share)


@pytest.mark.parametrize(("ours", "theirs"), [(0, 1), (2, 1), (3, 0), (5, 4)])
def test_chance_of_more_is_fishers_exact_test(ours, theirs):
    table = [[ours, 5 - ours], [theirs, 9 - theirs]]
    expected = fisher_exact(table, alternative="greater").pvalue
    assert chance_more(ours, 5, theirs, 9) == pytest.approx(expected)


def drifted(found):
    return Counter(what for each in found["columns"] for what in each["drifted"])


def test_another_sample_of_the_same_population_is_not_called_drift():
    random = np.random.default_rng(3)
    names = [f"f{place}" for place in range(200)]
    frames = [pd.DataFrame(random.normal(size=(rows, 200)), columns=names) for rows in (60, 40)]
    X, Y = (frame.mask(random.random(frame.shape) < 0.1) for frame in frames)
    found = drift(column_facts(X), Y, names, [], 60)
    assert np.mean([each["outside"] > 0.05 for each in found["columns"]]) > 0.1
    assert drifted(found).total() <= 2
    moved = drift(column_facts(X), Y + 5, names, [], 60)
    assert drifted(moved) == {"outside": 200, "shifted": 200}
    assert "of the patients: 200, of which 200 beyond chance; shifted" in moved["summary"]
    assert drifted(drift(column_facts(X), Y.assign(f3=np.nan), names, [], 60))["missing"] == 1


def test_a_category_that_training_lacked_is_drift_where_many_have_it():
    X = pd.DataFrame({"stage": ["I", "II"] * 30})
    for count, expected in ((4, {}), (8, {"outside": 1})):
        Y = pd.DataFrame({"stage": ["III"] * count + ["I"] * (40 - count)})
        assert drifted(drift(column_facts(X), Y, [], [], 60)) == expected


def test_a_part_of_a_standardised_table_is_not_called_another_scale():
    X = standardised(table(137, seed=6))
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(len(X))
        found, _ = compare(X.iloc[rows[:102]], X.iloc[rows[102:]])
        assert not (found["standardised"] ^ found["training_standardised"])
        assert "no risk is right" not in found["summary"]
