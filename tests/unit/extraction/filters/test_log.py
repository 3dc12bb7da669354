"""The Laplacian of a Gaussian against ITK and closed forms."""

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.filters import log
from radpipe.extraction.grid import Grid, Undefined
from tests.unit.extraction.filters.cases import DTYPES, boxes, noise, some_roi
from tests.unit.extraction.filters.conftest import Reference, as_itk


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", [1, 3.7])
@pytest.mark.parametrize("shape", [(8, 9, 11), (4, 7, 35), (9, 12)])
def test_it_has_itk_bits(shape: tuple[int, ...], sigma: float, dtype: type) -> None:
    image = noise(shape, dtype)
    whole = sitk.LaplacianRecursiveGaussian(as_itk(image), sigma=sigma, normalizeAcrossScale=True)
    for box in boxes(shape)[::2]:
        box = tuple(
            slice(part.start, min(part.stop, n)) for part, n in zip(box, shape, strict=True)
        )
        ((_, found),) = log.apply(image, image.array > 0, box, log.LoGSetting(sigma=[sigma]))
        assert isinstance(found, np.ndarray)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, sitk.GetArrayFromImage(whole)[box])


def test_integers_beyond_float32_have_itk_bits() -> None:
    array = np.random.default_rng(0).integers(2**24, 2**26, (5, 6, 7)).astype(np.int32)
    image, box = Grid(array, (1.0, 1.0, 1.0)), (slice(0, 5), slice(1, 4), slice(2, 7))
    whole = sitk.LaplacianRecursiveGaussian(as_itk(image), sigma=1.5, normalizeAcrossScale=True)
    ((_, found),) = log.apply(image, array > 0, box, log.LoGSetting(sigma=[1.5]))
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(whole)[box])


def test_its_names_and_values_are_pyradiomics(reference: Reference) -> None:
    image, box = noise((8, 9, 11), np.float32), (slice(2, 6), slice(1, 9), slice(3, 8))
    roi = some_roi((8, 9, 11), box)
    wanted = reference("LoG", image, roi, box, sigma=[1, 1.0, 2.25])
    found = dict(log.apply(image, roi, box, log.LoGSetting(sigma=[1, 1.0, 2.25])))
    assert list(found) == list(wanted)
    for name, derived in found.items():
        np.testing.assert_array_equal(derived, wanted[name])


def test_a_parabola_gives_its_curvature_times_the_squared_width() -> None:
    x_mm = 0.5 * np.arange(-40, 41)
    image = Grid(np.tile(x_mm**2, (40, 1)), (1.0, 0.5))
    box = (slice(20, 21), slice(38, 43))
    ((_, found),) = log.apply(image, image.array > 0, box, log.LoGSetting(sigma=[2.0]))
    # Deriche's fit of the Gaussian is good to a few per mille.
    np.testing.assert_allclose(found, 2 * 2.0**2, rtol=0.01)


@pytest.mark.parametrize(
    ("shape", "sigma", "why"),
    [((3, 9, 9), 1.0, "4 voxels"), ((8, 9, 11), 17.6, "more than 8 voxels of 2.5 mm")],
)
def test_it_is_undefined_in_too_small_an_image(
    reference: Reference, shape: tuple[int, ...], sigma: float, why: str
) -> None:
    image, box = noise(shape, np.float32), tuple(slice(0, size) for size in shape)
    ((name, found),) = log.apply(image, image.array > 0, box, log.LoGSetting(sigma=[sigma]))
    assert isinstance(found, Undefined)
    assert why in found.reason
    assert name not in reference("LoG", image, image.array > 0, box, sigma=[sigma])


def test_it_is_defined_in_an_image_just_large_enough(reference: Reference) -> None:
    image, box = noise((8, 9, 27), np.float32), (slice(0, 8), slice(0, 9), slice(0, 27))
    setting = log.LoGSetting(sigma=[8.8])
    ((name, found),) = log.apply(image, image.array > 0, box, setting)
    wanted = reference("LoG", image, image.array > 0, box, sigma=[8.8])
    np.testing.assert_array_equal(found, wanted[name])


def test_without_widths_there_is_nothing() -> None:
    image = noise((8, 9, 11), np.float32)
    assert list(log.apply(image, image.array > 0, (slice(0, 2),) * 3, log.LoGSetting())) == []
