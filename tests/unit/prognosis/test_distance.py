import json

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ledoit_wolf

from radpipe.prognosis.evaluation.distance import MOST_COLUMNS, TrainingDistance


def table(rows=60, columns=4, seed=0):
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(rows, columns)) @ random.normal(size=(columns, columns))
    return pd.DataFrame(np.exp(mixed), columns=[f"f{place}" for place in range(columns)])


def units(X, known):
    """Robust units of training, by their definition."""
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75], axis=0)
    return np.arcsinh((X - middle) / ((high - low) / 1.349))


def test_a_distance_is_mahalanobis_with_ledoit_and_wolfs_covariance():
    X, new = table(), table(5, seed=1)
    found = TrainingDistance.fit(X, X.columns).distances(new)
    known = units(X, X).to_numpy()
    inverse = np.linalg.inv(ledoit_wolf(known)[0])
    centre = known.mean(axis=0)
    expected = [mahalanobis(row, centre, inverse) for row in units(new, X).to_numpy()]
    np.testing.assert_allclose(found, expected)


def test_training_patients_are_measured_without_themselves():
    X = table(40, 3)
    known = units(X, X).to_numpy()
    shrinkage = ledoit_wolf(known)[1]
    level = np.cov(known.T, ddof=0).trace() / 3
    distances = []
    for row in range(len(known)):
        rest = np.delete(known, row, axis=0)
        covariance = (1 - shrinkage) * np.cov(rest.T, ddof=0) + shrinkage * level * np.eye(3)
        inverse = np.linalg.inv(covariance)
        distances.append(mahalanobis(known[row], rest.mean(axis=0), inverse))
    found = TrainingDistance.fit(X, X.columns)
    np.testing.assert_allclose(found.percentiles, np.percentile(distances, np.arange(101)))


def test_new_patients_of_the_same_kind_are_spread_evenly_over_the_percentiles():
    X = table(400, 4)
    found = TrainingDistance.fit(X.iloc[:200], X.columns).percentile_of(X.iloc[200:])
    # 200 draws of a uniform: the mean within three standard errors, few beyond the 95th.
    assert abs(found.mean() - 50) < 3 * 100 / np.sqrt(12 * 200)
    assert (found > 95).mean() < 0.1


def test_a_far_patient_is_at_the_end_and_a_missing_value_brings_no_distance():
    X = table()
    distance = TrainingDistance.fit(X, X.columns)
    far = X.median().to_frame().T
    assert distance.percentile_of(far)[0] < 20
    assert distance.percentile_of(far.assign(f2=1e6))[0] == 100
    assert distance.distances(far.assign(f2=np.nan)) == pytest.approx(distance.distances(far))


def test_it_takes_the_first_columns_of_numbers_that_differ():
    X = table(80, MOST_COLUMNS + 5).assign(
        text="a", constant=1.0, empty=np.nan, flag=[True, False] * 40
    )
    ranked = ["text", "constant", "empty", "flag", *X.columns[:-4], "not there"]
    found = TrainingDistance.fit(X, ranked)
    assert found.columns == ["flag", *X.columns[: MOST_COLUMNS - 3]]
    assert TrainingDistance.fit(X, ["text", "constant", "empty"]) is None


def test_columns_that_are_sums_of_others_do_no_harm():
    X = table(30, 2)
    X = X.assign(again=X["f0"], twice=2 * X["f0"])
    assert np.isfinite(TrainingDistance.fit(X, X.columns).distances(X)).all()


def test_it_survives_json_to_the_last_bit():
    X = table()
    found = TrainingDistance.fit(X, X.columns)
    again = TrainingDistance.restore(json.loads(json.dumps(found.write())))
    np.testing.assert_array_equal(again.distances(X), found.distances(X))
    np.testing.assert_array_equal(again.percentile_of(X), found.percentile_of(X))
