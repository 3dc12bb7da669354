"""What holds of every filter, and those that are pointwise."""

import numpy as np
import pytest

from radpipe.extraction.filters import FILTERS
from radpipe.extraction.grid import Grid, Undefined
from radpipe.extraction.settings import Setting
from tests.unit.extraction.filters.cases import DTYPES, EVEN, ODD, boxes, noise, some_roi
from tests.unit.extraction.filters.conftest import Reference

POINTWISE = ("Original", "Square", "SquareRoot", "Logarithm", "Exponential")


def test_the_table_holds_pyradiomics_image_types(pyradiomics: None) -> None:
    from radiomics import getImageTypes

    assert sorted(FILTERS) == sorted(getImageTypes())


@pytest.mark.parametrize("image_type", FILTERS)
@pytest.mark.parametrize("shape", [ODD, EVEN])
def test_results_have_the_planned_names_and_the_size_of_the_box(
    image_type: str, shape: tuple[int, ...]
) -> None:
    if image_type == "LBP2D":
        pytest.importorskip("skimage", reason="needs scikit-image, an optional dependency")
    setting = Setting(sigma=[1, 1.0, 2.5], level=2, lbp3DLevels=3)
    image, box = noise(shape, np.float32), (slice(2, 5), slice(0, 6), slice(3, 7))
    found = dict(FILTERS[image_type].apply(image, some_roi(shape, box), box, setting))
    assert list(found) == FILTERS[image_type].names(setting)
    assert all(isinstance(each, np.ndarray) for each in found.values())
    assert {each.shape for each in found.values()} == {(3, 6, 4)}


@pytest.mark.parametrize("image_type", POINTWISE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("centre", [0, 100, -2000])
def test_pointwise_filters_have_pyradiomics_bits(
    reference: Reference, image_type: str, dtype: type, centre: float
) -> None:
    for shape in (ODD, EVEN, ODD[1:]):
        image = noise(shape, dtype, centre if dtype != np.uint8 else abs(centre) % 250)
        for box in boxes(shape):
            roi = some_roi(shape, box)
            wanted = reference(image_type, image, roi, box)
            ((name, found),) = FILTERS[image_type].apply(image, roi, box, Setting())
            assert isinstance(found, np.ndarray)
            assert found.dtype == wanted[name].dtype
            np.testing.assert_array_equal(found, wanted[name])


@pytest.mark.parametrize("image_type", ["Square", "Logarithm", "Exponential"])
def test_what_scales_by_the_largest_intensity_is_undefined_without_one(image_type: str) -> None:
    image, box = Grid(np.zeros((4, 4, 4)), (1.0, 1.0, 1.0)), (slice(0, 2),) * 3
    ((_, found),) = FILTERS[image_type].apply(image, image.array == 0, box, Setting())
    assert isinstance(found, Undefined)
    assert "zero" in found.reason
