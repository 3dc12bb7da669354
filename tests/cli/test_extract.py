"""`radpipe extract` as a user runs it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from radpipe.store import Run
from tests.conftest import Pair

Cohort = Callable[..., Path]
SMALL = "featureClass: {firstorder: [Mean], shape: }\n"


def radpipe(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from radpipe.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_done(make_cohort: Cohort, tmp_path: Path, params: Path) -> None:
    manifest = make_cohort(2)
    ended = radpipe(
        "extract", manifest, "--params", params, "--out", "RUN", "--workers", 2, "--csv",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "2 of 2 cases" in ended.stdout
    assert len(pd.read_csv(tmp_path / "RUN" / "features.csv")) == 2


def test_some_cases_failed(make_cohort: Cohort, tmp_path: Path, params: Path) -> None:
    def spoil(pair: Pair) -> None:
        pair.change_mask(lambda array: array.fill(0))

    manifest = make_cohort(2, {1: spoil})
    ended = radpipe(
        "extract", manifest, "--params", params, "--out", "RUN", "--workers", 0, cwd=tmp_path
    )
    assert ended.returncode == 1
    assert "case p1" in ended.stderr
    assert "the mask is empty" in ended.stderr
    assert list(Run(tmp_path / "RUN").features()[0]["case_id"]) == ["p0"]


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("imageType: {LoG: {sgima: [1]}}", "imageType.LoG.sgima: unknown key"),
        ("setting: {binWidth: wide}", "setting.binWidth: wrong value"),
    ],
)
def test_a_wrong_parameter_file_is_told_before_any_image_is_read(
    tmp_path: Path, yaml: str, told: str
) -> None:
    (tmp_path / "cohort.csv").write_text("patient_id,image,mask\nA,no.nii,no.nii\n")
    (tmp_path / "p.yaml").write_text(yaml)
    ended = radpipe("extract", "cohort.csv", "--params", "p.yaml", "--out", "RUN", cwd=tmp_path)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "RUN").exists()


def test_a_missing_manifest_is_wrong_input(tmp_path: Path) -> None:
    ended = radpipe("extract", "none.csv", "--params", "ct", "--out", "RUN", cwd=tmp_path)
    assert ended.returncode == 2
    assert "CohortError: none.csv" in ended.stderr


def test_without_pyradiomics_the_remedy_is_told(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.errors import SettingsError
    from radpipe.extraction.batch import extract_run
    from radpipe.extraction.engines import pyradiomics

    monkeypatch.setattr(pyradiomics, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"not installed.*(3\.11|no-build-isolation)"):
        extract_run(make_cohort(1), "ct", tmp_path / "run", engine="pyradiomics")
