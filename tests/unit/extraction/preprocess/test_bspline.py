from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.kernels.bspline import filter_lines
from radpipe.extraction.preprocess import bspline
from radpipe.extraction.preprocess.bspline import resample_bspline
from radpipe.extraction.preprocess.target_grid import TargetGrid
from tests.reference import cases

PERMUTED = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TILTED = (1.0, 0.0, 0.0, 0.0, 0.8, -0.6, 0.0, 0.6, 0.8)
PIXELS = [*cases.LEVELS]


def lesion(pixel: str = "int16", size: tuple[int, ...] = (6, 7, 8), **kwargs: object) -> sitk.Image:
    return cases.Lesion(
        pixel=pixel, size=size, spacing_mm=(3.0, 1.5, 1.25)[-len(size) :], **kwargs
    )()[0]


def grid_over(
    image: sitk.Image, ratio: tuple[float, ...], first: tuple[float, ...] = (), size: int = 9
) -> TargetGrid:
    """Lay a grid from a place in the image, in voxels, with voxels of ``ratio`` times the size."""
    n = image.GetDimension()
    origin = image.TransformContinuousIndexToPhysicalPoint(first[:n] or (-0.3,) * n)
    spacing = [length * by for length, by in zip(image.GetSpacing(), ratio, strict=False)]
    return TargetGrid([size, size - 1, size - 2][:n], origin, spacing, image.GetDirection())


def compared(image: sitk.Image, grid: TargetGrid) -> tuple[np.ndarray, np.ndarray]:
    found, wanted = resample_bspline(image, grid), grid.resample(image, sitk.sitkBSpline)
    for place in ("Size", "Origin", "Spacing", "Direction", "PixelID"):
        assert getattr(found, f"Get{place}")() == getattr(wanted, f"Get{place}")()
    return sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(wanted)


@pytest.fixture
def no_itk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sure that it is our spline which is compared."""
    values = bspline._values

    def ours(*args: object) -> np.ndarray:
        ours.called = True
        return values(*args)

    ours.called = False
    monkeypatch.setattr(bspline, "_values", ours)
    yield
    assert ours.called


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("ratio", [(0.7, 0.8, 0.6), (1.6, 1.0, 0.5), (1 / 3, 1 / 3, 1 / 3)])
@pytest.mark.parametrize("pixel", [name for name in PIXELS if name != "int64"])
def test_every_pixel_type_is_itks_to_the_last_bit(pixel: str, ratio: tuple[float, ...]) -> None:
    image = lesion(pixel)
    np.testing.assert_array_equal(*compared(image, grid_over(image, ratio)))


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("direction", [cases.FLIPPED, PERMUTED])
@pytest.mark.parametrize("pixel", ["int16", "float64"])
def test_axes_may_be_flipped_and_permuted(pixel: str, direction: tuple[float, ...]) -> None:
    image = lesion(pixel, direction=direction)
    np.testing.assert_array_equal(*compared(image, grid_over(image, (0.7, 0.8, 0.6))))


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("size", [(1, 5, 6), (3, 4, 6), (18, 4, 3), (3, 19, 4), (4, 3, 40), (5, 6)])
@pytest.mark.parametrize("pixel", ["int16", "float64"])
def test_short_and_long_axes(pixel: str, size: tuple[int, ...]) -> None:
    image = lesion(pixel, size)
    np.testing.assert_array_equal(*compared(image, grid_over(image, (0.45, 0.7, 0.8))))


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_voxels_are_mirrored_without_end(axis: int) -> None:
    # ITK itself reads beyond its memory; of five voxels that are so mirrored it does not.
    two = np.moveaxis(cases.noise(1, (2, 4, 5)).astype(float), 0, axis)
    five = np.take(two, [0, 1, 0, 1, 0], axis)
    images = sitk.GetImageFromArray(two), sitk.GetImageFromArray(five)
    grid = TargetGrid([8, 8, 8], (-0.4, -0.4, -0.4), [0.23, 0.23, 0.23], images[0].GetDirection())
    found = sitk.GetArrayFromImage(resample_bspline(images[0], grid))
    wanted = sitk.GetArrayFromImage(grid.resample(images[1], sitk.sitkBSpline))
    np.testing.assert_allclose(found, wanted, atol=1e-11)


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("pixel", ["int16", "float64"])
def test_far_from_both_ends_a_part_of_the_image_is_enough(pixel: str, axis: int) -> None:
    size = [3, 3, 3]
    size[axis] = 150
    image = lesion(pixel, tuple(size))
    first = [0.2, 0.2, 0.2]
    first[2 - axis] = 70.2
    found, wanted = compared(image, grid_over(image, (0.3, 0.3, 0.3), tuple(first)))
    assert np.ptp(wanted) > 0
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("place", [-0.5, -0.50001, 5.6, 40.0, -40.0])
def test_beyond_the_image_is_zero(place: float) -> None:
    image = lesion("uint16")
    found, wanted = compared(image, grid_over(image, (0.5, 0.5, 0.5), (place, 1.0, 1.0)))
    assert (wanted == 0).any() or place == -0.5
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.usefixtures("no_itk")
@pytest.mark.parametrize("direction", [cases.OBLIQUE, TILTED])
def test_oblique_images_differ_by_rounding_alone(direction: tuple[float, ...]) -> None:
    for pixel, most in (("float64", 1e-12), ("float32", 1.2e-7), ("int16", 0)):
        image = lesion(pixel, direction=direction)
        found, wanted = compared(image, grid_over(image, (0.7, 0.8, 0.6)))
        np.testing.assert_allclose(found, wanted, rtol=most, atol=1000 * most)


def test_where_rounding_decides_in_an_oblique_image_itk_does() -> None:
    constant = cases.Lesion(flat=True, size=(8, 9, 10), direction=cases.OBLIQUE)()[0]
    np.testing.assert_array_equal(*compared(constant, grid_over(constant, (0.7, 0.8, 0.6))))
    image = lesion("float32", direction=cases.OBLIQUE)
    at_edge = grid_over(image, (0.5, 0.5, 0.5), (-0.5, -0.5, -0.5))
    np.testing.assert_array_equal(*compared(image, at_edge))


def test_grids_that_are_not_parallel_and_wide_integers_are_itks() -> None:
    image = lesion("float32")
    grid = grid_over(image, (0.7, 0.8, 0.6))
    turned = TargetGrid(grid.size, grid.origin_mm, grid.spacing_mm, TILTED)
    np.testing.assert_array_equal(*compared(image, turned))
    np.testing.assert_array_equal(*compared(lesion("int64"), grid))


@pytest.mark.parametrize("samples", [2, 5, 30])
def test_the_spline_goes_through_its_samples(samples: int) -> None:
    values = np.random.default_rng(samples).normal(size=(2, samples, 3))
    c = values.copy()
    filter_lines(c)
    c = np.pad(c, ((0, 0), (1, 1), (0, 0)), mode="reflect")
    through = (c[:, :-2] + 4 * c[:, 1:-1] + c[:, 2:]) / 6
    # ITK neglects what adds less than 1e-10 at the first sample of a long line.
    np.testing.assert_allclose(through, values, atol=1e-9 if samples > 18 else 1e-14)
