"""Shape in 2D against PyRadiomics' own, and against figures of known size."""

from itertools import product

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.errors import ExtractionError
from radpipe.extraction.features.shape2d import SHAPE2D
from radpipe.extraction.grid import Undefined
from radpipe.extraction.section import PlaneSetting
from tests.unit.extraction.rois import roi_of

ALL = (*SHAPE2D.names, *SHAPE2D.deprecated)
SPACING = (3.0, 0.7, 1.1)


def _ours(
    mask: np.ndarray, plane: int = 0, spacing_mm: tuple[float, ...] = SPACING
) -> dict[str, float]:
    roi = roi_of(mask.astype(int), spacing_mm)
    found = SHAPE2D.compute(roi, PlaneSetting(force2D=True, force2Ddimension=plane), ALL)
    return {
        name: np.nan if isinstance(value, Undefined) else value for name, value in found.items()
    }


def _compare(mask: np.ndarray, plane: int = 0) -> None:
    from radiomics.shape2D import RadiomicsShape2D

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(SPACING[::-1])
    theirs = RadiomicsShape2D(image, image, force2D=True, force2Ddimension=plane)
    for name in ALL:
        theirs.enableFeatureByName(name)
    ours = _ours(mask, plane)
    expected = theirs.execute()
    assert set(ours) == set(expected)
    for name, value in expected.items():
        within = pytest.approx(float(value), rel=1e-11, abs=1e-11, nan_ok=True)
        assert ours[name] == within, name


def test_every_small_figure(pyradiomics: None) -> None:
    for figure in product([False, True], repeat=9):
        if sum(figure) > 1:
            _compare(np.array(figure).reshape(1, 3, 3))


@pytest.mark.parametrize("plane", [0, 1, 2])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.8, 1.0])
def test_random_figures(pyradiomics: None, plane: int, share: float) -> None:
    mask = np.random.default_rng(plane).random((9, 12)) < share
    mask.flat[[0, -1]] = True
    _compare(np.expand_dims(mask, plane), plane)


@pytest.mark.parametrize("size", [2, 5, 9, 20])
def test_chessboards(pyradiomics: None, size: int) -> None:
    # PyRadiomics' room for vertices suffices even here, where there are most of them.
    _compare(np.indices((1, size, size + 1)).sum(axis=0) % 2 == 0)


@pytest.mark.parametrize("shape", [(1, 1, 9), (1, 9, 1)])
def test_lines(pyradiomics: None, shape: tuple[int, ...]) -> None:
    _compare(np.ones(shape, bool))
    _compare(np.eye(7, dtype=bool)[None])


def test_rectangle() -> None:
    found = _ours(np.ones((1, 4, 6), bool), 0, (9.0, 1.0, 1.0))
    assert found["PixelSurface"] == 24
    assert found["MeshSurface"] == 24 - 4 / 8
    assert found["Perimeter"] == pytest.approx(2 * (3 + 5) + 4 * np.sqrt(0.5))
    assert found["MaximumDiameter"] == pytest.approx(np.hypot(3, 6))
    assert found["MajorAxisLength"] == pytest.approx(4 * np.sqrt((6**2 - 1) / 12))


def test_spacing_across_the_plane_is_the_planes_own() -> None:
    figure = np.ones((3, 4), bool)
    axial = _ours(figure[None], 0, (9.0, 2.0, 5.0))
    sagittal = _ours(figure[..., None], 2, (2.0, 5.0, 9.0))
    assert axial == sagittal


def test_several_slices_are_refused() -> None:
    with pytest.raises(ExtractionError, match="2 slices along axis 1") as caught:
        _ours(np.ones((4, 2, 5), bool), 1)
    assert "force2Ddimension" in (caught.value.remedy or "")
