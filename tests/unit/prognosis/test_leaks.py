import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import LeakError
from radpipe.prognosis.evaluation.leaks import image_hashes, require_fitted_on, require_no_leak
from radpipe.prognosis.evaluation.oracles import LEAST, require_no_oracle
from radpipe.prognosis.evaluation.study import Roles, make_study
from radpipe.prognosis.survival import repeated_folds
from radpipe.prognosis.survival.splits import Fold
from radpipe.prognosis.tables.steps.base import Step
from radpipe.store import KEY_COLUMNS, MASK_VOLUME, Entry, Provenance, Row, writer_of
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, simulate

SURVIVAL = Roles("death", "os_days")


def folds_of(study):
    return repeated_folds(np.arange(len(study.frame)) % 2 == 0, repeats=2, folds=5, seed=0)


def one_fold(train, test):
    return [Fold(0, 0, np.array(train), np.array(test))]


def test_an_honest_cohort_passes():
    study = make_study(*simulate(60), SURVIVAL)
    require_no_leak(study, folds_of(study))
    require_no_oracle(study)


@pytest.mark.parametrize("alias", ["P-7", "p_7", "p 7", "P.7"])
def test_a_patient_with_two_identifiers_is_found(alias):
    features, clinical = simulate(20)
    names = dict(zip(features["patient_id"][:2], ["p-7", alias], strict=True))
    features["patient_id"] = features["patient_id"].replace(names)
    clinical["patient_id"] = clinical["patient_id"].replace(names)
    study = make_study(features, clinical, SURVIVAL)
    named = study.frame["patient_id"].isin(["p-7", alias]).to_numpy()
    (one, other), rest = np.flatnonzero(named), np.flatnonzero(~named)[:3]
    with pytest.raises(LeakError, match=r"several identifiers.*found: ") as told:
        require_no_leak(study, one_fold([one, *rest[:2]], [other, rest[2]]))
    assert "p-7" in str(told.value)
    assert alias in str(told.value)
    require_no_leak(study, one_fold(rest[:2], [one, other]))


def test_other_patients_are_not_taken_for_one():
    features, clinical = simulate(20)
    names = dict(zip(features["patient_id"][:4], ["1-11", "11-1", "111", "p1"], strict=True))
    features["patient_id"] = features["patient_id"].replace(names)
    clinical["patient_id"] = clinical["patient_id"].replace(names)
    study = make_study(features, clinical, SURVIVAL)
    require_no_leak(study, folds_of(study))


@pytest.mark.parametrize("digits", [17, 9])
def test_a_row_that_stands_twice_is_found(digits):
    features, clinical = simulate(20)
    # Another program may have written the copy with fewer digits.
    features.iloc[3, 1:] = [float(f"{value:.{digits}g}") for value in features.iloc[11, 1:]]
    study = make_study(features, clinical, SURVIVAL)
    with pytest.raises(LeakError, match=r"same values in all features.*found: 003 = 011;"):
        require_no_leak(study, folds_of(study))
    require_no_leak(study, one_fold([3, 11, 12], [1, 4]))


def test_rows_that_differ_in_one_feature_are_two():
    features, clinical = simulate(20)
    features.iloc[3, 2:] = features.iloc[11, 2:]
    study = make_study(features, clinical, SURVIVAL)
    require_no_leak(study, folds_of(study))


def test_patients_without_values_are_not_alike():
    features, clinical = simulate(20)
    features.iloc[[3, 11], 1:] = np.nan
    study = make_study(features, clinical, SURVIVAL)
    require_no_leak(study, folds_of(study))


def run_of(tmp_path, images):
    """Write a run of one case a patient with these image hashes; return it and its outcomes."""
    features, clinical = simulate(len(images))
    entries = []
    with writer_of(tmp_path / "run") as writer:
        for image, (case, row) in zip(images, features.iterrows(), strict=True):
            keys = dict.fromkeys(KEY_COLUMNS, case) | {"label": 1}
            inputs = {"image": f"{case}.nii", "image_sha256": image, "mask": "m"}
            entries.append(Entry(keys, case, inputs))
            writer.run.rows.put(
                case, Row({MASK_VOLUME: 1.0, VOLUME: row[VOLUME], TEXTURE: row[TEXTURE]})
            )
            writer.rows.add(case)
        writer.write_tables(entries, [VOLUME, TEXTURE], KEY_COLUMNS, Provenance(**PROVENANCE))
        writer.finish(Provenance(**PROVENANCE), {})
    return writer.run, clinical


def test_an_image_of_two_patients_is_found_in_a_run_and_in_its_table(tmp_path):
    images = [f"{number:064x}" for number in range(20)]
    images[5] = images[9]
    run, clinical = run_of(tmp_path, images)
    for table in (run.path, run.features_path):
        study = make_study(table, clinical, SURVIVAL)
        assert image_hashes(study).tolist() == images
        with pytest.raises(LeakError, match=r"one image belongs.*found: 005 = 009;"):
            require_no_leak(study, folds_of(study))
        require_no_leak(study, one_fold([1, 2, 3], [5, 9]))


def test_images_of_patients_who_are_not_studied_do_not_matter(tmp_path):
    images = [f"{number:064x}" for number in range(20)]
    images[5] = images[9]
    run, clinical = run_of(tmp_path, images)
    left = clinical[clinical["patient_id"] != "005"]
    study = make_study(run.path, left, Roles("death", "os_days", unmatched="drop"))
    require_no_leak(study, folds_of(study))


def test_a_run_without_hashes_passes(tmp_path):
    run, clinical = run_of(tmp_path, [""] * 20)
    study = make_study(run.path, clinical, SURVIVAL)
    require_no_leak(study, folds_of(study))


def oracle(name, values, patients=80, roles=SURVIVAL):
    features, clinical = simulate(patients)
    clinical = clinical.sort_values("patient_id").reset_index(drop=True)
    features[f"original_glcm_{name}"] = values(clinical).to_numpy()
    return make_study(features, clinical, roles)


@pytest.mark.parametrize(
    "values",
    [
        lambda clinical: clinical["os_days"],
        lambda clinical: -clinical["os_days"] * 1000,
        lambda clinical: np.log(clinical["os_days"]).round(1),
        lambda clinical: clinical["os_days"] > clinical["os_days"].median(),
        lambda clinical: clinical["death"] + 0.001 * clinical["age"],
        lambda clinical: clinical["age"].where(clinical["death"] == 1),
    ],
    ids=["time", "minus time", "rounded", "lived a year", "event", "empty where censored"],
)
def test_a_column_made_of_the_outcomes_is_found(values):
    with pytest.raises(LeakError, match=r"alone orders the outcomes; found: original_glcm_Oracle"):
        require_no_oracle(oracle("Oracle", values))


def test_an_oracle_of_a_binary_endpoint_is_found():
    study = oracle("Oracle", lambda clinical: clinical["death"] * 1.0, roles=Roles("death"))
    with pytest.raises(LeakError, match=r"glcm_Oracle \(1\.000 of the pairs\)"):
        require_no_oracle(study)


def test_a_clinical_column_of_the_outcomes_is_found_under_an_innocent_name():
    features, clinical = simulate(80)
    clinical["ward"] = np.where(clinical["death"] == 1, "north", "south")
    study = make_study(features, clinical, Roles("death", "os_days", ["ward", "age"]))
    with pytest.raises(LeakError, match=r"found: ward = north .*ward = south"):
        require_no_oracle(study)


def test_strong_honest_predictors_pass():
    # The true hazard itself, at an effect that no marker of a cancer has.
    features, clinical = simulate(200, effect=4.0)
    study = make_study(features, clinical, SURVIVAL)
    require_no_oracle(study)


def test_a_rare_category_is_first_by_chance_and_passes():
    features, clinical = simulate(80)
    clinical["marker"] = 0
    first = clinical[clinical["death"] == 1].nsmallest(3, "os_days").index
    clinical.loc[first, "marker"] = 1
    require_no_oracle(make_study(features, clinical, Roles("death", "os_days", ["marker"])))


@pytest.mark.parametrize("events", [LEAST - 1, LEAST])
def test_few_events_tell_nothing(events):
    features, clinical = simulate(80)
    clinical = clinical.sort_values("os_days").assign(death=(np.arange(80) < events).astype(int))
    features["original_glcm_Oracle"] = clinical.set_index("patient_id")["os_days"]
    study = make_study(features, clinical, SURVIVAL)
    if events < LEAST:
        require_no_oracle(study)
    else:
        with pytest.raises(LeakError, match="Oracle"):
            require_no_oracle(study)


def test_noise_is_never_an_oracle():
    # 2,000 columns in each of 20 small cohorts with as few events as are looked at.
    for seed in range(20):
        features, clinical = simulate(30, noise=2000, effect=0.0, seed=seed)
        clinical = clinical.assign(death=(np.arange(30) % 2).astype(int))
        require_no_oracle(make_study(features, clinical, Roles("death")))


class Centre(Step):
    learned = ("mean_",)

    def _learn(self, X, y):
        self.mean_ = X.mean()

    def _apply(self, X):
        return X - self.mean_


def fitted_on(rows):
    index = pd.Index([f"c{row}" for row in rows], name="case_id")
    return Centre().fit(pd.DataFrame({"a": np.arange(len(rows)) * 1.0}, index=index))


TRAIN, TEST = (pd.Index([f"c{row}" for row in rows]) for rows in ([0, 1, 2, 3], [4, 5]))


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [1, 2]])
def test_steps_of_training_rows_pass(rows):
    model = SimpleNamespace(steps=[fitted_on(rows)], name="m")
    model.itself = model
    require_fitted_on(model, TRAIN, TEST)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda step: step,
        lambda step: [("name", step)],
        lambda step: {"a": (step,)},
        lambda step: SimpleNamespace(inner=SimpleNamespace(chain=[step])),
        lambda step: np.array([step, None], dtype=object),
    ],
)
@pytest.mark.parametrize(("rows", "told"), [([0, 4], "c4"), ([0, 5], "c5"), ([1, 9], "c9")])
def test_a_step_of_other_rows_is_found_wherever_it_stands(wrap, rows, told):
    model = SimpleNamespace(good=fitted_on([0, 1]), part=wrap(fitted_on(rows)))
    with pytest.raises(LeakError, match=f"Centre: a step was fitted.*found: cases {told};"):
        require_fitted_on(model, TRAIN, TEST)


def test_selection_before_the_split_is_a_leak():
    features, _ = simulate(20)
    before = Centre().fit(features[[TEXTURE]])
    for first, second in pairwise([features.index[:10], features.index[10:], features.index[:10]]):
        with pytest.raises(LeakError):
            require_fitted_on([before], first, second)


def test_a_leak_ends_with_exit_code_3():
    code = (
        "import radpipe.cli as cli\nfrom radpipe.errors import LeakError\n"
        "def leak(): raise LeakError('found', remedy='mend it')\n"
        "cli.app = leak\ncli.main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 3
    assert ended.stderr == "radpipe: LeakError: found; remedy: mend it\n"


def test_a_category_that_no_survivor_happens_to_have_is_no_oracle():
    features, clinical = simulate(145)
    clinical["death"] = 1
    clinical.loc[:15, "death"] = 0
    # One of seven patients, none of them among the sixteen: that is chance once in twelve times.
    clinical["histology"] = ["other"] * 16 + ["large cell"] * 20 + ["other"] * 109
    columns = Roles("death", "os_days", ["histology"])
    require_no_oracle(make_study(features, clinical, columns))
    clinical["histology"] = np.where(clinical["death"] == 1, "large cell", "other")
    with pytest.raises(LeakError, match="alone orders the outcomes"):
        require_no_oracle(make_study(features, clinical, columns))
