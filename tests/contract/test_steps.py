"""What every step keeps to, whatever it does."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from radpipe.errors import TableError
from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.tables import feature_columns
from radpipe.prognosis.tables.steps import (
    STEPS,
    CorrelationClusters,
    DropUninformative,
    Encode,
    Impute,
    Scale,
    Steps,
    Univariate,
    Winsorise,
    restored_steps,
)

FEATURES = [f"original_glcm_F{number}" for number in range(12)]
VOLUME = "original_shape_MeshVolume"
PARAMETERS = {
    "ComBat": {"batch": "hospital", "columns": FEATURES},
    "CorrelationClusters": {"threshold": 0.6, "stability": {FEATURES[3]: 0.9}},
    "DropUnstable": {"stability": {FEATURES[0]: 0.5, FEATURES[1]: 0.9, VOLUME: float("nan")}},
    "DropVolumeDependent": {"volume": VOLUME},
    "MinimumRedundancy": {"keep": 4},
    "Univariate": {"keep": 4},
    "Winsorise": {"tail": 0.1},
}
TEXT = {"ComBat", "DropUninformative", "DropUnstable", "Encode"}
BY_OUTCOME = {"MinimumRedundancy", "Univariate"}


def cohort(seed=0, rows=70):
    """Correlated features with holes, a volume, text, and what follows from some of them."""
    random = np.random.default_rng(seed)
    origin = random.normal(size=(rows, 4))
    values = np.repeat(origin, 3, axis=1) + random.normal(size=(rows, 12)) * 0.5
    time = random.exponential(np.exp(-origin[:, 0])) + 1e-6
    y = make_endpoint(random.random(rows) < 0.7, time)
    values[random.random(values.shape) < 0.05] = np.nan
    frame = pd.DataFrame(values, columns=FEATURES)
    frame[VOLUME] = np.exp(origin[:, 1])
    frame["age"] = random.integers(40, 80, rows)
    frame["stage"] = random.choice(["I", "II", None, "IV"], rows)
    frame["hospital"] = random.choice(["north", "south"], rows)
    frame.index = pd.Index([f"case{seed}_{number}" for number in range(rows)], name="case_id")
    return frame, y


@pytest.fixture(params=STEPS)
def name(request):
    return request.param


@pytest.fixture
def step(name):
    return STEPS[name](**PARAMETERS.get(name, {}))


@pytest.fixture
def data(name):
    frame, y = cohort()
    return (frame if name in TEXT else frame.drop(columns=["stage", "hospital"])), y


def later(data):
    return cohort(seed=1)[0][data[0].columns]


def test_fitting_again_gives_the_same(step, data):
    first = step.fit(*data).transform(later(data))
    pd.testing.assert_frame_equal(step.transform(later(data)), first, check_exact=True)
    pd.testing.assert_frame_equal(step.fit(*data).transform(later(data)), first, check_exact=True)
    twin = clone(step)
    assert not hasattr(twin, "rows_")
    pd.testing.assert_frame_equal(twin.fit(*data).transform(later(data)), first, check_exact=True)


def test_rows_are_transformed_each_by_itself(step, data):
    step.fit(*data)
    rows = later(data)
    together = step.transform(rows)
    for place in (0, 31, 69):
        alone = step.transform(rows.iloc[[place]])
        pd.testing.assert_frame_equal(alone, together.iloc[[place]], check_exact=True)


def test_what_is_transformed_later_changes_nothing(step, data):
    X, _ = data
    before = step.fit(*data).transform(X)
    extreme = later(data)
    numbers = extreme.select_dtypes("number").columns
    extreme[numbers] *= 1e6
    step.transform(extreme)
    pd.testing.assert_frame_equal(step.transform(X), before, check_exact=True)
    pd.testing.assert_frame_equal(step.fit_transform(*data), before, check_exact=True)


def test_fit_depends_on_the_rows_and_not_on_their_names(step, data):
    X, y = data
    renamed = X.set_axis([f"p{number}" for number in range(len(X))])
    found = clone(step).fit(renamed, y).transform(later(data))
    pd.testing.assert_frame_equal(step.fit(X, y).transform(later(data)), found, check_exact=True)


def test_only_what_selects_by_outcome_learns_from_it(name, step, data):
    X, y = data
    shuffled = y[np.random.default_rng(8).permutation(len(y))]
    first, second = step.fit(X, y).write(), step.fit(X, shuffled).write()
    assert (first != second) == (name in BY_OUTCOME)


def test_state_survives_json_and_names_no_patient(step, data):
    step.fit(*data)
    text = json.dumps(step.write(), allow_nan=False)
    assert "case0" not in text
    restored = type(step)(**json.loads(text)["parameters"]).restore(json.loads(text))
    pd.testing.assert_frame_equal(
        restored.transform(later(data)), step.transform(later(data)), check_exact=True
    )
    assert restored.write() == step.write()
    assert not hasattr(restored, "rows_")


def test_index_is_kept_and_rows_are_remembered(step, data):
    step.fit(*data)
    assert step.rows_.equals(data[0].index)
    assert step.transform(later(data)).index.equals(later(data).index)


def test_tables_stay_as_they_were(step, data):
    X, y = data
    copy, outcome, rows = X.copy(deep=True), y.copy(), later(data)
    found = step.fit(X, y).transform(rows)
    pd.testing.assert_frame_equal(X, copy, check_exact=True)
    assert (y == outcome).all()
    found.iloc[:, 0] = 0.0
    pd.testing.assert_frame_equal(rows, later(data), check_exact=True)


def test_a_column_without_any_value_is_no_error(step, data):
    X, y = data
    found = step.fit(X.assign(**{FEATURES[2]: np.nan}), y).transform(later(data))
    assert len(found) == len(X)


def test_a_binary_endpoint_does_as_well(step, data):
    X, y = data
    assert step.fit(X, y["event"]).transform(X).shape[1] > 0


def test_columns_may_stand_in_another_order_and_none_be_missing(step, data):
    X, _ = data
    step.fit(*data)
    turned = X[X.columns[::-1]].assign(more=1.0)
    pd.testing.assert_frame_equal(step.transform(turned), step.transform(X), check_exact=True)
    with pytest.raises(TableError, match=rf"missing: {FEATURES[4]}"):
        step.transform(X.drop(columns=FEATURES[4]))


def test_an_unfitted_step_says_so(step, data):
    with pytest.raises(NotFittedError):
        step.transform(data[0])


def chain():
    kinds = (DropUninformative, Encode, Winsorise, Impute, CorrelationClusters, Scale, Univariate)
    return Steps([kind() for kind in kinds])


def test_a_chain_gives_complete_scaled_numbers():
    frame, y = cohort()
    found = chain().fit_transform(frame, y)
    assert found.notna().all(axis=None)
    np.testing.assert_allclose(found.mean(), 0, atol=1e-9)
    np.testing.assert_allclose(found.std(ddof=0), 1)


def test_a_chain_is_its_steps_one_after_the_other():
    frame, y = cohort()
    steps = chain().fit(frame, y)
    X, rows = frame, cohort(seed=1)[0]
    for step in chain().steps:
        step.fit(X, y)
        X, rows = step.transform(X), step.transform(rows)
    pd.testing.assert_frame_equal(steps.transform(cohort(seed=1)[0]), rows, check_exact=True)
    assert all(step.rows_.equals(frame.index) for step in [steps, *steps.steps])


def test_a_chain_survives_json_and_clones_unfitted():
    frame, y = cohort()
    steps = chain().fit(frame, y)
    restored = restored_steps(json.loads(json.dumps(steps.write(), allow_nan=False)))
    rows = cohort(seed=1)[0]
    pd.testing.assert_frame_equal(restored.transform(rows), steps.transform(rows), check_exact=True)
    with pytest.raises(NotFittedError):
        clone(steps).transform(rows)
    with pytest.raises(ValueError, match="cannot take the state"):
        Steps([Scale()]).restore(steps.write())


def test_a_chain_on_real_features(shared):
    table = pd.read_csv(shared / "tables" / "lung1_unscaled.csv").iloc[:116]
    y = make_endpoint(table["deadstatus.event"] == 1, table["Survival.time"])
    X = table[[*feature_columns(table), "age", "Histology"]]
    steps = chain()
    assert np.isfinite(steps.fit_transform(X, y)).all(axis=None)
    clusters = steps.steps[4]
    before = Steps(steps.steps[:4]).transform(X)
    assert sum(len(members) for members in clusters.clusters_.values()) == before.shape[1]
    for leader, members in clusters.clusters_.items():
        correlation = before[members].corrwith(before[leader], method="spearman").abs()
        assert (correlation >= 0.9 - 1e-9).all()
    between = before[clusters.kept_].corr("spearman").abs().to_numpy()
    assert between[np.triu_indices(len(between), 1)].max() < 0.9
