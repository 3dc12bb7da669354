"""`radpipe verify` against PyRadiomics, on runs that are right, wrong and gone."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radpipe.errors import ExtractionError, RunError, SettingsError
from radpipe.extraction.batch import cut_patches, extract_run
from radpipe.extraction.verify import relative_difference, verify
from radpipe.networks.spec import PatchSpec, Window
from radpipe.store import Run
from radpipe.store.table import read_table, write_table

SMALL = {
    "imageType": {"Original": {}, "LoG": {"sigma": [2.0]}},
    "featureClass": {"firstorder": None, "shape": None, "glcm": None},
}
Cohort = Callable[..., Path]


def radpipe(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from radpipe.cli import main; main()"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def falsify(run: Run, column: str, factor: float) -> None:
    features, provenance = read_table(run.features_path)
    features[column] *= factor
    write_table(run.features_path, features, provenance)


def test_a_run_that_is_right(pyradiomics: None, make_cohort: Cohort, tmp_path: Path) -> None:
    run = extract_run(make_cohort(4), SMALL, tmp_path / "run")
    found = verify(run.path, sample=3)
    assert found.passed
    assert sorted(found.differences["case_id"].unique()) == ["p0", "p2", "p3"]
    assert len(found.differences) == 3 * (18 + 14 + 24 + 18 + 24)
    assert set(found.by_class().index) == {"original", "log-sigma-2-0-mm-3D"}
    ended = radpipe("verify", run.path, "--sample", 2)
    assert ended.returncode == 0, ended.stderr
    assert "tolerance 1e-06" in ended.stdout
    assert "times as fast" in ended.stdout


def test_a_value_that_is_wrong_is_named(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    run = extract_run(make_cohort(2), SMALL, tmp_path / "run")
    falsify(run, "original_glcm_Contrast", 1 + 1e-5)
    found = verify(run.path)
    assert not found.passed
    assert found.worst == pytest.approx(1e-5, rel=1e-3)
    ended = radpipe("verify", run.path)
    assert ended.returncode == 3
    assert "original_glcm_Contrast" in ended.stdout


def test_a_missing_value_is_no_small_difference(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    run = extract_run(make_cohort(1), SMALL, tmp_path / "run")
    falsify(run, "original_shape_Elongation", float("nan"))
    assert verify(run.path).worst == np.inf


def test_an_undefined_image_type_agrees_with_one_that_pyradiomics_drops(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    settings = {**SMALL, "imageType": {"Original": {}, "LoG": {"sigma": [60.0]}}}
    assert verify(extract_run(make_cohort(1), settings, tmp_path / "run").path).passed


def test_images_that_changed_or_went_cost_only_their_cases(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    run = extract_run(make_cohort(3), SMALL, tmp_path / "run")
    image = sitk.ReadImage(str(tmp_path / "p0_image.nii.gz"))
    sitk.WriteImage(image + 1, str(tmp_path / "p0_image.nii.gz"))
    (tmp_path / "p1_mask.nii.gz").unlink()
    found = verify(run.path)
    assert "has changed since" in found.failed["p0"]
    assert "no such file" in found.failed["p1"]
    assert list(found.differences["case_id"].unique()) == ["p2"]
    assert not found.passed


def test_from_another_folder(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cohort(1)
    monkeypatch.chdir(tmp_path)
    extract_run("cohort.csv", SMALL, "run")
    monkeypatch.chdir("/")
    assert verify(tmp_path / "run").passed


def test_a_run_without_rows_is_refused(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(1, {0: lambda pair: pair.change_mask(lambda mask: mask.fill(0))})
    run = extract_run(manifest, SMALL, tmp_path / "run")
    with pytest.raises(RunError, match="nothing to verify"):
        verify(run.path)
    ended = radpipe("verify", tmp_path / "nowhere")
    assert ended.returncode == 2
    assert "RunError" in ended.stderr


def test_embeddings_are_told_not_to_be_verified(
    make_cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest, run = make_cohort(1), Run(tmp_path / "run")
    spec = PatchSpec((4, 4, 4), (3.0, 3.0, 3.0), "SPL", Window(0, 1), 0)
    cut_patches(manifest, spec, run.patch_run.path)
    ended = radpipe("verify", run.path)
    assert ended.returncode == 2
    assert "embeddings and patches are not verified" in ended.stderr
    with pytest.raises(RunError, match="not verified"):
        verify(run.patch_run.path)
    extract_run(manifest, SMALL, run.path)
    with suppress(SettingsError):
        # Where PyRadiomics is not installed.
        assert verify(run.path).passed
    assert f"{run.path}: its embeddings are not verified" in caplog.text


def test_without_pyradiomics_the_remedy_is_told(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = extract_run(make_cohort(1), SMALL, tmp_path / "run")
    monkeypatch.setattr("radpipe.extraction.engines.pyradiomics.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="not installed"):
        verify(run.path)


@pytest.mark.parametrize(
    ("found", "expected", "difference"),
    [
        (1.0, 1.0, 0.0),
        (1.0, 1.1, 0.1 / 1.1),
        (-2.0, 2.0, 2.0),
        (0.0, 9e-10, 0.0),
        (0.0, 2e-9, 1.0),
        (np.nan, np.nan, 0.0),
        (np.nan, 0.0, np.inf),
        (1.0, np.nan, np.inf),
        (np.inf, 1.0, np.inf),
        (1.0, -np.inf, np.inf),
        (np.inf, np.inf, 0.0),
        (-np.inf, np.inf, np.inf),
    ],
)
def test_relative_difference(found: float, expected: float, difference: float) -> None:
    assert relative_difference(found, expected) == pytest.approx(difference)


def test_the_table_of_a_case_with_other_labels(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest = make_cohort(1, {0: lambda pair: pair.change_mask(lambda mask: mask.__imul__(3))})
    table = pd.read_csv(manifest).assign(label=3)
    table.to_csv(manifest, index=False)
    assert verify(extract_run(manifest, SMALL, tmp_path / "run").path).passed


def test_a_case_that_cannot_be_compared_is_no_pass(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.extraction import verify as room

    run = extract_run(make_cohort(2), SMALL, tmp_path / "run")

    def fails(loaded, settings, engine):
        if engine == "pyradiomics" and loaded.case.case_id == "p1":
            raise ExtractionError("PyRadiomics failed")
        return row_of(loaded, settings, engine)

    row_of = room.row_of
    monkeypatch.setattr(room, "row_of", fails)
    found = verify(run.path)
    assert set(found.failed) == {"p1"}
    assert found.worst < 1e-9
    assert not found.passed


def test_a_run_of_pyradiomics_itself(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    found = verify(extract_run(make_cohort(1), SMALL, tmp_path / "run", engine="pyradiomics").path)
    assert found.passed
    assert found.worst == 0
    assert list(found.seconds) == ["pyradiomics"]
