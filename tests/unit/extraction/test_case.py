"""A case's overlay picture: a wrong mask must be seen; and what its row says of the ROI."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.cohort import Case
from radpipe.extraction.case import draw_overlay, load_case, row_of
from radpipe.extraction.settings import read_settings
from tests.conftest import Pair

# A box of 40 mm with a margin of 25 mm on each side, in a picture of 240 pixels.
SIZE, SCALE = 100, 240 / 90


def contour_of(tmp_path: Path, mask: np.ndarray, direction: tuple[float, ...]) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = sitk.GetImageFromArray(rng.normal(size=mask.shape).astype(np.float32))
    label = sitk.GetImageFromArray(mask.astype(np.uint8))
    for each in (image, label):
        each.SetDirection(direction)
    draw_overlay(image, label, 1, tmp_path / "o.png")
    red, green, blue = np.moveaxis(matplotlib.image.imread(tmp_path / "o.png")[..., :3], -1, 0)
    return np.argwhere((red > 0.8) & (green > 0.5) & (green < 0.85) & (blue < 0.3)) / SCALE


def box() -> np.ndarray:
    mask = np.zeros((5, SIZE, SIZE), dtype=bool)
    mask[1, 30:40, 30:40] = True
    mask[3, 25:65, 35:75] = True
    return mask


def test_the_contour_lies_on_the_edge_of_the_largest_slice(tmp_path: Path) -> None:
    found = contour_of(tmp_path, box(), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    top, left = 25, 25
    assert np.abs(found.min(axis=0) - (top, left)).max() < 1.5
    assert np.abs(found.max(axis=0) - (top + 40, left + 40)).max() < 1.5
    inside = (np.abs(found - (top + 20, left + 20)).max(axis=1) < 15).mean()
    assert inside == 0


def test_a_flipped_grid_is_shown_as_a_radiologist_looks_at_it(tmp_path: Path) -> None:
    mask = np.zeros((3, SIZE, SIZE), dtype=bool)
    mask[1, 0:20, 0:40] = True
    as_is = contour_of(tmp_path, mask, (1, 0, 0, 0, 1, 0, 0, 0, 1))
    flipped = contour_of(tmp_path, mask[:, ::-1, ::-1], (-1, 0, 0, 0, -1, 0, 0, 0, 1))
    assert np.allclose(as_is.mean(axis=0), flipped.mean(axis=0), atol=0.5)


def test_a_mask_on_another_grid_is_drawn_where_it_lies(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(5, SIZE, SIZE)))
    mask = sitk.GetImageFromArray(box().astype(np.uint8))
    draw_overlay(image, mask, 1, tmp_path / "whole.png")
    draw_overlay(image, mask[20:90, 15:80, 1:], 1, tmp_path / "part.png")
    assert (tmp_path / "part.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


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
