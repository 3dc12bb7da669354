"""`radpipe maps` as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe import feature_maps
from tests.conftest import Pair

PARAMS = "featureClass: {firstorder: [Mean, Range], ngtdm: }\nvoxelSetting: {initValue: -1}\n"


def radpipe(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from radpipe.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


@pytest.fixture
def files(tmp_path: Path, pair: Pair) -> tuple[Path, Path]:
    (tmp_path / "p.yaml").write_text(PARAMS)
    return pair.write(tmp_path)


def test_done(tmp_path: Path, files: tuple[Path, Path]) -> None:
    ended = radpipe(
        "maps", *files, "--params", "p.yaml", "--out", "M", "--threads", 2, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "7 maps: M\n"
    expected = feature_maps(*files, tmp_path / "p.yaml")
    facts = json.loads((tmp_path / "M" / "maps.json").read_text())
    assert facts["maps"] == [f"{name}.nrrd" for name in expected]
    assert facts["settings"]["voxelSetting"]["initValue"] == -1
    assert facts["settings"]["voxelSetting"]["kernelRadius"] == 1
    assert facts["engine"] == "fast"
    assert set(facts["inputs"]) == {"image", "mask"}
    for name, drawn in expected.items():
        read = sitk.ReadImage(str(tmp_path / "M" / f"{name}.nrrd"))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read), sitk.GetArrayFromImage(drawn))
        assert read.GetOrigin() == drawn.GetOrigin()
        assert b"encoding: gzip" in (tmp_path / "M" / f"{name}.nrrd").read_bytes()[:2000]


def test_some_maps_as_large_as_the_image(
    tmp_path: Path, files: tuple[Path, Path], pair: Pair
) -> None:
    ended = radpipe(
        "maps", *files, "--params", "p.yaml", "--out", "M", "--features", "*_Range", "--full",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in (tmp_path / "M").glob("*.nrrd")] == [
        "original_firstorder_Range.nrrd"
    ]
    drawn = sitk.ReadImage(str(tmp_path / "M" / "original_firstorder_Range.nrrd"))
    assert drawn.GetSize() == pair.image.GetSize()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--label", "4"], "LabelNotFoundError"),
        (["--features", "*_Meen"], "no map has such a name"),
        (["--out", "."], "not empty"),
        (["--params", "none.yaml"], "no such parameter file"),
    ],
)
def test_wrong_input(
    tmp_path: Path, files: tuple[Path, Path], change: list[str], message: str
) -> None:
    ended = radpipe("maps", *files, "--params", "p.yaml", "--out", "M", *change, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.rglob("*.nrrd"))
