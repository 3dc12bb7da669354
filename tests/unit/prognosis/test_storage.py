import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from radpipe.errors import ModelError
from radpipe.prognosis.models.clinical import ClinicalModel
from radpipe.prognosis.models.fusion import FusionModel
from radpipe.prognosis.models.parts import Columns, Reduction
from radpipe.prognosis.models.storage import SCHEMA_VERSION, load, save
from radpipe.prognosis.models.volume import VolumeModel
from radpipe.prognosis.models.xgb_cox import XgbCox
from radpipe.prognosis.tables import endpoint_of, feature_columns, join_clinical
from radpipe.store.files import seal_of
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, simulate

FACTS = {
    "endpoint": {"kind": "survival", "time": "os_days", "event": "death"},
    "training": {"patients": 60, "events": 40, "follow_up_median": 400.0, "excluded": {}},
    "horizons": [100.0, 200.0],
    "source": {"table": "simulated", "clinical": None, "run": None, "provenance": None},
    "versions": {"radpipe": "0"},
}


def data(seed=0):
    frame = join_clinical(*simulate(60, seed=seed))
    return frame[[*feature_columns(frame), "age"]], endpoint_of(frame, "os_days", "death")


@pytest.fixture(scope="module")
def fitted():
    X, y = data()
    return XgbCox().fit(X, y)


@pytest.fixture
def folder(fitted, tmp_path):
    save(fitted, tmp_path / "model", FACTS)
    return tmp_path / "model"


def rewrite(folder, **changes):
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def seal(folder):
    path = folder / "model.json"
    content = json.loads(path.read_text())
    content.pop("seal")
    path.write_text(json.dumps({**content, "seal": seal_of(content)}))


def test_baselines_travel_with_the_model(fitted, tmp_path):
    X, y = data()
    baselines = {
        "volume": VolumeModel().fit(X[[VOLUME]], y),
        "clinical": ClinicalModel().fit(X[["age"]], y),
    }
    save(fitted, tmp_path / "m", FACTS, baselines)
    saved = load(tmp_path / "m")
    assert list(saved.models()) == ["xgb_cox", "volume", "clinical"]
    new, _ = data(seed=3)
    for name, columns in (("volume", [VOLUME]), ("clinical", ["age"])):
        expected = baselines[name].predict(new[columns])
        np.testing.assert_array_equal(saved.baselines[name].predict(new[columns]), expected)
    assert not saved.binary


def test_branches_lie_in_folders_of_their_own_and_no_folder_is_empty(fitted, tmp_path):
    X, y = data()
    model = FusionModel(Columns([VOLUME, TEXTURE], ["age"], VOLUME)).fit(X, y)
    trees = model.branches_["radiomics"] = XgbCox().fit(X[[VOLUME, TEXTURE]], y)
    # Whatever a branch is: its files go where no other branch's do.
    save(model, tmp_path / "m", FACTS, {"xgb_cox": fitted})
    files = sorted(path.relative_to(tmp_path / "m") for path in (tmp_path / "m").rglob("*.ubj"))
    assert [str(path) for path in files] == ["branch1/model.ubj", "xgb_cox/model.ubj"]
    told = json.loads((tmp_path / "m" / "model.json").read_text())["sha256"]
    assert {*told} == {"MODEL_CARD.md", *map(str, files)}
    assert all(any(path.iterdir()) for path in (tmp_path / "m").rglob("*") if path.is_dir())
    assert trees.feature_names_in_.tolist() == [VOLUME, TEXTURE]


def test_parameters_come_back_as_they_were(tmp_path):
    X, y = data()
    columns = Columns([VOLUME], ["age"], VOLUME, branches={"deep": [TEXTURE]})
    model = FusionModel(columns, Reduction(keep=5)).fit(X, y)
    save(model, tmp_path / "m", FACTS)
    assert load(tmp_path / "m").model.get_params() == model.get_params()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1", "not the model's description"),
        ("[1]", "not the model's description"),
        ('{"schema": "new", "model": "volume"}', "not the model's description"),
    ],
)
def test_what_is_no_description_is_refused(tmp_path, text, told):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match=told):
        load(tmp_path)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"found: no model\.json"):
        load(tmp_path)
    with pytest.raises(ModelError, match="found: no such directory"):
        load(tmp_path / "absent")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(ModelError, match="found: a file"):
        load(tmp_path / "model.pkl")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema": SCHEMA_VERSION + 1}, "written by a newer radpipe.*remedy: update radpipe"),
        ({"schema": 1}, "written by an older radpipe.*remedy: train it again"),
        ({"model": "transformer"}, "written by a newer radpipe.*model transformer"),
    ],
)
def test_other_versions_are_refused(folder, changes, told):
    rewrite(folder, **changes)
    # Whoever wrote it sealed it.
    seal(folder)
    with pytest.raises(ModelError, match=told):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"horizons": [100.0, 201.0]},
        {"seal": "0" * 64},
        {"columns": ["other"]},
        {"sha256": {}},
        {"note": "mine"},
    ],
)
def test_a_changed_description_is_refused(folder, changes):
    rewrite(folder, **changes)
    with pytest.raises(ModelError, match=r"model\.json: the model's description was changed"):
        load(folder)


def test_a_description_that_was_only_formatted_again_is_the_same(folder):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=True))
    assert load(folder).name == "xgb_cox"


@pytest.mark.parametrize("harm", [lambda p: p.write_bytes(p.read_bytes()[:-1] + b"x"), Path.unlink])
def test_changed_or_missing_trees_are_refused(folder, harm):
    harm(folder / "model.ubj")
    with pytest.raises(ModelError, match=r"model\.ubj: a file of the model is missing or was"):
        load(folder)


@pytest.mark.parametrize(
    "harm", [lambda p: p.write_text(p.read_text().replace("| 60 |", "| 600 |")), Path.unlink]
)
def test_a_changed_or_missing_card_is_refused(folder, harm):
    harm(folder / "MODEL_CARD.md")
    with pytest.raises(ModelError, match=r"MODEL_CARD\.md: a file of the model is missing or was"):
        load(folder)


@pytest.mark.parametrize("name", ["extra.pkl", "deep/model.joblib", "harmless.txt"])
def test_pickles_are_refused_by_name_and_by_content(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps({"weights": [1.0]}))
    with pytest.raises(ModelError, match=f"{name}: a pickle in the model's directory"):
        load(folder)


def test_a_persons_own_notes_do_no_harm(folder):
    (folder / "notes.txt").write_text("trained on Monday")
    assert load(folder).facts["horizons"] == [100.0, 200.0]
