from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radpipe.errors import ExtractionError
from radpipe.extraction.preprocess.discretise import DiscretiseSetting, discretise

TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]


def noise(dtype: str, scale: float = 40, shift: float = 60) -> np.ndarray:
    values = np.random.default_rng(3).normal(shift, scale, (4, 5, 6)) * 1.1
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    return np.clip(values, float(info.min), float(info.max)).astype(dtype)


def wanted(values: np.ndarray, mask: np.ndarray, **settings: Any) -> np.ndarray:
    from radiomics import imageoperations

    if "binWidth" in settings:
        settings["binWidth"] = float(settings["binWidth"])
    return imageoperations.binImage(values, mask, **settings)[0]


def assert_equal(values: np.ndarray, mask: np.ndarray, **settings: Any) -> None:
    levels = discretise(values[mask], DiscretiseSetting(**settings))
    assert levels.dtype == np.uint16
    np.testing.assert_array_equal(levels, wanted(values, mask, **settings)[mask])


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "settings",
    [{"binWidth": width} for width in (1, 25, 0.1, 0.3, 7.7, 1000)]
    + [{"binCount": count} for count in (1, 2, 32, 57)],
)
def test_levels_are_pyradiomics(dtype: str, settings: dict[str, Any]) -> None:
    values = noise(dtype)
    assert_equal(values, values > 30, **settings)


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shift", [-1e4, -3.3, 1e-3, 5e6])
def test_rounded_edges_are_pyradiomics(dtype: str, shift: float) -> None:
    # Multiples of the width lie on edges, which float32 rounds away from them.
    values = (np.arange(120).reshape(4, 5, 6) * 0.1).astype(dtype) + np.dtype(dtype).type(shift)
    assert_equal(values, values != values[1, 1, 1], binWidth=0.1)
    assert_equal(values, np.ones(values.shape, bool), binCount=20)


def test_more_levels_than_float32_has_numbers_are_refused() -> None:
    values = np.array([[[1e8, 1e8 + 8]]], np.float32)
    with pytest.raises(ExtractionError, match=r"100000008.0 as float32.*room for 30"):
        discretise(values.ravel(), DiscretiseSetting(binCount=30))


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("value", [0, 50, 51, -25.0, 3.7])
@pytest.mark.parametrize("settings", [{"binWidth": 25}, {"binCount": 1}, {"binCount": 8}])
def test_constant_roi(value: float, settings: dict[str, Any]) -> None:
    values = np.full((2, 3, 4), value)
    assert_equal(values, values == value, **settings)


def test_a_constant_too_large_for_the_width_has_one_level() -> None:
    values = np.full((2, 2, 2), 1e12, np.float32)
    levels = discretise(values[values > 0], DiscretiseSetting(binWidth=0.1))
    np.testing.assert_array_equal(levels, 1)


def test_too_many_levels_are_refused_with_a_width_that_works() -> None:
    values = np.linspace(0, 12_000, 4000).reshape(10, 20, 20)
    mask = np.ones(values.shape, bool)
    with pytest.raises(ExtractionError, match=r"12001 levels of width 1 .*binWidth: 5 would do"):
        discretise(values[mask], DiscretiseSetting(binWidth=1))
    assert discretise(values[mask], DiscretiseSetting(binWidth=5)).max() == 2401
    with pytest.raises(ExtractionError, match="at most 3213; remedy: binCount: 3213"):
        discretise(values[mask], DiscretiseSetting(binCount=4000))


def test_few_voxels_have_few_levels_whatever_the_width() -> None:
    values = np.linspace(0, 12_000, 1000).reshape(10, 10, 10)
    mask = np.ones(values.shape, bool)
    assert discretise(values[mask], DiscretiseSetting(binWidth=1)).max() == 12_001
    with pytest.raises(ExtractionError, match=r"120001 levels.*at most 65535"):
        discretise(values[mask], DiscretiseSetting(binWidth=0.1))


@pytest.mark.parametrize("extreme", [1e300, 1.7e308])
def test_an_endless_range_is_refused_before_memory_is_asked_for(extreme: float) -> None:
    values = np.array([[[-extreme, extreme, 0.0]]])
    with pytest.raises(ExtractionError, match=r"too many grey levels.*binWidth"):
        discretise(values.ravel(), DiscretiseSetting())


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_a_filter_overflowed_is_refused(broken: float) -> None:
    values = np.array([[[1.0, 2.0, broken]]], np.float32)
    with pytest.raises(ExtractionError, match="1 of the ROI's 3 voxels"):
        discretise(values.ravel(), DiscretiseSetting())
