"""The gradient of a part against that of the whole."""

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.filters import gradient
from tests.unit.extraction.filters.cases import DTYPES, EVEN, ODD, boxes, noise, some_roi
from tests.unit.extraction.filters.conftest import Reference, as_itk


@pytest.mark.parametrize("per_mm", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [ODD, EVEN, (9, 11), (1, 8, 9)])
def test_it_has_simpleitk_bits_up_to_the_borders(
    shape: tuple[int, ...], dtype: type, per_mm: bool
) -> None:
    image = noise(shape, dtype)
    whole = sitk.GradientMagnitude(as_itk(image), useImageSpacing=per_mm)
    setting = gradient.GradientSetting(gradientUseSpacing=per_mm)
    for box in boxes(shape):
        ((_, found),) = gradient.apply(image, image.array > 0, box, setting)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, sitk.GetArrayFromImage(whole)[box])


def test_its_name_and_values_are_pyradiomics(reference: Reference) -> None:
    image, box = noise(ODD, np.int16), boxes(ODD)[2]
    roi = some_roi(ODD, box)
    wanted = reference("Gradient", image, roi, box, gradientUseSpacing=False)
    setting = gradient.GradientSetting(gradientUseSpacing=False)
    found = dict(gradient.apply(image, roi, box, setting))
    assert list(found) == list(wanted)
    np.testing.assert_array_equal(found["gradient"], wanted["gradient"])


def test_a_slope_in_mm() -> None:
    image = noise((6, 6, 6), np.float32)
    image.array[...] = np.arange(6)[:, None, None]
    ((_, found),) = gradient.apply(
        image, image.array > 0, (slice(2, 4),) * 3, gradient.GradientSetting()
    )
    np.testing.assert_allclose(found, 1 / 2.5, rtol=1e-6)
