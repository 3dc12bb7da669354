"""The Snakemake rule that the documentation gives, run as it stands there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Pair
from tests.faults.documents import block
from tests.faults.harness import Cohort

HERE = str(Path(sys.executable).parent)
PATH = os.pathsep.join([HERE, os.environ.get("PATH", "")])


@pytest.fixture
def pipeline(make_cohort: Cohort) -> Path:
    """A folder with the documentation's Snakefile and a cohort of which one case fails."""
    if shutil.which("snakemake", path=PATH) is None:
        pytest.skip("needs snakemake, which is not installed")
    folder = make_cohort(3, {1: empty_mask}).parent
    (folder / "params.yaml").write_text("featureClass: {firstorder: , shape: }\n")
    (folder / "Snakefile").write_text(block("pipelines.md", "Snakefile"))
    return folder


def empty_mask(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def snakemake(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["snakemake", "--cores", "2"],
        cwd=folder, env={**os.environ, "PATH": PATH}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def summary(folder: Path) -> dict[str, int]:
    (run,) = json.loads((folder / "results" / "summary.json").read_text())["runs"]
    return {name: run[name] for name in ("rows", "reused", "computed", "failures")}


@pytest.mark.slow
def test_the_documented_rule(pipeline: Path) -> None:
    first = snakemake(pipeline)
    assert first.returncode == 0, first.stderr
    assert summary(pipeline) == {"rows": 2, "reused": 0, "computed": 2, "failures": 1}
    table = pd.read_parquet(pipeline / "results" / "features.parquet")
    assert list(table["case_id"]) == ["p0", "p2"]
    assert list(pd.read_parquet(pipeline / "results" / "failures.parquet")["case_id"]) == ["p1"]

    assert "Nothing to be done" in snakemake(pipeline).stderr

    shutil.copy(pipeline / "p0_mask.nii.gz", pipeline / "p1_mask.nii.gz")
    mended = snakemake(pipeline)
    assert mended.returncode == 0, mended.stderr
    assert summary(pipeline) == {"rows": 3, "reused": 2, "computed": 1, "failures": 0}


@pytest.mark.slow
def test_the_rule_fails_on_wrong_input_and_keeps_the_run(pipeline: Path) -> None:
    assert snakemake(pipeline).returncode == 0
    (pipeline / "params.yaml").write_text("setting: {binWdth: 1}\n")
    refused = snakemake(pipeline)
    assert refused.returncode != 0
    assert "setting.binWdth: unknown key" in refused.stderr
    (pipeline / "params.yaml").write_text("featureClass: {shape: , firstorder: }\n")
    assert snakemake(pipeline).returncode == 0
    assert summary(pipeline) == {"rows": 2, "reused": 2, "computed": 0, "failures": 1}
