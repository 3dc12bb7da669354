from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radpipe.errors import SettingsError
from radpipe.extraction.batch import Options, extract_run, extract_runs
from radpipe.extraction.controls import shuffled_voxels
from radpipe.extraction.preprocess.check import RoiSetting
from radpipe.store.table import differences
from tests.conftest import Pair, make_pair

Cohort = Callable[..., Path]
SHUFFLED = "shuffled-voxels"
SETTINGS = {
    "imageType": {"Original": {}},
    "featureClass": {"firstorder": None, "shape": None, "glcm": ["Contrast", "Correlation"]},
}


def smooth_pair() -> Pair:
    """Neighbours resemble each other: a texture that shuffling must undo."""
    pair = make_pair()
    pair.image = sitk.SmoothingRecursiveGaussian(pair.image, 4.0) * 10
    return pair


def shuffled(pair: Pair, label: int = 1, **setting: object) -> np.ndarray:
    mask = sitk.Cast(pair.mask, sitk.sitkUInt32)
    return sitk.GetArrayFromImage(
        shuffled_voxels(pair.image, mask, label, RoiSetting.model_validate(setting))
    )


def test_the_roi_holds_the_same_intensities_elsewhere_and_the_rest_stays() -> None:
    pair = make_pair()
    before, roi = sitk.GetArrayFromImage(pair.image), sitk.GetArrayFromImage(pair.mask) == 1
    after = shuffled(pair)
    np.testing.assert_array_equal(np.sort(after[roi]), np.sort(before[roi]))
    np.testing.assert_array_equal(after[~roi], before[~roi])
    assert np.mean(after[roi] == before[roi]) < 0.05
    assert abs(np.corrcoef(after[roi], before[roi])[0, 1]) < 0.2


def test_it_is_the_same_each_time_and_another_for_another_roi() -> None:
    pair = make_pair()
    np.testing.assert_array_equal(shuffled(pair), shuffled(pair))
    smaller = make_pair()
    smaller.change_mask(lambda array: array.__setitem__(5, 0))
    roi = sitk.GetArrayFromImage(smaller.mask) == 1
    assert np.mean(shuffled(pair)[roi] == shuffled(smaller)[roi]) < 0.05


def test_a_mask_on_another_grid_is_shuffled_where_it_lies() -> None:
    pair = make_pair()
    expected = shuffled(pair)
    pair.mask = sitk.RegionOfInterest(pair.mask, (20, 18, 9), (1, 1, 1))
    np.testing.assert_array_equal(shuffled(pair, correctMask=True), expected)


def test_shape_and_histogram_stay_and_texture_goes(tmp_path: Path) -> None:
    image, mask = smooth_pair().write(tmp_path)
    table = pd.DataFrame({"patient_id": ["A"], "image": [image], "mask": [mask]})
    plain, _ = extract_run(table, SETTINGS, tmp_path / "plain").features()
    control, _ = extract_run(table, SETTINGS, tmp_path / "control", control=SHUFFLED).features()
    kept = [name for name in plain if "_shape_" in name or "_firstorder_" in name]
    assert len(kept) > 30
    np.testing.assert_allclose(control[kept], plain[kept], rtol=1e-6)
    assert plain["original_glcm_Correlation"][0] > 0.4
    assert abs(control["original_glcm_Correlation"][0]) < 0.2


def test_no_row_is_taken_for_a_controls_and_none_of_a_control_for_a_row(
    make_cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest, run = make_cohort(2), tmp_path / "RUN"
    plain, made_by = extract_run(manifest, SETTINGS, run).features()
    control, shuffled_by = extract_run(manifest, SETTINGS, run, control=SHUFFLED).features()
    assert "set aside" not in caplog.text
    assert (plain["original_glcm_Contrast"] != control["original_glcm_Contrast"]).all()
    assert made_by is not None
    assert made_by.control is None
    assert shuffled_by is not None
    assert shuffled_by.control == SHUFFLED
    back, _ = extract_run(manifest, SETTINGS, run).features()
    pd.testing.assert_frame_equal(back, plain)


def test_rois_of_one_image_and_workers_change_nothing(tmp_path: Path) -> None:
    pair = smooth_pair()
    pair.change_mask(lambda array: array[6:].__imul__(2))
    image, mask = pair.write(tmp_path)
    rows = [{"patient_id": "A", "image": image, "mask": mask, "label": label} for label in (1, 2)]
    params = [SETTINGS, {**SETTINGS, "setting": {"binWidth": 10}}]
    together = {}
    for workers in (0, 2):
        runs = {tmp_path / f"{workers}-{place}": each for place, each in enumerate(params)}
        options = Options(workers=workers)
        extract_runs(pd.DataFrame(rows), runs, control=SHUFFLED, options=options)
        together[workers] = [pd.read_parquet(out / "features.parquet") for out in runs]
    for place, each in enumerate(params):
        pd.testing.assert_frame_equal(together[0][place], together[2][place])
        for row in rows:
            out = tmp_path / f"alone-{place}-{row['label']}"
            alone, _ = extract_run(pd.DataFrame([row]), each, out, control=SHUFFLED).features()
            found = together[0][place]
            found = found[found["label"] == row["label"]].reset_index(drop=True)
            pd.testing.assert_frame_equal(
                alone.drop(columns="case_id"), found.drop(columns="case_id")
            )


def test_a_model_of_one_refuses_the_other(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(1)
    _, plain = extract_run(manifest, SETTINGS, tmp_path / "plain").features()
    _, control = extract_run(manifest, SETTINGS, tmp_path / "c", control=SHUFFLED).features()
    assert plain is not None
    assert control is not None
    told = list(differences(asdict(plain), asdict(control)))
    assert told == [("control", None, SHUFFLED)]
    # A table that was written before there were controls.
    before = {name: each for name, each in asdict(plain).items() if name != "control"}
    assert list(differences(before, asdict(plain))) == []


def test_verify_shuffles_too(pyradiomics: None, make_cohort: Cohort, tmp_path: Path) -> None:
    from radpipe.extraction.verify import verify

    run = extract_run(make_cohort(1), SETTINGS, tmp_path / "RUN", control=SHUFFLED)
    assert verify(run.path, 1).passed


def test_resampling_changes_first_order_features_as_it_says(tmp_path: Path) -> None:
    image, mask = smooth_pair().write(tmp_path)
    table = pd.DataFrame({"patient_id": ["A"], "image": [image], "mask": [mask]})
    settings = {**SETTINGS, "setting": {"resampledPixelSpacing": [1.3, 1.3, 1.3]}}
    plain = extract_run(table, settings, tmp_path / "plain")
    control = extract_run(table, settings, tmp_path / "control", control=SHUFFLED)
    variance = "original_firstorder_Variance"
    assert control.features()[0][variance][0] < 0.8 * plain.features()[0][variance][0]
    assert "control_note" not in plain.facts()
    assert "first-order features change" in control.facts()["control_note"]


def test_an_unknown_control_is_told(make_cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--control.*shuffled-voxels"):
        extract_run(make_cohort(1), SETTINGS, tmp_path / "RUN", control="shuffled")
    assert not (tmp_path / "RUN").exists()
