import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radpipe import demo
from radpipe.errors import RunError, SettingsError
from radpipe.prognosis.survival import concordance_index, make_endpoint
from radpipe.store import KEY_COLUMNS, MASK_VOLUME, Entry, Provenance, Row, Run, writer_of

SAMPLES = Path(__file__).parents[2] / "data_samples"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort")
    demo.make_cohort(out, patients=9, seed=3)
    return out


def _files(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_same_seed_same_files_and_another_seed_others(cohort, tmp_path):
    demo.make_cohort(tmp_path / "same", patients=9, seed=3)
    demo.make_cohort(tmp_path / "other", patients=9, seed=4)
    assert _files(tmp_path / "same") == _files(cohort)
    images = Path("images") / "DEMO-001_image.nii.gz"
    assert _files(tmp_path / "other")[images] != _files(cohort)[images]


def test_truth_is_what_the_files_hold(cohort):
    manifest = pd.read_csv(cohort / "cohort.csv").set_index("patient_id")
    truth = pd.read_csv(cohort / "truth.csv").set_index("patient_id")
    spacings = set()
    for patient, row in manifest.iterrows():
        image, mask = (sitk.ReadImage(str(cohort / row[kind])) for kind in ("image", "mask"))
        assert image.GetPixelID() == sitk.sitkInt16
        assert image.GetSize() == mask.GetSize()
        assert image.GetSpacing() == mask.GetSpacing()
        shape = sitk.LabelShapeStatisticsImageFilter()
        shape.Execute(sitk.ConnectedComponent(mask))
        assert shape.GetLabels() == (1,), "the lesion is one piece"
        assert shape.GetPhysicalSize(1) == pytest.approx(truth.loc[patient, "volume_mm3"], abs=1e-3)
        spacings.add(tuple(round(step, 3) for step in image.GetSpacing()))
    assert spacings == {(1, 1, 3), (0.8, 0.8, 2), (2, 2, 2)}


def test_hazard_is_the_stated_sum(cohort):
    truth = pd.read_csv(cohort / "truth.csv")
    parts = np.column_stack([np.log(truth["volume_mm3"]), truth["texture"]])
    z = (parts - parts.mean(axis=0)) / parts.std(axis=0, ddof=1)
    expected = z @ [demo.SIZE_EFFECT, demo.TEXTURE_EFFECT]
    np.testing.assert_allclose(truth["log_hazard"], expected, atol=1e-5)


def test_texture_can_be_measured_in_spite_of_noise():
    """The spread of HU inside the lesion must order patients nearly as their texture does."""
    lesions = [demo.make_lesion(number, seed=1) for number in range(60)]
    spread = pd.Series([lesion.image[lesion.mask == 1].std() for lesion in lesions])
    texture = pd.Series([lesion.texture for lesion in lesions])
    volume = pd.Series([lesion.volume_mm3 for lesion in lesions])
    assert spread.rank().corr(texture.rank()) > 0.8
    assert abs(volume.rank().corr(texture.rank())) < 0.3


def test_true_hazard_and_volume_reach_what_the_docstring_says():
    """Over many cohorts, without images: C near 0.75 and 0.62, a third to two fifths censored."""
    found = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        size, texture = random.standard_normal((2, 150))
        drawn = {"patient_id": range(150), "volume_mm3": np.exp(0.6 * size), "texture": texture}
        truth = demo._truth(pd.DataFrame(drawn))
        outcomes = demo._outcomes(truth, random)
        endpoint = make_endpoint(outcomes["death"], outcomes["os_days"])
        found.append(
            [
                concordance_index(endpoint, truth["log_hazard"]),
                concordance_index(endpoint, truth["volume_mm3"]),
                1 - outcomes["death"].mean(),
            ]
        )
    hazard, volume, censored = np.mean(found, axis=0)
    assert hazard == pytest.approx(0.75, abs=0.015)
    assert volume == pytest.approx(0.62, abs=0.015)
    assert 0.33 < censored < 0.42


def test_occupied_directory_is_refused_before_any_work(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="not empty"):
        demo.run_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_too_few_patients_are_refused_before_any_work(tmp_path):
    with pytest.raises(SettingsError, match="too few patients"):
        demo.run_demo(tmp_path / "out", patients=5)
    assert not (tmp_path / "out").exists()
    with pytest.raises(SettingsError, match="too few patients"):
        demo.make_cohort(tmp_path / "out", patients=1)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 2**32}, {"workers": -1}])
def test_wrong_numbers_are_refused_before_any_work(tmp_path, wrong):
    with pytest.raises(SettingsError, match=f"--{next(iter(wrong))}"):
        demo.run_demo(tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_the_true_hazard_is_judged_in_the_folds_of_the_model():
    """Two folds, each ordered wholly right or wrong by hand; pairs across them do not count."""
    truth = pd.DataFrame({"patient_id": list("abcde"), "log_hazard": [2.0, 1.0, 3.0, 4.0, 9.0]})
    one = pd.DataFrame(
        {
            "repeat": 0,
            "fold": [0, 0, 1, 1, 2],
            "patient_id": list("abcde"),
            "time": [1.0, 2.0, 1.0, 2.0, 5.0],
            "event": True,
        }
    )
    predictions = pd.concat([one.assign(model=name) for name in ("xgb_cox", "volume")])
    assert demo._true_c_index(predictions, truth) == 0.5
    assert demo._true_c_index(predictions[predictions["fold"] == 0], truth) == 1


def test_no_model_is_trained_where_none_could_be_judged(tmp_path, monkeypatch):
    """20 patients have fewer than 20 events; features by hand, for this is not about images."""
    pytest.importorskip("xgboost")

    def extract_run(manifest, params, out, **how):
        truth = pd.read_csv(manifest.parent / "truth.csv")
        made_by = Provenance("none", "0")
        with writer_of(out) as writer:
            entries = []
            for _, row in truth.iterrows():
                keys = dict.fromkeys(KEY_COLUMNS, row["patient_id"]) | {"label": 1}
                entries.append(Entry(keys, row["patient_id"], {"image": "i", "mask": "m"}))
                writer.run.rows.put(row["patient_id"], Row({MASK_VOLUME: row["volume_mm3"]}))
                writer.rows.add(row["patient_id"])
            writer.write_tables(entries, [], KEY_COLUMNS, made_by)
            writer.finish(made_by, {})
        return Run(out)

    monkeypatch.setattr("radpipe.extraction.batch.extract_run", extract_run)
    monkeypatch.setattr(demo, "_check", lambda out, patients: None)
    monkeypatch.setattr(demo, "_verify", lambda run, say: None)
    said = []
    reached = demo.run_demo(tmp_path, patients=20, say=said.append)
    assert set(reached) == {"true hazard", "volume"}
    assert not (tmp_path / "model").exists()
    assert any(re.search(r"^train .* events, and at least 20 are needed", line) for line in said)
    assert (tmp_path / "report.html").is_file()


def test_samples_are_what_their_readme_says_and_the_generator_makes(tmp_path):
    told = dict(
        re.findall(
            r"`(\S+)` \| `([0-9a-f]{64})`", (SAMPLES / "README.md").read_text().split("alone")[0]
        )
    )
    voxels = dict(
        re.findall(
            r"`(\S+)` \| `([0-9a-f]{64})`", (SAMPLES / "README.md").read_text().split("alone")[1]
        )
    )
    assert len(told) == 7
    assert len(voxels) == 6
    demo.write_samples(tmp_path)
    for name, digest in told.items():
        content = (SAMPLES / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert len(content) < 200_000
    for name, digest in voxels.items():
        for folder in (SAMPLES, tmp_path):
            array = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))
            little = array.astype(array.dtype.newbyteorder("<"))
            assert hashlib.sha256(little.tobytes()).hexdigest() == digest
    assert (tmp_path / "cohort.csv").read_bytes() == (SAMPLES / "cohort.csv").read_bytes()
