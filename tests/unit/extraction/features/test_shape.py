"""Shape against PyRadiomics' own, and against bodies of known size."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.distance import pdist

from radpipe.extraction.features.body import Body, in_mm, surface_points
from radpipe.extraction.features.shape import SHAPE
from radpipe.extraction.grid import Undefined
from radpipe.extraction.kernels.diameters import hulls_of_planes, largest_distance
from tests.unit.extraction.rois import roi_of

ALL = (*SHAPE.names, *SHAPE.deprecated)
SPACING = (3.0, 0.7, 1.1)
Spacing = tuple[float, float, float]


def _ours(mask: np.ndarray, spacing_mm: Spacing = SPACING) -> dict[str, float]:
    roi = roi_of(mask.astype(int), spacing_mm)
    found = SHAPE.compute(roi, SimpleNamespace(), ALL)
    return {
        name: np.nan if isinstance(value, Undefined) else value for name, value in found.items()
    }


def _compare(mask: np.ndarray, spacing_mm: Spacing = SPACING) -> None:
    from radiomics.shape import RadiomicsShape

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    theirs = RadiomicsShape(image, image)
    for name in ALL:
        theirs.enableFeatureByName(name)
    ours = _ours(mask, spacing_mm)
    expected = theirs.execute()
    assert set(ours) == set(expected)
    for name, value in expected.items():
        within = pytest.approx(float(value), rel=1e-11, abs=1e-11, nan_ok=True)
        assert ours[name] == within, name


def _ball(radius: int) -> np.ndarray:
    z, y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
    return np.asarray(z**2 + y**2 + x**2 <= radius**2)


def test_every_configuration_of_a_cube(pyradiomics: None) -> None:
    for corners in product([False, True], repeat=8):
        if any(corners):
            _compare(np.array(corners).reshape(2, 2, 2))


@pytest.mark.parametrize(
    "shape", [(7, 8, 9), (1, 6, 7), (6, 1, 7), (6, 7, 1), (1, 1, 9), (3, 3, 3)]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("spacing_mm", [SPACING, (1.0, 1.0, 1.0)])
def test_random_rois(
    pyradiomics: None, shape: tuple[int, ...], share: float, spacing_mm: Spacing
) -> None:
    mask = np.random.default_rng(0).random(shape) < share
    mask.flat[[0, -1]] = True
    _compare(mask, spacing_mm)


def test_where_the_mesh_has_holes_place_matters(pyradiomics: None) -> None:
    mask = np.zeros((9, 9, 9), bool)
    mask[5:7, 5:8, 6:8] = np.random.default_rng(5).random((2, 3, 2)) < 0.5
    _compare(mask)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("thickness", [1, 5])
def test_tilted_lines_and_planes(pyradiomics: None, axis: int, thickness: int) -> None:
    mask = np.repeat(np.eye(7, dtype=bool)[None], thickness, axis=0)
    _compare(np.moveaxis(mask, 0, axis))


def test_line_through_space(pyradiomics: None) -> None:
    mask = np.zeros((9, 9, 9), bool)
    mask[np.arange(9), np.arange(9), np.arange(9)] = True
    _compare(mask)


@pytest.mark.parametrize("gap", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1), (0, 3, 2)])
def test_two_voxels(pyradiomics: None, gap: tuple[int, ...]) -> None:
    mask = np.zeros(np.array(gap) + 1, bool)
    mask.flat[[0, -1]] = True
    _compare(mask)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (2.5, 0.9, 0.9)])
def test_blobs(pyradiomics: None, spacing_mm: Spacing) -> None:
    noise = np.random.default_rng(1).random((21, 21, 21))
    smooth = sitk.GetArrayFromImage(sitk.DiscreteGaussian(sitk.GetImageFromArray(noise), 2.0))
    _compare(_ball(10) & (smooth > np.median(smooth)), spacing_mm)
    _compare(_ball(7), spacing_mm)


def test_box() -> None:
    found = _ours(np.ones((4, 5, 6), bool), (1.0, 1.0, 1.0))
    # The mesh cuts 1/8 mm² off along the edges; of a corner's 1/8 mm³ it leaves 1/48.
    edges = 4 * (3 + 4 + 5)
    assert found["VoxelVolume"] == 120
    assert found["MeshVolume"] == pytest.approx(120 - edges / 8 - 8 * (1 / 8 - 1 / 48))
    inner = 2 * (3 * 4 + 3 * 5 + 4 * 5)
    area = inner + edges * np.sqrt(0.5) + 8 * np.sqrt(3) / 8
    assert found["SurfaceArea"] == pytest.approx(area)
    assert found["MajorAxisLength"] == pytest.approx(4 * np.sqrt((6**2 - 1) / 12))
    assert found["LeastAxisLength"] == pytest.approx(4 * np.sqrt((4**2 - 1) / 12))


def test_ball() -> None:
    found = _ours(_ball(20), (1.0, 1.0, 1.0))
    assert found["Maximum3DDiameter"] == 41
    assert found["Maximum2DDiameterSlice"] == found["Maximum2DDiameterRow"] == 41
    assert found["MeshVolume"] == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)
    assert found["Flatness"] == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_no_pair_is_passed_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.pad(rng.random((5, 6, 7)) < 0.05 * (seed + 1), 1)
    mask[3, 3, 3] = True
    points_mm = in_mm(surface_points(mask), SPACING)
    assert Body(mask, SPACING).diameter == pytest.approx(pdist(points_mm).max(), rel=1e-14)


def test_hull_keeps_corners_alone() -> None:
    square = np.array([(0, y, x) for y, x in product(range(5), repeat=2)])
    corners = {tuple(map(int, corner)) for corner in hulls_of_planes(square, 0)}
    assert corners == {(0, 0, 0), (0, 0, 4), (0, 4, 0), (0, 4, 4)}


def test_distance_without_pairs() -> None:
    assert largest_distance(np.zeros((1, 3)), np.zeros(1)) == 0
