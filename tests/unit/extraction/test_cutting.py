"""Patches of a cohort, cut by the same workers that extract features."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.errors import RunError
from radpipe.extraction.batch import Options, cut_patches, extract_run
from radpipe.extraction.batch.recipe import FeatureRecipe, PatchRecipe
from radpipe.extraction.batch.status import status_of
from radpipe.extraction.patches import cut_patch
from radpipe.extraction.settings import read_settings
from radpipe.networks.spec import PatchSpec, Window
from radpipe.store import Run
from radpipe.store.files import read_json
from radpipe.store.table import read_row_keys
from tests.conftest import Pair

Cohort = Callable[..., Path]
SPEC = PatchSpec((12, 12, 12), (1.5, 1.5, 1.5), "SPL", Window(0.0, 200.0), pad=0.0)


def contents(folder: Path) -> dict[str, bytes]:
    paths = [*folder.glob("*.parquet"), *(folder / "patches").iterdir()]
    return {path.name: path.read_bytes() for path in paths}


def empty(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def test_every_case_has_its_patch_and_a_row_of_its_volume(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    found = cut_patches(make_cohort(3, {1: empty}), SPEC, run.path)
    assert (found.rows, found.failures) == (2, 1)
    features, provenance = run.features()
    assert list(features["case_id"]) == ["p0", "p2"]
    assert features.columns[-1] == "mask_volume_mm3"
    assert provenance is not None
    assert provenance.settings["patch"]["size"] == [12, 12, 12]
    keys = read_row_keys(run.features_path)
    assert list(run.diagnostics()["row_key"]) == keys
    for name, key in zip(["p0", "p2"], keys, strict=True):
        image, mask = (
            sitk.ReadImage(str(tmp_path / f"{name}_{kind}.nii.gz")) for kind in ("image", "mask")
        )
        truth = cut_patch(image, sitk.Cast(mask, sitk.sitkUInt32), 1, SPEC)
        kept = run.patches.get(key)
        np.testing.assert_array_equal(kept.intensities, truth.intensities)
        np.testing.assert_array_equal(kept.roi, truth.roi)
        told = run.diagnostics().set_index("row_key").loc[key]
        assert told["patch_outside"] == truth.outside
        assert told["patch_padded"] == truth.padded
        assert told["roi_voxels"] == sitk.GetArrayFromImage(mask).sum()
    assert run.failures()["error"].tolist() == ["EmptyRoiError"]
    assert "2 of 3 cases have a row" in "\n".join(status_of(run.path).in_words())
    assert run.command() == "radpipe embed"


def gone(path: Path) -> None:
    path.unlink()


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [gone, cut_short, flipped])
def test_nothing_is_cut_twice_but_what_is_gone_or_damaged(
    make_cohort: Cohort, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    manifest, run = make_cohort(3), Run(tmp_path / "run")
    assert cut_patches(manifest, SPEC, run.path).computed == 3
    before = contents(run.path)
    (run.path / "run.log").unlink()
    assert cut_patches(manifest, SPEC, run.path).reused == 3
    spoil(run.patches.path_of(read_row_keys(run.features_path)[1]))
    cut_patches(manifest, SPEC, run.path)
    assert [e["case_id"] for e in run.log.events() if e["event"] == "done"] == ["p1"]
    assert contents(run.path) == before


def test_a_patch_damaged_before_its_row_stood_in_a_table_is_cut_again(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.extraction.batch import work

    manifest, run = make_cohort(3), Run(tmp_path / "run")
    plain, done = work.run_job, []

    def stop_at_the_third(plan: object, job: object) -> object:
        if len(done) == 2:
            raise RunError("the disk is full")
        done.append(plain(plan, job))  # type: ignore[arg-type]
        return done[-1]

    with monkeypatch.context() as patched:
        patched.setattr(work, "run_job", stop_at_the_third)
        with pytest.raises(RunError, match="full"):
            cut_patches(manifest, SPEC, run.path)
    cut_short(next(run.patches.path.iterdir()))
    assert cut_patches(manifest, SPEC, run.path).reused == 1
    cut_patches(manifest, SPEC, tmp_path / "undisturbed")
    assert contents(run.path) == contents(tmp_path / "undisturbed")


def test_a_patch_of_other_settings_is_another_and_replaces_the_first(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest, run = make_cohort(2), Run(tmp_path / "run")
    cut_patches(manifest, SPEC, run.path)
    earlier = set(read_row_keys(run.features_path))
    other = PatchSpec((8, 8, 8), (2.0, 2.0, 2.0), "SPL", Window(0.0, 200.0), pad=0.0)
    assert cut_patches(manifest, other, run.path).computed == 2
    keys = read_row_keys(run.features_path)
    assert earlier.isdisjoint(keys)
    assert {path.stem for path in run.patches.path.iterdir()} == set(keys)
    assert run.patches.get(keys[0]).roi.shape == (8, 8, 8)


@pytest.mark.parametrize("workers", [2])
def test_the_number_of_workers_changes_no_byte(
    make_cohort: Cohort, tmp_path: Path, workers: int
) -> None:
    manifest = make_cohort(4)
    cut_patches(manifest, SPEC, tmp_path / "one")
    cut_patches(manifest, SPEC, tmp_path / "two", options=Options(workers=workers))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_flat_image_is_a_failure_of_its_case(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(2)
    for kind in ("image", "mask"):
        path = str(tmp_path / f"p1_{kind}.nii.gz")
        sitk.WriteImage(sitk.ReadImage(path)[:, :, 5], path)
    cut_patches(manifest, SPEC, tmp_path / "run")
    message = Run(tmp_path / "run").failures()["message"][0]
    assert "case p1" in message
    assert "expected: a 3D image" in message


def test_all_that_decides_a_patch_decides_its_key() -> None:
    recipes = [
        PatchRecipe(spec=SPEC),
        PatchRecipe(spec=PatchSpec((12, 12, 12), (1.0, 1.5, 1.5), "SPL", SPEC.intensity, 0.0)),
        PatchRecipe(spec=PatchSpec((12, 12, 12), (1.5, 1.5, 1.5), "RAS", SPEC.intensity, 0.0)),
        PatchRecipe(spec=PatchSpec((12, 12, 12), (1.5, 1.5, 1.5), "SPL", Window(0.0, 99.0), 0.0)),
        PatchRecipe(spec=PatchSpec((12, 12, 12), (1.5, 1.5, 1.5), "SPL", SPEC.intensity, -1.0)),
        PatchRecipe(spec=SPEC, crop="fmcib"),
        FeatureRecipe(read_settings(None)),
    ]
    assert len({recipe.decides for recipe in recipes}) == len(recipes)
    assert PatchRecipe(spec=SPEC).decides == recipes[0].decides


def test_patches_and_features_do_not_share_a_directory(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(1)
    small = {"featureClass": {"firstorder": ["Mean"]}}
    extract_run(manifest, small, tmp_path / "run")
    before = (tmp_path / "run" / "features.parquet").read_bytes()
    cut_patches(manifest, SPEC, Run(tmp_path / "run").patch_run.path)
    assert (tmp_path / "run" / "features.parquet").read_bytes() == before
    assert read_json(tmp_path / "run" / "patches" / "run.json")["engine"] == "patches"
