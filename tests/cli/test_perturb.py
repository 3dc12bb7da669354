"""`radpipe perturb`, and `radpipe extract --control`, as a user runs them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Pair

Cohort = Callable[..., Path]
PARAMS = "featureClass: {firstorder: [Mean], glcm: [Contrast], shape: }\n"


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
    path = tmp_path / "p.yaml"
    path.write_text(PARAMS)
    return path


@pytest.mark.slow
def test_perturbed_extracted_and_judged(make_cohort: Cohort, tmp_path: Path, params: Path) -> None:
    from radpipe.prognosis.tables.stability import load_stability

    ended = radpipe(
        "perturb", make_cohort(3), "--out", "P", "--count", 3, "--workers", 2,
        "--perturbations", "noise+rotation+shift+growth", cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("9 versions of 3 cases, in ")
    facts = json.loads((tmp_path / "P" / "perturb.json").read_text())
    assert (facts["count"], facts["seed"], facts["perturbed"]) == (3, 0, 9)
    assert facts["perturbations"] == ["noise+rotation+shift+growth"]
    ended = radpipe("extract", "P/cohort.csv", "--params", params, "--out", "RUN", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    found = load_stability(tmp_path / "RUN")
    assert {"original_shape_MeshVolume", "original_glcm_Contrast"} <= set(found.index)
    assert (found["low"].dropna() <= found["icc"].dropna()).all()


def test_some_cases_failed(make_cohort: Cohort, tmp_path: Path) -> None:
    def empty(pair: Pair) -> None:
        pair.change_mask(lambda array: array.fill(0))

    ended = radpipe(
        "perturb", make_cohort(2, {1: empty}), "--out", "P", "--perturbations", "growth",
        "--count", 2, "--workers", 0, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "failed: case p1: the mask is empty" in ended.stderr
    assert "1 version(s) failed: P/failures.csv" in ended.stderr
    assert list(pd.read_csv(tmp_path / "P" / "cohort.csv")["unperturbed"]) == ["p0", "p0"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--perturbations", "rotaton"], "did you mean rotation"),
        (["--out", "."], "not empty"),
        (["--count", "0"], "--count"),
    ],
)
def test_wrong_input(make_cohort: Cohort, tmp_path: Path, change: list[str], told: str) -> None:
    manifest = make_cohort(1)
    given = ["--out", "P", "--perturbations", "growth", *change]
    ended = radpipe("perturb", manifest, *given, cwd=tmp_path)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "P").exists()


def test_a_control_says_so_in_the_run(make_cohort: Cohort, tmp_path: Path, params: Path) -> None:
    given = ("extract", make_cohort(1), "--params", params, "--workers", 0)
    for out, control in (("PLAIN", []), ("CONTROL", ["--control", "shuffled-voxels"])):
        ended = radpipe(*given, "--out", out, *control, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    facts = [json.loads((tmp_path / out / "run.json").read_text()) for out in ("PLAIN", "CONTROL")]
    assert [each["control"] for each in facts] == [None, "shuffled-voxels"]
    assert all("control_note" not in each for each in facts)
    ended = radpipe("merge", "PLAIN", "CONTROL", "--out", "BOTH", cwd=tmp_path)
    assert ended.returncode == 2
    assert "control" in ended.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_a_control_before_resampling_says_what_changes_besides(
    make_cohort: Cohort, tmp_path: Path, as_json: bool
) -> None:
    params = tmp_path / "resampled.yaml"
    params.write_text("{imageType: {Original: {}}, setting: {resampledPixelSpacing: [2, 2, 2]}}")
    given = ["--params", params, "--workers", 0, "--out", "RUN", "--control", "shuffled-voxels"]
    ended = radpipe("extract", make_cohort(1), *given, *["--json"][:as_json], cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    note = json.loads((tmp_path / "RUN" / "run.json").read_text())["control_note"]
    assert "first-order features change as well" in note
    assert note in (ended.stderr if as_json else ended.stdout)


def test_an_unknown_control(make_cohort: Cohort, tmp_path: Path, params: Path) -> None:
    ended = radpipe(
        "extract", make_cohort(1), "--params", params, "--out", "RUN", "--control", "none",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "expected: shuffled-voxels" in ended.stderr
