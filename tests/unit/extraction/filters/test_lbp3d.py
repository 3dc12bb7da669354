"""Patterns on a sphere against PyRadiomics, trimesh and scipy's harmonics."""

from typing import Any

import numpy as np
import pytest

from radpipe.extraction.filters import lbp3d
from radpipe.extraction.grid import Undefined
from tests.unit.extraction.filters.cases import DTYPES, EVEN, ODD, boxes, noise, some_roi
from tests.unit.extraction.filters.conftest import Reference

SETTINGS: list[dict[str, Any]] = [
    {},
    {"lbp3DLevels": 4},
    {"lbp3DIcosphereRadius": 2.5, "lbp3DIcosphereSubdivision": 0},
    {"lbp3DIcosphereRadius": 2, "lbp3DIcosphereSubdivision": 2},
]


@pytest.fixture
def sampled(reference: Reference) -> Reference:
    pytest.importorskip("trimesh", reason="PyRadiomics' LBP3D needs trimesh")
    special = pytest.importorskip("scipy.special")
    if not hasattr(special, "sph_harm"):
        pytest.skip("PyRadiomics' LBP3D needs scipy below 1.17")
    return reference


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_pyradiomics(sampled: Reference, dtype: type, settings: dict[str, Any]) -> None:
    setting = lbp3d.LBP3DSetting(**settings)
    for shape in (ODD, EVEN):
        image = noise(shape, dtype)
        for box in boxes(shape):
            roi = some_roi(shape, box)
            wanted = sampled("LBP3D", image, roi, box, **settings)
            found = dict(lbp3d.apply(image, roi, box, setting))
            assert list(found) == list(wanted) == lbp3d.names(setting)
            inside = roi[box]
            for name, derived in found.items():
                assert isinstance(derived, np.ndarray)
                assert derived.dtype == np.float64
                assert not derived[~inside].any()
                # An energy that vanishes by symmetry is rounding error on both sides.
                np.testing.assert_allclose(
                    derived[inside], wanted[name][inside], rtol=1e-12, atol=1e-13
                )


def test_chunks_do_not_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    image, box = noise(ODD, np.float32), boxes(ODD)[0]
    roi = some_roi(ODD, box)
    whole = dict(lbp3d.apply(image, roi, box, lbp3d.LBP3DSetting()))
    monkeypatch.setattr(lbp3d, "_CHUNK", 7)
    for name, derived in lbp3d.apply(image, roi, box, lbp3d.LBP3DSetting()):
        np.testing.assert_allclose(derived, whole[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("subdivisions", [0, 1, 2, 3])
@pytest.mark.parametrize("radius", [1, 0.7, 2.5])
def test_the_sphere_is_trimesh_s(subdivisions: int, radius: float) -> None:
    creation = pytest.importorskip("trimesh.creation", reason="needs trimesh")
    np.testing.assert_array_equal(
        lbp3d._icosphere(subdivisions, float(radius)),
        np.array(creation.icosphere(subdivisions, radius).vertices),
    )


def test_it_is_undefined_in_a_2d_image() -> None:
    image = noise((9, 11), np.float32)
    found = list(
        lbp3d.apply(image, image.array > 0, (slice(0, 3), slice(0, 3)), lbp3d.LBP3DSetting())
    )
    assert [name for name, _ in found] == ["lbp-3D-m1", "lbp-3D-m2", "lbp-3D-k"]
    assert all(isinstance(each, Undefined) and "3D" in each.reason for _, each in found)
