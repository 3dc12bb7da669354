"""Embeddings beside features: who has one, whose masks, and what was fitted on whom."""

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import ModelError, SettingsError, TableError
from radpipe.prognosis.evaluation import ModelOptions, evaluate, predict, train
from radpipe.prognosis.evaluation.models import columns_of, prepare
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.tables import load_features
from radpipe.store import MASK_VOLUME, read_table, write_table
from tests.unit.prognosis.cohorts import TEXTURE, simulate
from tests.unit.prognosis.embedded import ENCODER, keys, vectors, write_features, write_run

ROLES = Roles(event="death", time="os_days")
TRAINING = {"method": "autoencoder", "epochs": 1}


@pytest.fixture(scope="module")
def told():
    """Return features and outcomes of one cohort."""
    return simulate(90, seed=3)


@pytest.fixture
def run(tmp_path, told):
    """Return a run with features and embeddings, both of which tell the hazard."""
    features, _ = told
    ids = [*features["patient_id"]]
    write_features(tmp_path / "run", ids, **features.drop(columns="patient_id").to_dict("list"))
    return write_run(tmp_path / "run", vectors(ids, told=features[TEXTURE]))


def test_a_run_brings_its_embeddings_along(run, told):
    study = make_study(run, told[1], ROLES)
    names = [f"{ENCODER}_{place:04}" for place in range(12)]
    assert study.embeddings == names
    assert not {*names} & {*study.features}
    columns = columns_of(study, ModelOptions())
    assert (columns.encoder, columns.training) == (ENCODER, None)
    wanted = read_table(run / "embeddings.parquet")[0].set_index("case_id")[names]
    pd.testing.assert_frame_equal(
        study.frame[names], wanted.loc[study.frame.index], check_names=False
    )


def test_embeddings_need_no_features(run, told):
    (run / "features.parquet").unlink()
    (run / "run.json").unlink()
    for table in (run, run / "embeddings.parquet"):
        study = make_study(table, told[1], ROLES)
        assert (study.features, len(study.embeddings)) == ([], 12)
        assert study.volume == MASK_VOLUME


def test_columns_that_tell_of_no_encoder_are_left_out_with_a_word(run, told, caplog):
    bare = pd.read_parquet(run / "embeddings.parquet")
    bare.attrs = {}
    assert make_study(run, told[1], ROLES).embeddings
    assert "columns of an encoder" not in caplog.text
    study = make_study(bare, told[1], ROLES)
    assert study.features == study.embeddings == []
    assert "columns of an encoder are left out" in caplog.text
    assert f"{ENCODER}_0000" in caplog.text


def test_columns_of_a_trained_encoder_must_tell_whose_images_it_learnt_from(tmp_path, told):
    features, outcomes = told
    ids = [*features["patient_id"]]
    run = write_run(tmp_path / "run", vectors(ids, encoder="radpipe-small"), "radpipe-small")
    bare = pd.read_parquet(run / "embeddings.parquet")
    bare.attrs = {}
    bare.to_csv(tmp_path / "bare.csv", index=False)
    named = {"event": "death", "time": "os_days", "features": "radpipe-small_*"}
    problem = r"do not tell whose images.*radpipe-small_0000.*embed"
    for table in (bare, tmp_path / "bare.csv"):
        with pytest.raises(TableError, match=problem):
            make_study(table, outcomes, Roles(**named))
        assert len(make_study(table, outcomes, Roles(**named, force=True)).features) == 12
    # This one tells: of other patients' images.
    assert len(make_study(run, outcomes, ROLES).embeddings) == 12
    # Nor does another embedding, or the very same one, vouch for columns of a clinical table.
    columns = [name for name in bare if name.startswith("radpipe-small_")]
    beside = outcomes.merge(bare[["patient_id", *columns]], on="patient_id")
    images = np.zeros((len(ids), 4, 4, 4), np.float32)
    fitted = vectors(ids, encoder="radpipe-small")
    for other in (
        write_run(tmp_path / "fmcib", vectors(ids)),
        write_run(tmp_path / "fitted", fitted, "radpipe-small", TRAINING, images),
    ):
        roles = Roles("death", "os_days", clinical_columns=columns)
        with pytest.raises(TableError, match=problem):
            make_study(other, beside, roles)
    known = load_features(tmp_path / "fitted")
    known[columns] = bare.set_index("case_id").loc[known.index, columns]
    with pytest.raises(TableError, match=problem):
        make_study(known, outcomes, Roles(**named))
    with pytest.raises(TableError, match=r"do not tell whose images"):
        make_study(bare, outcomes, Roles("death", "os_days", volume="radpipe-small_0003"))


@pytest.mark.parametrize(
    "renamed",
    ["radpipe.small_0000", "radpipe_small_0000", "radpipe-small_0000_x", "T1_radpipe-small_0000",
     "RADPIPE-SMALL_0000"],
)  # fmt: skip
def test_columns_of_a_trained_encoder_are_known_by_other_names(told, renamed):
    features, outcomes = told
    table = features.assign(**{renamed: np.arange(float(len(features)))})
    with pytest.raises(TableError, match="do not tell whose images"):
        make_study(table, outcomes, Roles("death", "os_days", features=renamed))
    clinical = outcomes.assign(**{renamed: np.arange(float(len(outcomes)))})
    with pytest.raises(TableError, match="do not tell whose images"):
        make_study(features, clinical, Roles("death", "os_days", clinical_columns=[renamed]))


def test_pandas_gets_them_too(run):
    frame = load_features(run)
    assert [name for name in frame.columns if name.startswith(ENCODER)] == [
        f"{ENCODER}_{place:04}" for place in range(12)
    ]
    assert make_study(frame.assign(death=0, os_days=1.0).pipe(_with_events), None, ROLES).embeddings


def _with_events(frame):
    frame.iloc[::2, frame.columns.get_loc("death")] = 1
    return frame


def test_other_masks_are_refused(run, told):
    path = run / "embeddings.parquet"
    table, provenance = read_table(path)
    table.loc[4, MASK_VOLUME] += 1
    write_table(path, table, provenance)
    with pytest.raises(TableError, match=r"different masks.*004"):
        make_study(run, told[1], ROLES)


def test_who_has_no_embedding_is_refused_or_left_out(run, told):
    path = run / "embeddings.parquet"
    table, provenance = read_table(path)
    write_table(path, table.drop(index=[2, 7]), provenance)
    with pytest.raises(TableError, match=r"no embedding.*002, 007"):
        make_study(run, told[1], ROLES)
    study = make_study(run, told[1], Roles(event="death", time="os_days", unmatched="drop"))
    assert study.excluded["with features and no embedding"] == ["002", "007"]
    assert len(study.frame) == 88


def test_a_table_that_tells_of_no_encoder_is_refused(run, told):
    write_table(run / "embeddings.parquet", read_table(run / "embeddings.parquet")[0])
    with pytest.raises(TableError, match="nothing that tells of an encoder"):
        make_study(run, told[1], ROLES)


def test_columns_fitted_on_the_cohort_are_no_predictors(tmp_path, told):
    ids = [*told[0]["patient_id"]]
    images = np.zeros((len(ids), 4, 4, 4), np.float32)
    fitted = vectors(ids, encoder="radpipe-small")
    run = write_run(tmp_path / "run", fitted, "radpipe-small", TRAINING, images)
    study = make_study(run, told[1], ROLES)
    assert study.embeddings == ["patch_file"]
    assert not any(name.startswith("radpipe-small") for name in study.frame)
    columns = columns_of(study, ModelOptions())
    assert (columns.encoder, columns.training) == ("radpipe-small", TRAINING)
    with pytest.raises(TableError, match="no column fits"):
        make_study(run, told[1], Roles("death", "os_days", features="radpipe-small_*"))


def test_a_patch_that_is_gone_is_named(tmp_path, told):
    ids = [*told[0]["patient_id"]]
    images = np.zeros((len(ids), 4, 4, 4), np.float32)
    fitted = vectors(ids, encoder="radpipe-small")
    run = write_run(tmp_path / "run", fitted, "radpipe-small", TRAINING, images)
    (run / "patches" / "patches" / "key7.npz").unlink()
    problem = rf"patches that the encoder is fitted on are gone; found: none of {ids[7]};.*again"
    with pytest.raises(TableError, match=problem):
        make_study(run, told[1], ROLES)


def test_features_do_without_an_embedding_that_lost_a_patch(tmp_path, told, caplog):
    ids = [*told[0]["patient_id"]]
    images = np.zeros((len(ids), 4, 4, 4), np.float32)
    fitted = vectors(ids, encoder="radpipe-small")
    run = write_run(tmp_path / "run", fitted, "radpipe-small", TRAINING, images)
    write_features(run, ids, **told[0].drop(columns="patient_id").to_dict("list"))
    (run / "patches" / "patches" / "key7.npz").unlink()
    assert make_study(run, told[1], ROLES).embeddings == []
    assert f"embeddings are left out: {run}" in caplog.text
    assert f"none of {ids[7]}" in caplog.text


def test_without_their_patches_they_are_refused(tmp_path, told):
    ids = [*told[0]["patient_id"]]
    fitted = vectors(ids, encoder="radpipe-small")
    run = write_run(tmp_path / "run", fitted, "radpipe-small", TRAINING)
    with pytest.raises(TableError, match="fitted on the very cases"):
        make_study(run, told[1], ROLES)


def test_features_do_without_the_patches_of_an_embedding(tmp_path, told, caplog):
    features, clinical = told
    ids = [*features["patient_id"]]
    run = write_features(
        tmp_path / "run", ids, **features.drop(columns="patient_id").to_dict("list")
    )
    write_run(run, vectors(ids, encoder="radpipe-small"), "radpipe-small", TRAINING)
    study = make_study(run, clinical, ROLES)
    assert TEXTURE in study.features
    assert not study.embeddings
    assert "embeddings are left out" in caplog.text


def test_evaluation_compares_the_embedding_with_all_others(run, told):
    result = evaluate(
        run,
        told[1],
        event="death",
        time="os_days",
        clinical_columns=["age"],
        models=["cox", "cnn", "fusion"],
        repeats=1,
        permutations=0,
    )
    models = result.metrics["models"]
    assert models["cnn"]["c_index"]["estimate"] > 0.65
    assert {*models["cnn"]["versus"]} == {"volume", "clinical", "clinical_volume", "cox"}
    assert {*models["fusion"]["versus"]} == {*models["cnn"]["versus"], "cnn"}
    assert "embeddings" in models["fusion"]["branches"]
    assert result.metrics["cohort"]["embeddings"] == 12
    assert result.metrics["source"]["embeddings"]["encoder"] == ENCODER


def test_options_of_an_encoder_that_nobody_fits_are_refused(run, told):
    asked = {"event": "death", "time": "os_days", "repeats": 1, "permutations": 0}
    with pytest.raises(SettingsError, match="no encoder is fitted here"):
        evaluate(run, told[1], options=ModelOptions(method="vicreg"), **asked)
    with pytest.raises(SettingsError, match="no model takes this option"):
        evaluate(run, told[1], options=ModelOptions(components=3), models=["cox"], **asked)
    with pytest.raises(SettingsError, match=r"--head.*svm"):
        evaluate(run, told[1], options=ModelOptions(head="svm"), **asked)


@pytest.mark.parametrize("head", ["linear", "xgboost"])
def test_a_saved_model_predicts_the_same_and_knows_its_encoder(run, told, tmp_path, head):
    options = ModelOptions(head=head, components=4)
    asked = {"event": "death", "time": "os_days", "model": "cnn", "options": options}
    saved = train(run, told[1], out=tmp_path / "model", **asked)
    scores = predict(tmp_path / "model", run)
    study = make_study(run, told[1], ROLES)
    fresh = saved.model.predict(study.frame[study.embeddings])
    np.testing.assert_array_equal(scores["risk_score"], fresh)
    assert scores["driver_1"].eq(ENCODER).all()

    table, provenance = read_table(run / "embeddings.parquet")
    provenance.settings["encoder"]["keys"] = "other"
    write_table(run / "embeddings.parquet", table, provenance)
    with pytest.raises(ModelError, match=r"settings\.encoder\.keys: other in the table"):
        predict(tmp_path / "model", run)


def test_an_embedding_unlike_those_of_training_is_noticed(tmp_path, told):
    random = np.random.default_rng(1)
    # Few patients, many dimensions, and few of them tell much: as published encoders are.
    axes = random.normal(size=(60, 256)) / np.sqrt(np.arange(1, 61))[:, np.newaxis]

    def drawn(name, count, moved=0.0):
        values = random.normal(size=(count, 60)) @ axes
        ids = [f"{name}{number:03d}" for number in range(count)]
        columns = [f"{ENCODER}_{place:04}" for place in range(256)]
        moved = moved * np.sqrt((axes**2).sum(axis=0))
        return write_run(tmp_path / f"run{name}", pd.DataFrame(values + moved, ids, columns))

    asked = {"event": "death", "time": "os_days", "model": "cnn", "out": tmp_path / "model"}
    train(drawn("", 90), told[1], **asked)
    same = predict(tmp_path / "model", drawn("same", 150))
    assert 25 < same["distance_percentile"].median() < 75
    assert (same["distance_percentile"] == 100).mean() < 0.05
    moved = predict(tmp_path / "model", drawn("moved", 50, moved=2.0))
    assert (moved["distance_percentile"] == 100).mean() > 0.95
    assert moved["unlike_training"].all()


def embedded_in_memory(encoder, training=None):
    """Return what radpipe.embed returns."""
    ids = [f"{number:03d}" for number in range(90)]
    frame = keys(ids).join(vectors(ids, encoder=encoder).reset_index(drop=True))
    settings = {"encoder": {}, "training": training, "fitted_on": "cohort" if training else None}
    frame = frame.set_index("case_id")
    frame.attrs["provenance"] = {"engine": encoder, "values_version": "1", "settings": settings}
    return frame


def test_a_table_in_memory_keeps_its_mark(told):
    with pytest.raises(TableError, match="fitted on the very cases"):
        make_study(embedded_in_memory("radpipe-small", TRAINING), told[1], ROLES)
    assert len(make_study(embedded_in_memory(ENCODER), told[1], ROLES).embeddings) == 12


def test_a_branch_of_the_users_keeps_its_name_or_is_refused(run, told):
    features, clinical = told
    options = ModelOptions(branches={"embeddings": TEXTURE})
    with pytest.raises(SettingsError, match=r"--branch.*embeddings"):
        columns_of(make_study(run, clinical, ROLES), options)
    bare = make_study(features, clinical, ROLES)
    model, X = prepare(bare, "fusion", options, 0)
    assert "embeddings" in model.fit(X, bare.endpoint).branches_


def test_a_model_without_embeddings_asks_for_none(run, told, tmp_path):
    asked = {"event": "death", "time": "os_days", "model": "volume"}
    train(run, told[1], out=tmp_path / "model", **asked)
    table, provenance = read_table(run / "embeddings.parquet")
    write_table(run / "embeddings.parquet", table.drop(index=[2, 7]), provenance)
    assert len(predict(tmp_path / "model", run)) == 90
