import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radpipe.cohort import read_cohort
from radpipe.errors import CohortError, RunError, SettingsError
from radpipe.extraction.batch import extract_run
from radpipe.extraction.image import check_geometry
from radpipe.extraction.perturb import perturb_cohort
from tests.conftest import Pair, make_pair

Cohort = Callable[..., Path]
WITHOUT_SUPERVOXELS = "noise+rotation+shift+growth"
SMALL = {"featureClass": {"firstorder": ["Mean"], "shape": None}}


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_manifest_names_pairs_that_extract_takes(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(2)
    found = perturb_cohort(
        manifest, tmp_path / "P", perturbations=WITHOUT_SUPERVOXELS + ",growth", count=2
    )
    assert (found.cases, found.versions, found.failures) == (2, 8, ())
    table = pd.read_csv(found.manifest)
    assert list(table["patient_id"]) == ["p0"] * 4 + ["p1"] * 4
    assert list(table["unperturbed"]) == list(table["patient_id"])
    assert list(table["perturbation"]) == ([WITHOUT_SUPERVOXELS] * 2 + ["growth"] * 2) * 2
    assert table["case_id"].is_unique
    features, _ = extract_run(found.manifest, SMALL, tmp_path / "RUN").features()
    assert list(features["case_id"]) == list(table["case_id"])
    assert {"unperturbed", "perturbation"} <= set(features.columns)
    assert features["original_firstorder_Mean"].nunique() == 8


def test_files_lie_on_the_grid_of_the_image_to_the_last_digit(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    def tilt(pair: Pair) -> None:
        turn = sitk.Euler3DTransform()
        turn.SetRotation(0.1, -0.2, 0.3)
        for each in (pair.image, pair.mask):
            each.SetDirection(turn.GetMatrix())
            each.SetOrigin((-123.456789, 211.987654, -1024.123456))

    manifest = make_cohort(1, {0: tilt})
    found = perturb_cohort(manifest, tmp_path / "P", perturbations="shift,growth", count=1)
    original = read_cohort(manifest)[0]
    reference = sitk.ReadImage(str(original.image))
    shifted, grown = read_cohort(found.manifest)
    for path in (shifted.image, shifted.mask, grown.mask):
        check_geometry(reference, sitk.ReadImage(str(path)), 1e-9)
    # Where nothing but the ROI changes, the image is the case's own.
    assert grown.image == original.image.absolute()
    assert shifted.image.parent == shifted.mask.parent


@pytest.mark.parametrize("pixel", [np.int16, np.uint8, np.float64])
def test_the_pixel_type_stays_and_its_limits_hold(tmp_path: Path, pixel: type) -> None:
    pair = make_pair(pixel=np.float32)
    if pixel is not np.float64:
        # As bright as the type allows: noise would go over the edge.
        pair.image = sitk.Clamp(
            pair.image * (np.iinfo(pixel).max / 90),
            upperBound=float(np.iinfo(pixel).max),
            lowerBound=0,
        )
    kinds = {np.int16: sitk.sitkInt16, np.uint8: sitk.sitkUInt8, np.float64: sitk.sitkFloat64}
    pair.image = sitk.Cast(pair.image, kinds[pixel])
    image, mask = pair.write(tmp_path)
    table = pd.DataFrame({"patient_id": ["A"], "image": [image], "mask": [mask]})
    perturb_cohort(table, tmp_path / "P", perturbations="noise", count=1)
    (path,) = (tmp_path / "P").rglob("*_image.nrrd")
    found = sitk.ReadImage(str(path))
    assert found.GetPixelID() == kinds[pixel]
    before, after = (sitk.GetArrayFromImage(each).astype(float) for each in (pair.image, found))
    # Wrapped around, a bright voxel would be dark.
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.6


def test_the_same_bytes_whatever_the_workers_and_the_other_cases(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    pytest.importorskip("skimage")
    manifest = make_cohort(3)
    for name, workers in (("one", 0), ("two", 2)):
        perturb_cohort(manifest, tmp_path / name, count=2, workers=workers)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    table = pd.read_csv(manifest)
    table[["image", "mask"]] = [
        [tmp_path / name for name in row] for row in table[["image", "mask"]].to_numpy()
    ]
    perturb_cohort(table.iloc[[0]], tmp_path / "alone", count=2)
    alone = {name: told for name, told in hashes(tmp_path / "alone").items() if "nrrd" in name}
    assert len(alone) == 4
    assert alone.items() <= hashes(tmp_path / "one").items()


def test_another_seed_gives_other_versions(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(1)
    for seed in (0, 1):
        perturb_cohort(manifest, tmp_path / str(seed), perturbations="growth", count=3, seed=seed)
    masks = [set(hashes(tmp_path / str(seed) / "00000_p0").values()) for seed in (0, 1)]
    assert len(masks[0]) == 3
    assert not masks[0] & masks[1]


def test_a_bad_case_takes_no_other_along(make_cohort: Cohort, tmp_path: Path) -> None:
    def empty(pair: Pair) -> None:
        pair.change_mask(lambda array: array.fill(0))

    def broken(pair: Pair) -> None:
        pair.change_image(lambda array: array.fill(np.nan))

    manifest = make_cohort(4, {1: empty, 2: broken})
    with manifest.open("a") as handle:
        handle.write("p9,no.nii,no.nii\n")
    found = perturb_cohort(manifest, tmp_path / "P", perturbations="growth", count=2, workers=2)
    assert set(pd.read_csv(found.manifest)["patient_id"]) == {"p0", "p3"}
    failures = pd.read_csv(found.failures_path)
    assert list(failures["case_id"]) == ["p1", "p2", "p9"]
    assert list(failures["error"]) == [
        "EmptyRoiError",
        "NonFiniteImageError",
        "UnreadableImageError",
    ]
    assert "case p1: the mask is empty" in found.failures[0]


def test_every_label_is_a_case_of_its_own(tmp_path: Path, pair: Pair) -> None:
    pair.mask = sitk.Cast(pair.mask, sitk.sitkUInt16)
    pair.change_mask(lambda array: array[7:].__imul__(300))
    image, mask = pair.write(tmp_path)
    table = pd.DataFrame(
        {"patient_id": ["A"], "image": [image], "mask": [mask], "label": ["all"], "site": ["x"]}
    )
    found = perturb_cohort(table, tmp_path / "P", perturbations="growth", count=2)
    cases = read_cohort(found.manifest)
    assert [case.label for case in cases] == [1, 1, 300, 300]
    assert [case.extra["unperturbed"] for case in cases] == ["A_label-1"] * 2 + ["A_label-300"] * 2
    assert {case.extra["site"] for case in cases} == {"x"}
    for case in cases:
        labels = np.unique(sitk.GetArrayFromImage(sitk.ReadImage(str(case.mask))))
        assert list(labels) == [0, case.label]


@pytest.mark.parametrize("chain", ["noise", "growth"])
def test_a_cropped_image_stays_where_it_is(tmp_path: Path, pair: Pair, chain: str) -> None:
    image, mask = pair.write(tmp_path)
    table = pd.DataFrame({"patient_id": ["A"], "image": [image], "mask": [mask]})
    found = perturb_cohort(table, tmp_path / "P", perturbations=chain, count=1, crop_mm=1.5)
    (case,) = read_cohort(found.manifest)
    small, roi = (sitk.ReadImage(str(path)) for path in (case.image, case.mask))
    check_geometry(small, roi, 1e-9)
    drawn = np.argwhere(sitk.GetArrayFromImage(pair.mask))
    low, high = drawn.min(axis=0), drawn.max(axis=0) + 1
    # 1.5 mm are one voxel of 2 mm, one of 1.5 mm, two of 1 mm; and two more.
    margin = np.array([3, 3, 4])
    expected = np.minimum(high + margin, (10, 20, 22)) - np.maximum(low - margin, 0)
    assert small.GetSize() == tuple(expected[::-1].tolist())
    if chain == "growth":
        whole = sitk.Resample(small, pair.image, sitk.Transform(), sitk.sitkNearestNeighbor, -999)
        kept = sitk.GetArrayFromImage(whole) != -999
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(whole)[kept], sitk.GetArrayFromImage(pair.image)[kept]
        )


def test_a_2d_image(tmp_path: Path, pair: Pair) -> None:
    pair.image, pair.mask = pair.image[:, :, 5], pair.mask[:, :, 5]
    image, mask = pair.write(tmp_path, suffix=".nrrd")
    table = pd.DataFrame({"patient_id": ["A"], "image": [image], "mask": [mask]})
    found = perturb_cohort(
        table, tmp_path / "P", perturbations=WITHOUT_SUPERVOXELS, count=2, crop_mm=3
    )
    assert found.failures == ()
    for case in read_cohort(found.manifest):
        assert sitk.ReadImage(str(case.mask)).GetDimension() == 2


def test_a_case_may_be_called_anything(tmp_path: Path, pair: Pair) -> None:
    image, mask = pair.write(tmp_path)
    table = pd.DataFrame({"patient_id": ["../a b/ü:*"], "image": [image], "mask": [mask]})
    found = perturb_cohort(table, tmp_path / "P", perturbations="growth", count=1)
    (case,) = read_cohort(found.manifest)
    assert case.patient_id == "../a b/ü:*"
    assert case.mask.resolve().is_relative_to((tmp_path / "P").resolve())


def test_wrong_input_is_told_before_anything_is_written(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest, out = make_cohort(1), tmp_path / "P"
    with pytest.raises(SettingsError, match="--count"):
        perturb_cohort(manifest, out, perturbations="growth", count=0)
    with pytest.raises(SettingsError, match="--seed"):
        perturb_cohort(manifest, out, perturbations="growth", seed=-1)
    with pytest.raises(SettingsError, match="--crop-mm"):
        perturb_cohort(manifest, out, perturbations="growth", crop_mm=-1)
    with pytest.raises(SettingsError, match="no such perturbation"):
        perturb_cohort(manifest, out, perturbations="grwth")
    assert not out.exists()
    again = perturb_cohort(manifest, out, perturbations="growth", count=1).manifest
    with pytest.raises(RunError, match="not empty"):
        perturb_cohort(manifest, out, perturbations="growth")
    with pytest.raises(CohortError, match="perturbed cases already"):
        perturb_cohort(again, tmp_path / "Q", perturbations="growth")
