"""Estimates of memory, held against what a process of its own takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.batch import memory
from radpipe.extraction.batch.memory import Need, estimate
from radpipe.extraction.settings import ExtractionSettings, read_settings

MB = 1 << 20
PLAIN: dict[str, Any] = {"imageType": {"Original": {}}}
WAVELETS: dict[str, Any] = {"imageType": {"Original": {}, "Wavelet": {}}}
NORMALISED: dict[str, Any] = {**PLAIN, "setting": {"normalize": True, "binWidth": 0.2}}
FINE: dict[str, Any] = {**WAVELETS, "setting": {"resampledPixelSpacing": [0.5, 0.5, 0.5]}}
# As a worker comes to a job: with Dask, and all that a case imports.
ONE_CASE = """
import json, sys
from pathlib import Path
import distributed
from radpipe.cohort import Case
from radpipe.extraction.batch import extract_run
from radpipe.extraction.case import load_case, row_of
from radpipe.extraction.settings import read_settings
settings = read_settings(json.loads(sys.argv[3]))
case = Case("c", "p", Path(sys.argv[1]), Path(sys.argv[2]), 1, 0)
row_of(load_case(case, settings), settings, "fast")
# Not ru_maxrss, which starts from what the parent had.
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""

# The same, of a case whose patch is cut and drawn.
ONE_PATCH = """
import sys
from pathlib import Path
import distributed
from radpipe.cohort import Case
from radpipe.extraction.batch.recipe import PatchRecipe
from radpipe.extraction.batch import extract_run
from radpipe.extraction.case import load_case
from radpipe.extraction.picture import draw_overlay
from radpipe.networks.encoders import ENCODERS
recipe = PatchRecipe(spec=ENCODERS["fmcib"].patch)
case = Case("c", "p", Path(sys.argv[1]), Path(sys.argv[2]), 1, 0)
loaded = load_case(case, recipe.settings)
recipe.made(loaded)
draw_overlay(loaded.image, loaded.mask, 1, Path(sys.argv[1]).with_suffix(".png"), loaded.extent.box)
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""


def write_pair(
    folder: Path, size: int, box: int, dtype: type = np.float32, mask_size: int | None = None
) -> tuple[Path, Path]:
    shape = (size,) * 3
    image = np.random.default_rng(0).normal(100, 30, shape).astype(dtype)
    mask = np.zeros((mask_size or size,) * 3, np.uint8)
    mask[(slice(1, box + 1),) * 3] = 1
    paths = folder / "image.nrrd", folder / "mask.nrrd"
    for array, path in zip((image, mask), paths, strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return paths


def settings_of(*contents: dict[str, Any]) -> list[ExtractionSettings]:
    return [read_settings(content) for content in contents]


def expected(pair: tuple[Path, Path], *contents: dict[str, Any], engine: str = "fast") -> int:
    return estimate(pair[0], [(pair[1], 0)], settings_of(*contents), engine, by_rois=True).expected


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak")
@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1",
    reason="measures the memory of compiled kernels; as plain Python they take minutes",
)
@pytest.mark.parametrize(
    ("size", "box", "content"),
    [(130, 126, WAVELETS), (220, 10, NORMALISED), (60, 40, FINE), (20, 10, PLAIN)],
)
def test_a_process_takes_what_is_expected(
    tmp_path: Path, size: int, box: int, content: dict[str, Any]
) -> None:
    pair = write_pair(tmp_path, size, box)
    command = [sys.executable, "-c", ONE_CASE, *map(str, pair), json.dumps(content)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    peak = int(done.stdout)
    need = estimate(pair[0], [(pair[1], 0)], settings_of(content), "fast", by_rois=True)
    assert need.least < peak
    assert 0.8 < need.expected / peak < 1.6


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak")
@pytest.mark.parametrize(("size", "box"), [(220, 10), (220, 200)])
def test_a_process_that_cuts_a_patch_takes_what_is_expected(
    tmp_path: Path, size: int, box: int
) -> None:
    pair = write_pair(tmp_path, size, box)
    command = [sys.executable, "-c", ONE_PATCH, *map(str, pair)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    peak = int(done.stdout)
    need = estimate(pair[0], [(pair[1], 0)], [read_settings(None)], "patches", by_rois=True)
    assert need.least < peak
    assert 1.0 < need.expected / peak < 1.6


@pytest.mark.parametrize(("dtype", "voxel_bytes"), [(np.int16, 2), (np.float64, 8)])
def test_the_least_is_what_is_read(tmp_path: Path, dtype: type, voxel_bytes: int) -> None:
    least = [
        estimate(image, [(mask, 0)], settings_of(PLAIN), "fast", by_rois=True).least
        for image, mask in (write_pair(tmp_path, size, 5, dtype) for size in (10, 50))
    ]
    assert least[1] - least[0] == (50**3 - 10**3) * (voxel_bytes + 4)


def test_what_takes_more_is_expected_to(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, 80, 30)
    plain = expected(pair, PLAIN)
    for more in (WAVELETS, NORMALISED, FINE):
        assert expected(pair, more) > plain
        assert expected(pair, PLAIN, more) > expected(pair, more)
    assert expected(pair, WAVELETS, engine="pyradiomics") > expected(pair, WAVELETS)
    assert expected(write_pair(tmp_path, 80, 70), PLAIN) > plain


def test_masks_are_read_only_where_the_worst_case_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, mask = write_pair(tmp_path, 100, 10)
    settings = settings_of(WAVELETS)
    worst = expected(write_pair(tmp_path, 100, 99), WAVELETS)
    write_pair(tmp_path, 100, 10)
    assert estimate(image, [(mask, 0)], settings, "fast", by_rois=True).expected < worst - 100 * MB

    def read(path: Path, channel: int) -> sitk.Image:
        raise AssertionError("the mask is read")

    monkeypatch.setattr(memory, "read_mask", read)
    assert estimate(image, [(mask, 0)], settings, "fast", by_rois=False).expected >= worst
    with pytest.raises(AssertionError, match="the mask is read"):
        estimate(image, [(mask, 0)], settings, "fast", by_rois=True)


def test_the_largest_roi_of_all_masks_counts(tmp_path: Path) -> None:
    for name, box in (("small", 10), ("large", 60)):
        (tmp_path / name).mkdir()
        write_pair(tmp_path / name, 80, box)
    image = tmp_path / "small" / "image.nrrd"
    masks = [(tmp_path / name / "mask.nrrd", 0) for name in ("large", "small")]
    settings = settings_of(WAVELETS)
    both = estimate(image, masks, settings, "fast", by_rois=True)
    assert both == estimate(image, masks[:1], settings, "fast", by_rois=True)
    assert both.expected > estimate(image, masks[1:], settings, "fast", by_rois=True).expected


def test_without_a_header_nothing_is_said(tmp_path: Path) -> None:
    image, mask = write_pair(tmp_path, 10, 5)
    image.write_bytes(b"no image")
    for path in (image, tmp_path / "none.nrrd"):
        assert estimate(path, [(mask, 0)], settings_of(PLAIN), "fast", by_rois=True) == Need(0, 0)


def test_a_mask_without_a_header_leaves_the_others_estimate_as_it_is(tmp_path: Path) -> None:
    image, mask = write_pair(tmp_path, 50, 30)
    (tmp_path / "broken.nrrd").write_bytes(b"no mask")
    alone = estimate(image, [(mask, 0)], settings_of(PLAIN), "fast", by_rois=True)
    masks = [(tmp_path / "broken.nrrd", 0), (mask, 0), (tmp_path / "none.nrrd", 0)]
    assert estimate(image, masks, settings_of(PLAIN), "fast", by_rois=True) == alone


def test_the_channel_of_the_roi_counts(tmp_path: Path) -> None:
    image, mask = write_pair(tmp_path, 80, 10)
    large = sitk.ReadImage(str(write_pair(tmp_path, 80, 60)[1]))
    small = sitk.ReadImage(str(write_pair(tmp_path, 80, 10)[1]))
    sitk.WriteImage(sitk.Compose(small, large), str(mask))
    first, second = (
        estimate(image, [(mask, channel)], settings_of(WAVELETS), "fast", by_rois=True).expected
        for channel in (0, 1)
    )
    # Of 60 × 60 × 60 doubles and more, where the first channel has 10 × 10 × 10.
    assert second - first > 8 * (60**3 - 10**3)


def test_a_mask_that_cannot_be_used_is_left_to_the_job(tmp_path: Path) -> None:
    image, mask = write_pair(tmp_path, 10, 5)
    sitk.WriteImage(sitk.Image(10, 10, sitk.sitkUInt8), str(tmp_path / "flat.png"))
    sitk.WriteImage(sitk.Image([10] * 3, sitk.sitkFloat32) + 0.5, str(tmp_path / "parts.nrrd"))
    masks = [(tmp_path / "flat.png", 0), (tmp_path / "parts.nrrd", 0), (mask, 0)]
    found = estimate(image, masks, settings_of(PLAIN), "fast", by_rois=True)
    assert found == estimate(image, [(mask, 0)], settings_of(PLAIN), "fast", by_rois=True)


def test_settings_that_do_not_fit_the_image_are_left_to_the_job(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, 10, 5)
    flat = {**PLAIN, "setting": {"resampledPixelSpacing": [1, 1]}}
    assert expected(pair, flat) > 0
    assert expected(pair, PLAIN, engine="another") == expected(pair, PLAIN)
