"""The overlay picture: a wrong mask must be seen, so the contour must be where the mask is."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import SimpleITK as sitk

from radpipe.extraction.picture import draw_overlay

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
