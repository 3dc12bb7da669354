"""Subbands of a part against PyRadiomics' of the whole image."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from radpipe.extraction.filters import wavelet
from tests.unit.extraction.filters.cases import EVEN, ODD, boxes, noise, some_roi
from tests.unit.extraction.filters.conftest import Reference

SETTINGS: list[dict[str, Any]] = [
    {},
    {"level": 2},
    {"start_level": 1},
    {"wavelet": "haar", "level": 2, "start_level": 1},
    {"wavelet": "db4"},
    {"wavelet": "coif3"},
    {"wavelet": "bior2.2", "level": 2},
    {"wavelet": "bior3.1"},
    {"wavelet": "dmey"},
    {"force2D": True},
    {"force2D": True, "force2Ddimension": 1, "level": 2},
    {"force2D": True, "force2Ddimension": 2},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_it_has_pyradiomics_bits(
    reference: Reference, dtype: type, settings: dict[str, Any]
) -> None:
    setting = wavelet.WaveletSetting(**settings)
    for shape in (ODD, EVEN, (24, 21, 26)):
        image = noise(shape, dtype)
        for box in boxes(shape):
            roi = some_roi(shape, box)
            wanted = reference("Wavelet", image, roi, box, **settings)
            found = dict(wavelet.apply(image, roi, box, setting))
            assert list(found) == list(wanted) == wavelet.names(setting)
            for name, derived in found.items():
                assert derived.dtype == wanted[name].dtype
                np.testing.assert_array_equal(derived, wanted[name])


@pytest.mark.parametrize("shape", [(9, 12), (1, 8, 9), (3, 2, 5)])
def test_flat_and_tiny_images(reference: Reference, shape: tuple[int, ...]) -> None:
    image, box = noise(shape, np.float32), tuple(slice(0, size) for size in shape)
    roi = some_roi(shape, box)
    wanted = reference("Wavelet", image, roi, box, level=2)
    found = dict(wavelet.apply(image, roi, box, wavelet.WaveletSetting(level=2)))
    assert list(found) == list(wanted)
    for name, derived in found.items():
        np.testing.assert_array_equal(derived, wanted[name])


@pytest.mark.parametrize(
    ("name", "near"), [("coif0", "coif"), ("haarr", "haar"), ("bior22", "bior2.2")]
)
def test_an_unknown_wavelet_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValidationError, match=f"such as '{near}"):
        wavelet.WaveletSetting(wavelet=name)


def test_a_continuous_wavelet_is_refused() -> None:
    with pytest.raises(ValidationError, match="a discrete wavelet"):
        wavelet.WaveletSetting(wavelet="mexh")
