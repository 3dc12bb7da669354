"""First order statistics against PyRadiomics' own."""

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.features.firstorder import FIRSTORDER, FirstOrderSetting, Intensities
from radpipe.extraction.grid import Roi, Undefined
from tests.unit.extraction.rois import in_box, roi_of

ALL = (*FIRSTORDER.names, *FIRSTORDER.deprecated)


def _theirs(roi: Roi, **settings: Any) -> Any:
    from radiomics.firstorder import RadiomicsFirstOrder

    image = sitk.GetImageFromArray(in_box(roi, roi.intensities))
    mask = sitk.GetImageFromArray(roi.mask.astype(np.uint8))
    for each in (image, mask):
        each.SetSpacing(roi.spacing_mm[::-1])
    found = RadiomicsFirstOrder(image, mask, **settings)
    found.enableAllFeatures()
    found.enableFeatureByName("StandardDeviation")
    return found


def _roi(intensities: np.ndarray, mask: np.ndarray, width: float = 10) -> Roi:
    # PyRadiomics' bins start at the multiple of the width below the least intensity.
    first = np.floor(intensities[mask].min() / width)
    levels = np.where(mask, np.floor(intensities / width) - first + 1, 0).astype(np.uint16)
    return roi_of(levels, (3.0, 0.7, 1.1), intensities)


def _compare(roi: Roi, shift: int = 0) -> None:
    ours = FIRSTORDER.compute(roi, FirstOrderSetting(voxelArrayShift=shift), ALL)
    theirs = _theirs(roi, binWidth=10, voxelArrayShift=shift).execute()
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        found = np.nan if isinstance(ours[name], Undefined) else ours[name]
        assert found == pytest.approx(float(value), rel=1e-12, abs=1e-10, nan_ok=True), name


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shift", [0, 1000, -3])
def test_random_rois(pyradiomics: None, dtype: type, shift: int) -> None:
    rng = np.random.default_rng(0)
    intensities = np.clip(rng.gamma(2, 20, (6, 17, 19)), 0, 255).astype(dtype)
    _compare(_roi(intensities, rng.random(intensities.shape) < 0.6), shift)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 10, 11, 12, 21, 40, 41, 42, 43])
def test_few_voxels(pyradiomics: None, count: int) -> None:
    rng = np.random.default_rng(count)
    intensities = rng.normal(-20, 30, (1, 1, count)).astype(np.float32)
    _compare(_roi(intensities, np.ones(intensities.shape, bool)))


@pytest.mark.parametrize("count", [2, 3])
def test_nothing_between_the_percentiles(count: int) -> None:
    intensities = np.arange(count, dtype=float).reshape(1, 1, -1)
    roi = _roi(intensities, np.ones(intensities.shape, bool))
    found = FIRSTORDER.compute(roi, FirstOrderSetting(), ["RobustMeanAbsoluteDeviation"])
    if count == 2:
        assert isinstance(found["RobustMeanAbsoluteDeviation"], Undefined)
    else:
        assert found == {"RobustMeanAbsoluteDeviation": 0}


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e5 / 3])
@pytest.mark.parametrize("count", [2, 7, 64, 130])
def test_one_intensity(pyradiomics: None, value: float, count: int) -> None:
    intensities = np.full((1, 1, count), value)
    _compare(_roi(intensities, np.ones(intensities.shape, bool)))


def test_many_equal_intensities(pyradiomics: None) -> None:
    intensities = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 50], np.int16)
    _compare(_roi(intensities.reshape(1, 1, -1), np.ones((1, 1, 13), bool)))


@pytest.mark.parametrize("masked", [True, False])
def test_maps(pyradiomics: None, masked: bool) -> None:
    rng = np.random.default_rng(3)
    intensities = rng.normal(50, 30, (4, 9, 8)).astype(np.float32)
    mask = rng.random(intensities.shape) < 0.5
    intensities[:2, :5, :5] = 70.1
    roi = _roi(intensities, mask)
    theirs = _theirs(
        roi, binWidth=10, voxelBased=True, maskedKernel=masked, kernelRadius=1, voxelArrayShift=7
    )
    maps = theirs.execute()
    theirs._initCalculation(theirs.labelledVoxelCoordinates)
    ours = Intensities.of_regions(
        theirs.targetVoxelArray, theirs.coefficients["p_i"], roi.spacing_mm, 7
    )
    for name in ALL:
        expected = sitk.GetArrayFromImage(maps[name])[mask]
        found = FIRSTORDER.features[name].formula(ours)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=name)


def test_moments_of_known_numbers() -> None:
    values = np.array([[-1.0, 0.0, 1.0, np.nan], [1.0, 1.0, 1.0, 5.0]])
    found = Intensities.of_regions(values, np.array([[1, 1, 1], [3, 1, 0]]), (2.0, 3.0, 5.0), 1)
    formula = {name: FIRSTORDER.features[name].formula for name in ALL}
    assert formula["Variance"](found) == pytest.approx([2 / 3, 3])
    assert formula["Skewness"](found) == pytest.approx([0, 6 / 3**1.5])
    assert formula["Kurtosis"](found) == pytest.approx([1.5, 21 / 9])
    assert formula["Median"](found) == pytest.approx([0, 1])
    assert formula["10Percentile"](found) == pytest.approx([-0.8, 1])
    assert formula["RobustMeanAbsoluteDeviation"](found) == pytest.approx([0, 0])
    assert formula["TotalEnergy"](found) == pytest.approx([30 * 5, 30 * 48])
    assert formula["Uniformity"](found) == pytest.approx([1 / 3, 10 / 16])
