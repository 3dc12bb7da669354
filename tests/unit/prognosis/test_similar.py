"""Similar cases: nearest by angle, never the patient himself, and how near is near."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors

from radpipe.errors import ModelError
from radpipe.prognosis.evaluation import evaluate, predict, train
from radpipe.prognosis.evaluation.similar import nearest
from tests.unit.prognosis.cohorts import TEXTURE, simulate
from tests.unit.prognosis.embedded import vectors, write_features, write_run


@pytest.fixture
def points():
    random = np.random.default_rng(5)
    return random.normal(size=(40, 6)), random.normal(size=(9, 6))


def test_neighbours_are_those_of_scikit_learn(points):
    training, new = points
    found = nearest(training, new, 4)
    told = NearestNeighbors(n_neighbors=4, metric="cosine", algorithm="brute").fit(training)
    distances, places = told.kneighbors(new)
    np.testing.assert_array_equal(found.places, places)
    np.testing.assert_allclose(found.cosines, 1 - distances, atol=1e-12)


def test_percentile_counts_training_patients_with_a_nearer_one(points):
    training, new = points
    found = nearest(training, new)
    told = NearestNeighbors(n_neighbors=2, metric="cosine", algorithm="brute").fit(training)
    usual = told.kneighbors(training)[0][:, 1]
    mine = told.kneighbors(new, n_neighbors=1)[0]
    wanted = 100 * (usual < mine - 1e-12).mean(axis=1)
    np.testing.assert_allclose(found.percentile, wanted)


def test_nobody_is_like_himself(points):
    training, _ = points
    own = np.eye(len(training), dtype=bool)
    found = nearest(training, training, own=own)
    assert not (found.places == np.arange(len(training))[:, np.newaxis]).any()


def test_an_evaluation_tells_them_of_each_patient_once(tmp_path):
    features, clinical = simulate(60, seed=2)
    ids = [*features["patient_id"]]
    write_features(tmp_path / "run", ids, **features.drop(columns="patient_id").to_dict("list"))
    run = write_run(tmp_path / "run", vectors(ids, told=features[TEXTURE]))
    result = evaluate(
        run, clinical, event="death", time="os_days", models=["cnn"], repeats=2, permutations=0
    )
    result.save(tmp_path / "eval")
    similar = type(result).load(tmp_path / "eval").similar
    assert similar.groupby("case_id").size().eq(5).all()
    assert {*similar["case_id"]} == {*ids}
    tested = result.predictions.query("repeat == 0 and model == 'cnn'").set_index("case_id")["fold"]
    folds = pd.Series(similar["similar"]).map(tested)
    # Nobody of the same test fold: his fold's encoder and scale knew the others alone.
    assert (folds.to_numpy() != similar["fold"].to_numpy()).all()


def test_predict_tells_what_became_of_similar_training_patients(tmp_path, caplog):
    features, clinical = simulate(60, seed=2)
    ids = [*features["patient_id"]]
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    write_features(tmp_path / "run", ids, **features.drop(columns="patient_id").to_dict("list"))
    known = vectors(ids, told=features[TEXTURE])
    run = write_run(tmp_path / "run", known)
    asked = {"event": "death", "time": "os_days"}
    train(run, tmp_path / "clinical.csv", out=tmp_path / "model", **asked)
    new = write_run(tmp_path / "new", known.iloc[[3, 8]].set_axis(["A", "003"]))
    write_features(new, ["A", "003"], **features.iloc[[3, 8], 1:].to_dict("list"))
    scores = predict(tmp_path / "model", new, similar=run).set_index("patient_id")
    # A has the embedding of patient 003; 003 himself is never told to be like 003.
    assert scores.loc["A", "similar_1"] == "003"
    assert scores.loc["A", "similar_1_cosine"] == pytest.approx(1)
    assert scores.loc["003", "similar_1"] == "008"
    told = clinical.set_index("patient_id").loc["003"]
    assert scores.loc["A", "similar_1_time"] == told["os_days"]
    assert scores.loc["A", "similar_1_event"] == bool(told["death"])
    assert scores.loc["A", "similar_percentile"] == 0
    assert "not those that the model learnt from" not in caplog.text

    fewer = write_run(tmp_path / "fewer", known[1:])
    write_features(fewer, ids[1:], **features.iloc[1:, 1:].to_dict("list"))
    with pytest.raises(ModelError, match="found: 59 of the 60 training patients; "):
        predict(tmp_path / "model", new, similar=fewer)
    more = write_run(tmp_path / "more", pd.concat([known, known[:1].set_axis(["Z"])]))
    both = pd.concat([features, features[:1]])
    write_features(more, [*ids, "Z"], **both.drop(columns="patient_id").to_dict("list"))
    others = pd.concat([clinical, clinical[:1].assign(patient_id="Z")])
    with pytest.raises(ModelError, match="60 of the 60 training patients, beside 1 other;"):
        predict(tmp_path / "model", new, similar=more, similar_clinical=others)

    caplog.clear()
    other = clinical.assign(os_days=clinical["os_days"].to_numpy()[::-1])
    predict(tmp_path / "model", new, similar=run, similar_clinical=other)
    assert "outcomes are not those that the model learnt from" in caplog.text

    (tmp_path / "clinical.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(ModelError, match=r"no file .*clinical.csv.*--similar-clinical"):
        predict(tmp_path / "model", new, similar=run)
    (tmp_path / "moved.csv").rename(tmp_path / "clinical.csv")

    train(run, tmp_path / "clinical.csv", out=tmp_path / "cox", model="cox", **asked)
    with pytest.raises(ModelError, match="no embedding in this model"):
        predict(tmp_path / "cox", new, similar=run)
