"""What every model keeps to, whatever it is."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from radpipe.errors import ModelError, RadpipeError, RunError
from radpipe.prognosis.evaluation import evaluate, predict, train
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.storage import load, save
from radpipe.prognosis.models.table import MODELS, Entry, model_class
from radpipe.prognosis.models.xgb_cox import XgbCox
from radpipe.prognosis.report.words import how_done, model_name
from radpipe.prognosis.survival import concordance_index, kaplan_meier
from radpipe.prognosis.tables import endpoint_of, feature_columns, join_clinical
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, simulate

FACTS = {
    "endpoint": {"time": "os_days", "event": "death"},
    "training": {"patients": 80, "events": 50, "follow_up_median": 400.0},
    "horizons": [100.0, 200.0],
    "source": {"provenance": None},
    "versions": {"radpipe": "0"},
}


def data(seed=0, patients=80):
    features, clinical = simulate(patients, seed=seed)
    frame = join_clinical(features, clinical)
    return frame[feature_columns(frame)], endpoint_of(frame, "os_days", "death")


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def fitted(name):
    return model_class(name)().fit(*data())


def test_risk_is_one_finite_number_a_patient(fitted):
    X, _ = data(seed=1)
    risk = fitted.predict(X)
    assert risk.shape == (len(X),)
    assert risk.dtype == np.float64
    assert np.isfinite(risk).all()


def test_clone_has_the_parameters_and_nothing_fitted(fitted):
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        twin.predict(data()[0])


def test_fit_keeps_the_parameters_it_was_given(name):
    model = model_class(name)()
    before = model.get_params()
    assert model.fit(*data()).get_params() == before


def test_columns_are_remembered(fitted):
    X, _ = data()
    assert fitted.feature_names_in_.tolist() == X.columns.tolist()
    assert fitted.n_features_in_ == X.shape[1]


@pytest.mark.parametrize("change", [lambda X: X[X.columns[::-1]], lambda X: X.drop(columns=VOLUME)])
def test_other_columns_are_refused(fitted, change):
    with pytest.raises(ModelError, match="the columns are not those"):
        fitted.predict(change(data()[0]))


def test_the_order_of_patients_to_score_does_not_matter(fitted):
    X, _ = data(seed=2)
    np.testing.assert_array_equal(fitted.predict(X[::-1])[::-1], fitted.predict(X))


def test_fitting_twice_gives_the_same_bits(name):
    first, second = (model_class(name)().fit(*data()).predict(data()[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_saved_model_scores_the_same_to_the_last_bit(fitted, tmp_path):
    save(fitted, tmp_path / "model", FACTS)
    saved = load(tmp_path / "model")
    X, _ = data(seed=3)
    np.testing.assert_array_equal(saved.model.predict(X), fitted.predict(X))
    assert saved.model.get_params() == fitted.get_params()
    assert saved.facts["endpoint"] == FACTS["endpoint"]


def test_saving_twice_writes_the_same_bytes_and_no_pickle(fitted, tmp_path):
    for folder in ("a", "b"):
        save(fitted, tmp_path / folder, FACTS)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert set(names) <= {"model.json", "model.ubj", "MODEL_CARD.md"}
    for file in names:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_saving_overwrites_nothing(fitted, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(RunError, match="not empty"):
        save(fitted, tmp_path, FACTS)


def test_an_unknown_schema_is_refused(fitted, tmp_path):
    save(fitted, tmp_path / "model", FACTS)
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    with pytest.raises(ModelError, match="schema 99"):
        load(tmp_path / "model")


def test_no_columns_are_refused(name):
    X, y = data()
    with pytest.raises(RadpipeError):
        model_class(name)().fit(X[[]], y)


class Texture(Model):
    """The least that a model can be: no parameter, one column, nothing beside the grammar."""

    def fit(self, X, y):
        self.learn_columns(X.columns)
        return self

    def predict(self, X):
        self._check_columns(X)
        return X[TEXTURE].to_numpy(np.float64)

    def write(self, folder):
        return {"files": []}

    def restore(self, folder, state):
        return self


def test_one_file_and_one_line_make_a_model(tmp_path, monkeypatch):
    home = f"{Texture.__module__}.{Texture.__qualname__}"
    monkeypatch.setitem(MODELS, "texture", Entry(home, "Texture alone"))
    features, clinical = simulate(60)
    call = {"time": "os_days", "event": "death", "model": "texture"}
    result = evaluate(features, clinical, **call, repeats=1, folds=3)
    rows = result.predictions.query("model == 'texture'")
    assert rows["risk_score"].tolist() == features.loc[rows["case_id"], TEXTURE].tolist()
    assert "inner folds" not in how_done(result.metrics)
    assert model_name("texture") == "Texture alone"
    saved = train(features, clinical, **call, out=tmp_path / "model")
    assert predict(saved.path, features)["risk_score"].tolist() == features[TEXTURE].tolist()


def test_a_model_outside_the_table_is_not_saved(tmp_path):
    with pytest.raises(ModelError, match=r"Texture.*remedy: add it to MODELS"):
        save(Texture().fit(*data()), tmp_path / "model", FACTS)


def test_without_scikit_learn_the_remedy_is_told():
    code = "import sys; sys.modules['sklearn'] = None; from radpipe import evaluate"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ModelError: models need packages" in run.stderr
    assert "pip install '.[models]' in the checkout" in run.stderr


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no model\.json"):
        load(tmp_path)
    with pytest.raises(ModelError, match="no such directory"):
        load(tmp_path / "absent")
    (tmp_path / "model.json").write_text("[1")
    with pytest.raises(ModelError, match="not a model's description"):
        load(tmp_path)


@pytest.mark.parametrize("harm", [lambda p: p.write_bytes(p.read_bytes()[:-1] + b"x"), "unlink"])
def test_changed_or_missing_trees_are_refused(tmp_path, harm):
    save(XgbCox().fit(*data()), tmp_path / "model", FACTS)
    trees = tmp_path / "model" / "model.ubj"
    trees.unlink() if harm == "unlink" else harm(trees)
    with pytest.raises(ModelError, match="missing or was changed"):
        load(tmp_path / "model")


def test_xgb_cox_finds_the_hazard_in_new_patients():
    model = XgbCox().fit(*data(patients=150))
    X, y = data(seed=9, patients=300)
    oracle = concordance_index(y, X[TEXTURE])
    assert oracle - 0.05 < concordance_index(y, model.predict(X)) <= oracle + 0.01


def test_xgb_cox_mean_survival_follows_kaplan_meier():
    X, y = data(patients=300)
    model = XgbCox().fit(X, y)
    times, observed = kaplan_meier(y)
    at = np.quantile(y["time"], [0.2, 0.4, 0.6])
    expected = observed[np.searchsorted(times, at, side="right") - 1]
    np.testing.assert_allclose(model.predict_survival(X, at).mean(axis=0), expected, atol=0.05)


def test_xgb_cox_survival_falls_with_time_and_with_risk():
    X, y = data()
    model = XgbCox().fit(X, y)
    curves = model.predict_survival(X, [50, 100, 300])
    assert (np.diff(curves, axis=1) <= 0).all()
    assert (np.diff(curves[np.argsort(model.predict(X))], axis=0) <= 1e-12).all()


def test_xgb_cox_contributions_add_up_to_the_risk():
    X, y = data()
    model = XgbCox().fit(X, y)
    rest = model.predict(X) - model.contributions(X).sum(axis=1)
    np.testing.assert_allclose(rest, rest.iloc[0], atol=1e-4)
    assert model.contributions(X).abs().mean().idxmax() == TEXTURE


def test_xgb_cox_takes_holes_text_and_constants():
    X, y = data()
    X = X.assign(constant=1.0, empty=np.nan, flag=X[VOLUME] > 1, stage=["I", "II"] * 40)
    X.iloc[::7, 1] = np.nan
    X.loc[X.index[3], "stage"] = None
    model = XgbCox().fit(X, y)
    assert model.categories_ == {"stage": ["I", "II"]}
    assert np.isfinite(model.predict(X.assign(stage="IV"))).all()


def test_xgb_cox_uses_a_named_category():
    X, y = data(patients=120)
    stage = pd.Series(np.where(X[TEXTURE] > 0, "IV", "I"), index=X.index, name="stage")
    model = XgbCox().fit(stage.to_frame(), y)
    risk = model.predict(stage.to_frame())
    assert risk[stage == "IV"].min() > risk[stage == "I"].max()


def test_xgb_cox_refuses_infinity_by_column_and_row():
    X, y = data()
    X.iloc[4, 1] = np.inf
    with pytest.raises(RadpipeError, match=f"{TEXTURE}: infinity in the table; found: rows 004"):
        XgbCox().fit(X, y)


@pytest.mark.parametrize("events", [0, 1])
def test_xgb_cox_needs_two_events(events):
    X, y = data()
    y["event"] = np.arange(len(y)) < events
    with pytest.raises(ModelError, match="too few events"):
        XgbCox().fit(X, y)


def test_xgb_cox_fits_with_two_events_and_with_no_one_censored():
    X, y = data(patients=20)
    y["event"] = np.arange(20) < 2
    assert np.isfinite(XgbCox().fit(X, y).predict(X)).all()
    y["event"] = True
    assert np.isfinite(XgbCox().fit(X, y).predict(X)).all()
