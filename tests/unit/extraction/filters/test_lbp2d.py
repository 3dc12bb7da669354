"""Patterns of a part of a slice against PyRadiomics' of whole slices."""

from typing import Any

import numpy as np
import pytest

from radpipe.errors import SettingsError
from radpipe.extraction.filters import check, lbp2d
from tests.unit.extraction.filters.cases import DTYPES, EVEN, ODD, boxes, noise, some_roi
from tests.unit.extraction.filters.conftest import Reference

SETTINGS: list[dict[str, Any]] = [
    {},
    {"lbp2DMethod": "default"},
    {"lbp2DMethod": "var", "lbp2DRadius": 1.5},
    {"lbp2DMethod": "ror", "lbp2DRadius": 3, "lbp2DSamples": 12},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dimension", [0, 1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_it_has_pyradiomics_bits(
    reference: Reference, dtype: type, dimension: int, settings: dict[str, Any]
) -> None:
    settings = {**settings, "force2D": True, "force2Ddimension": dimension}
    setting = lbp2d.LBP2DSetting(**settings)
    for shape in (ODD, EVEN, ODD[1:]):
        image = noise(shape, dtype)
        # Equal intensities are where rounding decides.
        image.array[..., ::2] = 100
        for box in boxes(shape):
            roi = some_roi(shape, box)
            wanted = reference("LBP2D", image, roi, box, **settings)
            found = dict(lbp2d.apply(image, roi, box, setting))
            assert list(found) == list(wanted) == lbp2d.names(setting)
            assert found["lbp-2D"].dtype == wanted["lbp-2D"].dtype
            np.testing.assert_array_equal(found["lbp-2D"], wanted["lbp-2D"])


def test_without_scikit_image_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lbp2d, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="pip install scikit-image"):
        check(["Original", "LBP2D"])
    image = noise(ODD, np.int16)
    with pytest.raises(SettingsError, match="pip install scikit-image"):
        list(lbp2d.apply(image, image.array > 0, boxes(ODD)[1], lbp2d.LBP2DSetting()))
