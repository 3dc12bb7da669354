"""What a case's row says of its ROI, beside the engine's values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.cohort import Case
from radpipe.extraction.case import load_case, row_of
from radpipe.extraction.settings import read_settings
from tests.conftest import Pair


def flags_of(pair: Pair, tmp_path: Path, engine: str = "fast", **content: object) -> list[object]:
    settings = read_settings({"setting": {"binWidth": 5}, **content})
    loaded = load_case(Case("c", "p", *pair.write(tmp_path), label=1), settings)
    told = row_of(loaded, settings, engine).diagnostics
    return [told[name] for name in ("roi_voxels", "roi_touches_edge", "flat_image_types")]


def test_flags_of_an_ordinary_roi(pair: Pair, tmp_path: Path) -> None:
    voxels = np.count_nonzero(sitk.GetArrayViewFromImage(pair.mask))
    assert flags_of(pair, tmp_path) == [voxels, False, 0]


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_roi_at_the_edge_is_flagged(pair: Pair, tmp_path: Path, place: int, axis: int) -> None:
    at = [5, 10, 11]
    at[axis] = place
    pair.change_mask(lambda array: array.__setitem__(tuple(at), 1))
    assert flags_of(pair, tmp_path)[1] is True


def test_an_image_of_one_slice_has_no_edge_across_it(pair: Pair, tmp_path: Path) -> None:
    pair.image, pair.mask = pair.image[:, :, 5:6], pair.mask[:, :, 5:6]
    assert flags_of(pair, tmp_path)[1] is False


@pytest.mark.parametrize("engine", ["fast", "pyradiomics"])
@pytest.mark.parametrize("classes", [["firstorder"], ["glcm"], ["glrlm"], ["gldm", "shape"]])
def test_flat_image_types_are_counted(
    request: pytest.FixtureRequest, pair: Pair, tmp_path: Path, classes: list[str], engine: str
) -> None:
    if engine == "pyradiomics":
        request.getfixturevalue(engine)
    content = {
        "featureClass": dict.fromkeys(classes),
        "imageType": {"Original": {"binWidth": 100_000}, "Square": {}, "Gradient": {"binCount": 1}},
    }
    assert flags_of(pair, tmp_path, engine, **content)[2] == 2
    assert flags_of(pair, tmp_path, engine, featureClass={"shape": None})[2] == 0
