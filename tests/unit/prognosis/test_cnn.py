"""An encoder that is fitted on the cohort: anew in each fold, on patches alone."""

import hashlib
import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")

from radpipe.errors import LeakError, ModelError
from radpipe.networks.methods import METHODS
from radpipe.networks.saved import load_encoder
from radpipe.networks.training import Training
from radpipe.prognosis.evaluation import ModelOptions, evaluate, predict, train
from radpipe.prognosis.evaluation.leaks import require_fitted_on
from radpipe.prognosis.evaluation.models import prepare, source_facts
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.tables.steps import Embed
from radpipe.prognosis.tables.steps import embed as fitting
from tests.unit.prognosis.cohorts import simulate
from tests.unit.prognosis.embedded import vectors, write_run

ENCODER = "radpipe-small"
TRAINING = {"method": "autoencoder", "epochs": 1, "batch": 16, "patience": 0}
ASKED = {"event": "death", "time": "os_days"}
ROLES = Roles(event="death", time="os_days")


@pytest.fixture(scope="module")
def clinical():
    return simulate(40, seed=4)[1]


def patches_of(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 32, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run whose encoder was fitted on its own cases."""
    ids = [f"{number:03d}" for number in range(40)]
    fitted = vectors(ids, encoder=ENCODER)
    folder = tmp_path_factory.mktemp("embedded") / "run"
    return write_run(folder, fitted, ENCODER, TRAINING, patches_of(40))


@pytest.fixture
def fits(monkeypatch):
    """Count the encoders that are fitted, and on how many patients."""
    counted = []
    fit = fitting._fitted

    def counting(encoder, training, inputs, outcome):
        counted.append((len(inputs), outcome is not None))
        return fit(encoder, training, inputs, outcome)

    monkeypatch.setattr(fitting, "_fitted", counting)
    monkeypatch.setattr(fitting, "_FITTED", type(fitting._FITTED)())
    return counted


def fitted_model(run, clinical, **options):
    study = make_study(run, clinical, ROLES)
    model, X = prepare(study, "cnn", ModelOptions(inner_folds=2, **options), 0)
    return model.fit(X, study.endpoint), X


def test_an_encoder_of_images_alone_is_fitted_once_to_training_patients(run, clinical, fits):
    fitted_model(run, clinical)
    assert fits == [(40, False)]


def test_one_that_learns_outcomes_is_fitted_in_each_inner_fold_too(run, clinical, fits):
    fitted_model(run, clinical, method="cox", epochs=1)
    assert sorted(fits) == [(20, True), (20, True), (40, True)]


def test_one_that_learns_outcomes_has_fewer_inner_folds_in_the_fusion_as_well(run, clinical, fits):
    study = make_study(run, clinical, ROLES)
    model, X = prepare(study, "fusion", ModelOptions(method="cox", epochs=1), 0)
    model.fit(X, study.endpoint)
    assert len(fits) == 4
    branches = model.branches_.values()
    assert {branch.fold_.max() for branch in branches} == {2}


def test_the_harness_sees_whom_the_encoder_was_fitted_on(run, clinical):
    model, X = fitted_model(run, clinical)
    require_fitted_on(model, X.index, pd.Index(["x"]))
    with pytest.raises(LeakError, match="Embed"):
        require_fitted_on(model.steps_.steps[0], X.index[1:], X.index[:1])


def test_evaluation_fits_it_in_every_fold_and_names_no_file(run, clinical, fits):
    result = evaluate(run, clinical, models=["cnn"], repeats=1, permutations=0, **ASKED)
    assert [count for count, _ in fits] == [32] * 5
    told = json.dumps(result.metrics)
    assert ".npz" not in told
    carried_out = json.loads(json.dumps(asdict(Training(**TRAINING, seed=0).resolved())))
    told = json.loads(json.dumps(result.metrics["source"]["embeddings"]["training"]))
    assert told == carried_out
    assert {*result.predictions["model"]} == {"volume", "cnn"}
    # The encoder's 128 dimensions, and the components that they become.
    counted = result.metrics["controls"]["events_per_variable"]
    assert counted["candidates"] == 128 + len(make_study(run, clinical, ROLES).predictors)
    assert counted["used"] == 10
    assert "torch" in result.metrics["versions"]


def test_metrics_tell_the_training_that_is_carried_out(run, clinical):
    options = ModelOptions(method="vicreg", epochs=3)
    told = source_facts(make_study(run, clinical, ROLES), options, 5)["embeddings"]["training"]
    assert (told["method"], told["epochs"], told["seed"]) == ("vicreg", 3, 5)
    assert [*told["augmentations"]] == [*METHODS["vicreg"].augmentations]
    told = source_facts(make_study(run, clinical, ROLES), ModelOptions(method="vicreg"), 5)
    assert told["embeddings"]["training"]["epochs"] == METHODS["vicreg"].epochs


def test_the_fusion_takes_the_same_encoder(run, clinical, fits):
    evaluate(run, clinical, models=["cnn", "fusion"], repeats=1, permutations=0, **ASKED)
    assert len(fits) == 5


def test_a_saved_model_brings_its_encoder_along(run, clinical, tmp_path):
    saved = train(run, clinical, model="cnn", out=tmp_path / "model", **ASKED)
    told = (tmp_path / "model" / "model.json").read_text()
    assert ".npz" not in told
    assert (tmp_path / "model" / "encoder" / "model.safetensors").is_file()
    study = make_study(run, clinical, ROLES)
    fresh, _X = fitted_model(run, clinical)
    assert isinstance(fresh.steps_.steps[0], Embed)
    scores = predict(saved, run)
    assert scores["distance_percentile"].between(0, 100).all()
    assert scores["unlike_training"].notna().all()
    np.testing.assert_array_equal(
        saved.model.predict(study.frame[["patch_file"]]), scores["risk_score"]
    )
    again = train(run, clinical, model="cnn", out=tmp_path / "again", **ASKED)
    np.testing.assert_array_equal(predict(again, run)["risk_score"], scores["risk_score"])


def test_the_encoder_of_a_model_knows_its_training_patches_and_its_patches_grid(clinical, tmp_path):
    ids = [f"{number:03d}" for number in range(40)]
    fitted = vectors(ids, encoder=ENCODER)
    run = write_run(tmp_path / "run", fitted, ENCODER, TRAINING, patches_of(40), spacing=[3, 1, 2])
    train(run, clinical, model="cnn", out=tmp_path / "model", **ASKED)
    spec, _, facts = load_encoder(tmp_path / "model" / "encoder")
    # By these `radpipe embed --weights MODEL/encoder` marks the table of the same cases.
    assert sorted(facts["facts"]["rows"]) == sorted(f"key{place}" for place in range(40))
    assert sorted(facts["facts"]["images"]) == [f"image of {each}" for each in ids]
    shown = [hashlib.sha256(patch.tobytes()).hexdigest() for patch in patches_of(40)]
    assert facts["facts"]["patches"] == sorted(shown)
    assert spec.patch.spacing_mm == (3, 1, 2)


def test_a_model_asks_a_new_cohort_for_its_own_kind_of_patches(run, clinical, tmp_path):
    train(run, clinical, model="cnn", out=tmp_path / "model", **ASKED)
    ids = ["A", "B", "C"]
    bare = write_run(tmp_path / "bare", vectors(ids))
    with pytest.raises(ModelError, match="embed the cohort with the model's encoder") as caught:
        predict(tmp_path / "model", bare)
    assert f"--weights {tmp_path / 'model' / 'encoder'})" in caught.value.remedy
    new = write_run(
        tmp_path / "new", vectors(ids, encoder=ENCODER), ENCODER, None, patches_of(3, seed=1)
    )
    assert np.isfinite(predict(tmp_path / "model", new)["risk_score"]).all()
