"""What every model keeps to, whatever it is, for survival and for a binary endpoint."""

import json
import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from radpipe.errors import ModelError, RadpipeError, RunError
from radpipe.prognosis.evaluation import evaluate, predict, train
from radpipe.prognosis.models.base import Columns
from radpipe.prognosis.models.calibration import LEAST_SLOPE
from radpipe.prognosis.models.learner import LearnerModel
from radpipe.prognosis.models.linear import LinearModel
from radpipe.prognosis.models.storage import load, save
from radpipe.prognosis.models.table import MODELS, Entry, model_class
from radpipe.prognosis.report.evidence import model_title
from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.tables.steps import Impute, Steps
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, simulate

FEATURES = [VOLUME, TEXTURE, "original_glrlm_Noise0", "original_glrlm_Noise1", "deep_0", "deep_1"]
CLINICAL = ["age", "stage"]
EMBEDDED = [f"fmcib_{place:04}" for place in range(12)]
COLUMNS = Columns(
    FEATURES, CLINICAL, VOLUME, None, {"deep": ["deep_0", "deep_1"]}, EMBEDDED, "fmcib"
)
KINDS = [
    (name, kind)
    for name in MODELS
    for kind in ("survival", "binary")
    if kind in model_class(name).endpoints
]
LEARNERS = [(name, kind) for name, kind in KINDS if issubclass(model_class(name), LearnerModel)]
BATCHED = [(name, kind) for name, kind in KINDS if "reduction" in model_class(name)().get_params()]
# Nothing in them is random but the inner folds, which calibrate.
LINEAR = ("volume", "clinical", "clinical_volume")
FACTS = {
    "endpoint": {"kind": "survival", "time": "os_days", "event": "death"},
    "training": {"patients": 80, "events": 50, "follow_up_median": 400.0, "excluded": {}},
    "horizons": [100.0, 200.0],
    "source": {"table": "simulated", "clinical": None, "run": None, "provenance": None},
    "versions": {"radpipe": "0"},
}


def told_as(names):
    """Dimensions of an embedding say nothing each by itself: they are told together."""
    return {"fmcib" if name in EMBEDDED else name for name in names}


def cohort(seed=0, patients=80):
    """Numbers with holes, categories with holes, and a hazard that one column tells."""
    features, clinical = simulate(patients, noise=2, seed=seed)
    random = np.random.default_rng(100 + seed)
    clinical = clinical.set_index("patient_id").loc[features.index]
    frame = features.drop(columns="patient_id").assign(
        deep_0=random.normal(size=patients), deep_1=random.normal(size=patients)
    )
    told = np.log(frame[VOLUME].to_numpy())[:, np.newaxis] * random.normal(size=12)
    frame[EMBEDDED] = told + random.normal(size=(patients, 12))
    frame["age"] = clinical["age"].astype(float)
    frame["stage"] = random.choice(["I", "II", "III"], patients)
    for place, name in enumerate([VOLUME, "original_glrlm_Noise0", "age", "stage"]):
        frame.loc[frame.index[place::17], name] = None
    y = make_endpoint(clinical["death"] == 1, clinical["os_days"])
    return frame, y


def target(kind, y):
    return y if kind == "survival" else y["time"] < np.median(y["time"])


def make(name, **parameters):
    """Return a model, not fitted, and its columns."""
    model = model_class(name)(**parameters)
    return model, model.take(COLUMNS)


def data(name, kind, seed=0, patients=80):
    frame, y = cohort(seed, patients)
    return frame[make(name)[1]], target(kind, y)


@cache
def fitted_once(name, kind):
    return make(name)[0].fit(*data(name, kind))


@pytest.fixture(params=KINDS, ids="-".join)
def case(request):
    return request.param


@pytest.fixture
def fitted(case):
    return fitted_once(*case)


@pytest.fixture
def new(case):
    return data(*case, seed=1)[0]


def risk_and_more(model, X, kind):
    """Return all that a model says of patients."""
    told = (
        model.predict_survival(X, [50.0, 150.0, 400.0])
        if kind == "survival"
        else model.predict_probability(X)[:, np.newaxis]
    )
    return np.column_stack([model.predict(X), told, model.contributions(X)])


def test_risk_is_one_finite_number_a_patient(fitted, new):
    risk = fitted.predict(new)
    assert risk.shape == (len(new),)
    assert risk.dtype == np.float64
    assert np.isfinite(risk).all()
    assert np.ptp(risk) > 0


def test_clone_has_the_parameters_and_nothing_fitted(case, fitted, new):
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        twin.predict(new)
    again = twin.fit(*data(*case))
    np.testing.assert_array_equal(again.predict(new), fitted.predict(new))


def test_fit_keeps_the_parameters_it_was_given(case, fitted):
    assert fitted.get_params() == make(case[0])[0].get_params()


def test_columns_and_rows_are_remembered(case, fitted):
    X, _ = data(*case)
    assert fitted.feature_names_in_.tolist() == X.columns.tolist()
    assert fitted.n_features_in_ == X.shape[1]
    assert fitted.rows_.equals(X.index)


def test_the_training_table_stays_as_it_was(case):
    X, y = data(*case)
    copy, outcome = X.copy(deep=True), y.copy()
    make(case[0])[0].fit(X, y)
    pd.testing.assert_frame_equal(X, copy, check_exact=True)
    assert (y == outcome).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.assign(more=1.0),
        lambda X: X[[*X.columns[::-1], *([X.columns[0]] if X.shape[1] == 1 else [])]],
        lambda X: X.iloc[:, 1:],
    ],
)
@pytest.mark.parametrize("ask", ["predict", "contributions", "standardised"])
def test_other_columns_are_refused(fitted, new, change, ask):
    with pytest.raises(ModelError, match="the columns are not those"):
        getattr(fitted, ask)(change(new))


def test_patients_are_scored_each_by_itself(case, fitted, new):
    together = risk_and_more(fitted, new, case[1])
    turned = risk_and_more(fitted, new[::-1], case[1])[::-1]
    np.testing.assert_allclose(turned, together, rtol=1e-12, atol=1e-12)
    for place in (0, 17, 79):
        alone = risk_and_more(fitted, new.iloc[[place]], case[1])
        np.testing.assert_allclose(alone[0], together[place], rtol=1e-6, atol=1e-6)


def test_holes_and_unknown_categories_are_scored(case, fitted, new):
    rows = new.iloc[:3].copy()
    for name in rows:
        rows[name] = "IV" if name == "stage" else np.nan
    assert np.isfinite(risk_and_more(fitted, rows, case[1])).all()


def test_twenty_events_are_enough(case):
    name, kind = case
    X, y = data(name, "survival", patients=60)
    few = np.zeros(60, dtype=bool)
    few[np.flatnonzero(y["event"])[:20]] = True
    y = make_endpoint(few, y["time"]) if kind == "survival" else few
    model = make(name)[0].fit(X, y)
    assert np.isfinite(risk_and_more(model, X, kind)).all()


@pytest.mark.parametrize("events", [1, 2])
def test_two_events_are_the_fewest(case, events):
    name, kind = case
    X, y = data(name, "survival", patients=30)
    few = np.isin(np.arange(30), [4, 21][:events])
    model, y = make(name)[0], make_endpoint(few, y["time"]) if kind == "survival" else few
    if events == 2 and (name, kind) == ("xgb_classifier", "survival"):
        # Half of the events lie before its horizon.
        with pytest.raises(ModelError, match="a horizon that teaches nothing"):
            model.fit(X, y)
    elif events == 2:
        assert np.isfinite(model.fit(X, y).predict(X)).all()
    else:
        with pytest.raises(ModelError, match="too few events"):
            model.fit(X, y)


def test_everybody_has_the_event(case):
    name, kind = case
    X, y = data(name, "survival", patients=30)
    y["event"] = True
    if kind == "survival":
        assert np.isfinite(make(name)[0].fit(X, y).predict(X)).all()
    else:
        with pytest.raises(ModelError, match="too few events"):
            make(name)[0].fit(X, y["event"])


def test_no_columns_are_refused(case):
    X, y = data(*case)
    with pytest.raises(RadpipeError, match="no column"):
        make(case[0])[0].fit(X[[]], y)


def test_columns_that_say_nothing_are_survived(case):
    X, y = data(*case)
    X = X.assign(**dict.fromkeys(X.columns.drop("stage", errors="ignore"), 3.0))
    X = X.assign(**({"stage": "I"} if "stage" in X else {}))
    model = make(case[0])[0].fit(X, y)
    risk = model.predict(X)
    assert np.isfinite(risk).all()
    assert np.ptp(risk) < 1e-9


def test_an_endpoint_that_cannot_be_learnt_is_refused():
    for name in MODELS:
        for kind in {"survival", "binary"} - {*model_class(name).endpoints}:
            with pytest.raises(ModelError, match=f"cannot learn a {kind} endpoint"):
                make(name)[0].fit(*data(name, kind))


def test_probabilities(case, fitted, new):
    if case[1] == "binary":
        probability = fitted.predict_probability(new)
        assert ((probability > 0) & (probability < 1)).all()
        log_odds = np.log(probability / (1 - probability))
        np.testing.assert_allclose(log_odds, fitted.predict(new), rtol=1e-9, atol=1e-9)
        return
    times = np.array([0.0, 1.0, 20.0, 100.0, 300.0, 1e6])
    survival = fitted.predict_survival(new, times)
    assert survival.shape == (len(new), len(times))
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (survival[:, 0] == 1).all()
    assert (np.diff(survival, axis=1) <= 0).all()
    order = np.argsort(fitted.predict(new))
    assert (np.diff(survival[order], axis=0) <= 1e-12).all()
    # Proportional hazards: between two patients the ratio of cumulative hazards is that of risks.
    hazard = -np.log(survival[:, 3])
    np.testing.assert_allclose(
        np.log(hazard) - fitted.predict(new), np.log(hazard[0]) - fitted.predict(new)[0], rtol=1e-9
    )


def test_contributions_add_up_to_the_risk(fitted, new):
    parts = fitted.contributions(new)
    assert parts.index.equals(new.index)
    assert parts.columns.is_unique
    # A column of text has one share, not one a category.
    assert set(parts.columns) <= told_as(fitted.feature_names_in_)
    # Log-odds of the mean training patient, whose log-hazard is zero.
    expected = parts.sum(axis=1) + (fitted.calibration_.intercept or 0.0)
    np.testing.assert_allclose(fitted.predict(new), expected, atol=2e-5)


def test_what_is_used_moves_the_risk(case, fitted, new):
    used = fitted.used()
    assert len(used) == len(set(used))
    assert set(used) <= told_as(fitted.feature_names_in_)
    for name in new.columns.drop("stage", errors="ignore"):
        moved = new.assign(**{name: new[name].fillna(1.0) * 5 + 3})
        changed = not np.allclose(fitted.predict(moved), fitted.predict(new), atol=1e-9)
        if changed:
            assert told_as([name]) <= set(used)
    told = fitted.contributions(new)
    assert set(told.columns[(told.abs() > 1e-9).any()]) <= set(used)


def test_the_slope_is_never_negative(case):
    X, y = data(*case, patients=40)
    noise = y[np.random.default_rng(0).permutation(len(y))]
    assert make(case[0])[0].fit(X, noise).calibration_.slope >= LEAST_SLOPE


@pytest.mark.parametrize("kind", ["survival", "binary"])
def test_a_volume_that_protects_is_still_no_good_news(kind):
    X, y = data("volume", kind)
    turned = X.assign(**{VOLUME: y["time"] if kind == "survival" else 2.0 - y})
    model = make("volume")[0].fit(turned, y)
    assert model.calibration_.slope == LEAST_SLOPE
    order = np.argsort(turned[VOLUME].to_numpy(), kind="stable")
    assert (np.diff(model.predict(turned)[order]) >= 0).all()


@pytest.mark.parametrize(("name", "kind"), BATCHED)
def test_a_batch_is_harmonised_and_never_a_predictor(name, kind):
    X, y = data(name, kind)
    model = model_class(name)()
    columns = model.take(replace(COLUMNS, batch="hospital"))
    hospital = np.where(np.arange(len(X)) % 3 == 0, "north", "south")
    shifted = X.assign(hospital=hospital)[columns]
    features = [column for column in FEATURES if column in X]
    plain = model.fit(shifted, y).predict(shifted)
    far = shifted.copy()
    far.loc[hospital == "north", features] = 100 + 7 * far.loc[hospital == "north", features]
    # Whatever a scanner adds, and multiplies by, is taken out again, so far as priors allow.
    again = clone(model).fit(far, y).predict(far)
    assert np.corrcoef(again, plain)[0, 1] > 0.9
    assert "hospital" not in {*model.used(), *model.contributions(shifted).columns}


def test_settings_can_stand_in_json(fitted):
    json.dumps(fitted.settings(), allow_nan=False)


def test_standardised_scores_have_the_unit_of_training(case, fitted):
    scores = fitted.standardised(data(*case)[0])
    assert scores.mean() == pytest.approx(0, abs=1e-9)
    assert scores.std() == pytest.approx(1)


def test_every_inner_fold_holds_each_patient_once(case, fitted):
    event = data(*case)[1]
    event = event["event"] if case[1] == "survival" else event
    counts = np.bincount(fitted.fold_)
    assert len(counts) == 5
    assert counts.sum() == len(event)
    per_fold = np.bincount(fitted.fold_, weights=event)
    assert np.ptp(per_fold) <= 1
    assert np.isfinite(fitted.out_of_fold_).all()


@pytest.mark.parametrize(("name", "kind"), LEARNERS)
def test_out_of_fold_scores_are_of_models_without_the_patient(name, kind):
    X, y = data(name, kind)
    model = fitted_once(name, kind)
    for fold in (0, 3):
        train, test = model.fold_ != fold, model.fold_ == fold
        steps = model.make_steps(X)
        known = steps.fit_transform(X[train], y[train])
        learnt = model.learn(known, y[train], model.settings_)
        scores, seen = model.score(learnt, steps.transform(X[test])), model.score(learnt, known)
        expected = (scores - seen.mean()) / seen.std()
        np.testing.assert_allclose(model.out_of_fold_[test], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, kind in LEARNERS if kind == "survival"])
def test_a_patients_time_does_not_reach_its_own_score(name):
    X, y = data(name, "survival")
    before = fitted_once(name, "survival")
    fold = before.fold_ == before.fold_[5]
    wild = y.copy()
    # The event stays, since folds are stratified by it.
    wild["time"][5] = y["time"].max() * 3
    after = make(name)[0].fit(X, wild)
    np.testing.assert_array_equal(after.fold_, before.fold_)
    np.testing.assert_array_equal(after.out_of_fold_[fold], before.out_of_fold_[fold])
    if before.learns:
        assert (after.out_of_fold_ != before.out_of_fold_).any()


@pytest.mark.parametrize(("name", "kind"), LEARNERS)
def test_a_patients_columns_do_not_reach_the_scores_of_its_fold(name, kind):
    X, y = data(name, kind)
    before = fitted_once(name, kind)
    mates = before.fold_ == before.fold_[5]
    mates[5] = False
    wild = X.copy()
    for column in X.columns.drop("stage", errors="ignore"):
        wild.loc[X.index[5], column] = 1e4
    after = make(name)[0].fit(wild, y)
    np.testing.assert_array_equal(after.out_of_fold_[mates], before.out_of_fold_[mates])
    others = before.fold_ != before.fold_[5]
    assert (after.out_of_fold_[others] != before.out_of_fold_[others]).any()


@pytest.mark.parametrize("kind", ["survival", "binary"])
def test_the_fusion_stacks_scores_of_models_without_the_patient(kind):
    model = fitted_once("fusion", kind)
    assert [*model.branches_] == ["clinical + volume", "other features", "deep", "embeddings"]
    folds = [branch.fold_ for branch in model.branches_.values()]
    assert all((fold == model.fold_).all() for fold in folds)
    assert (model.weights_ >= 0).all()
    # Held out, a patient's score is a sum of its branches' held-out scores, weighted alike in a
    # fold.
    scores = np.column_stack([branch.out_of_fold_ for branch in model.branches_.values()])
    for fold in range(5):
        rows = model.fold_ == fold
        design = np.column_stack([scores[rows], np.ones(rows.sum())])
        weights, rest, _, _ = np.linalg.lstsq(design, model.out_of_fold_[rows])
        assert rest == pytest.approx(0, abs=1e-9)
        assert (weights[:-1] > -1e-9).all()


@pytest.mark.parametrize("kind", ["survival", "binary"])
@pytest.mark.parametrize("name", [*LINEAR, "fusion"])
def test_a_unit_changes_nothing(name, kind):
    X, y = data(name, kind)
    # From cubic millimetres to millilitres, from years to months.
    units = {VOLUME: 1e-3, TEXTURE: 40.0, "age": 12.0}
    other = X.assign(**{column: X[column] * unit for column, unit in units.items() if column in X})
    scaled = make(name)[0].fit(other, y).predict(other)
    np.testing.assert_allclose(scaled, fitted_once(name, kind).predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["survival", "binary"])
@pytest.mark.parametrize("name", LINEAR)
def test_the_order_of_training_rows_moves_the_calibration_alone(name, kind):
    X, y = data(name, kind)
    order = np.random.default_rng(3).permutation(len(X))
    model, turned = fitted_once(name, kind), make(name)[0].fit(X.iloc[order], y[order])
    np.testing.assert_allclose(turned.standardised(X), model.standardised(X), rtol=1e-6, atol=1e-6)


def test_a_saved_model_says_the_same_to_the_last_bit(case, fitted, new, tmp_path):
    save(fitted, tmp_path / "model", FACTS)
    saved = load(tmp_path / "model").model
    first, second = (risk_and_more(model, new, case[1]) for model in (fitted, saved))
    np.testing.assert_array_equal(second, first)
    assert saved.get_params() == fitted.get_params()
    assert saved.used() == fitted.used()
    assert saved.settings() == fitted.settings()
    assert saved.clusters() == fitted.clusters()


def test_saving_twice_writes_the_same_bytes_and_no_pickle(fitted, tmp_path):
    for folder in ("a", "b"):
        save(fitted, tmp_path / folder, FACTS)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*"))
    assert {file.name for file in files if (tmp_path / "a" / file).is_file()} <= {
        "model.json",
        "model.ubj",
        "MODEL_CARD.md",
    }
    for file in files:
        if (tmp_path / "a" / file).is_file():
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    written = (tmp_path / "a" / "model.json").read_text()
    assert not any(f'"{row}"' in written for row in fitted.rows_)


def test_saving_overwrites_nothing(fitted, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(RunError, match="not empty"):
        save(fitted, tmp_path, FACTS)


def test_a_fitted_model_travels_to_another_process(case, fitted, new):
    # Folds run in worker processes; only there are models pickled.
    twin = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(twin.predict(new), fitted.predict(new))


class Texture(LinearModel):
    """The least that a model can be: its steps, and how it learns."""

    def take(self, columns):
        return [TEXTURE]

    def make_steps(self, X):
        return Steps([Impute()])

    def learn(self, table, y, settings):
        return pd.Series([1.0], index=table.columns)


def test_one_file_and_one_line_make_a_model(tmp_path, monkeypatch):
    home = f"{Texture.__module__}.{Texture.__qualname__}"
    monkeypatch.setitem(MODELS, "texture", Entry(home, "Texture alone"))
    features, clinical = simulate(60)
    call = {"time": "os_days", "event": "death"}
    result = evaluate(features, clinical, **call, models=["texture"], repeats=1, folds=3)
    assert result.metrics["main"] == "texture"
    assert len(result.metrics["controls"]["label_permutation"]["values"]) == 20
    rows = result.predictions.query("model == 'texture'")
    for _, part in rows.groupby("fold"):
        order = part["risk_score"].rank().tolist()
        assert order == features.loc[part["case_id"], TEXTURE].rank().tolist()
    assert model_title("texture") == "Texture alone"
    saved = train(features, clinical, **call, model="texture", out=tmp_path / "model")
    told = predict(saved.path, features)["risk_score"].rank().tolist()
    assert told == features[TEXTURE].rank().tolist()


def test_a_model_outside_the_table_is_not_saved(tmp_path):
    X, y = data("cox", "survival")
    with pytest.raises(ModelError, match=r"Texture.*remedy: add it to MODELS"):
        save(Texture().fit(X[[TEXTURE]], y), tmp_path / "model", FACTS)
