"""Texture classes against PyRadiomics' own, on ROIs where definitions are strained."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.features.glcm import GLCM, GlcmSetting
from radpipe.extraction.features.gldm import GLDM, GldmSetting
from radpipe.extraction.features.glrlm import GLRLM
from radpipe.extraction.features.glszm import GLSZM
from radpipe.extraction.features.ngtdm import NGTDM
from radpipe.extraction.grid import Roi, Undefined
from tests.unit.extraction.rois import in_box, roi_of

CLASSES = {each.name: each for each in (GLCM, GLRLM, GLSZM, GLDM, NGTDM)}


class _Setting(GlcmSetting, GldmSetting):
    pass


def _roi(levels: np.ndarray, spacing_mm: tuple[float, ...] = (3.0, 2.0, 1.0)) -> Roi:
    # PyRadiomics counts grey levels from the ROI's lowest.
    levels = np.where(levels > 0, levels - levels[levels > 0].min() + 1, 0).astype(np.uint16)
    return roi_of(levels, spacing_mm)


def _theirs(name: str, roi: Roi, settings: dict[str, Any]) -> dict[str, float]:
    module = import_module(f"radiomics.{name}")
    image = sitk.GetImageFromArray(in_box(roi, roi.levels).astype(np.int32))
    mask = sitk.GetImageFromArray(roi.mask.astype(np.uint8))
    for each in (image, mask):
        each.SetSpacing(roi.spacing_mm[::-1])
    kind = getattr(module, f"Radiomics{name.upper()}")
    found = kind(image, mask, binWidth=1.0, **settings)
    return {key: float(value) for key, value in found.execute().items()}


def _compare(roi: Roi, settings: dict[str, Any]) -> None:
    for name, feature_class in CLASSES.items():
        ours = feature_class.compute(roi, _Setting(**settings), feature_class.names)
        theirs = _theirs(name, roi, settings)
        assert list(ours) == list(theirs)
        for feature, value in theirs.items():
            found = ours[feature]
            found = np.nan if isinstance(found, Undefined) else found
            assert found == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), (name, feature)


def _ball(shape: tuple[int, ...], levels: int, seed: int = 0, smooth: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    array = rng.integers(1, levels + 1, shape)
    if smooth:
        array = np.sort(array, axis=-1)
    centred = [np.linspace(-1, 1, size) if size > 2 else np.zeros(size) for size in shape]
    distance = sum(axis**2 for axis in np.meshgrid(*centred, indexing="ij"))
    return np.where(distance <= 1.2, array, 0)


SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "distances": {"distances": [1, 2]},
    "far": {"distances": [3]},
    "asymmetrical": {"symmetricalGLCM": False},
    "alpha": {"gldm_a": 2},
    "euclidean": {"weightingNorm": "euclidean"},
    "manhattan": {"weightingNorm": "manhattan"},
    "infinity": {"weightingNorm": "infinity"},
    "unweighted": {"weightingNorm": "no_weighting"},
    "axial": {"force2D": True},
    "coronal": {"force2D": True, "force2Ddimension": 1},
    "sagittal": {"force2D": True, "force2Ddimension": 2, "distances": [1, 2]},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("levels", [3, 20])
def test_settings(pyradiomics: None, settings: dict[str, Any], levels: int) -> None:
    _compare(_roi(_ball((5, 7, 8), levels)), settings)
    _compare(_roi(_ball((6, 6, 7), levels, smooth=True)), settings)


@pytest.mark.parametrize(
    "shape", [(1, 6, 7), (5, 1, 6), (4, 7, 1), (2, 2, 2), (1, 2, 5), (3, 3, 3)]
)
@pytest.mark.parametrize("settings", ["defaults", "distances", "axial"])
def test_flat_rois(pyradiomics: None, shape: tuple[int, ...], settings: str) -> None:
    _compare(_roi(_ball(shape, 4)), SETTINGS[settings])


@pytest.mark.parametrize("seed", range(12))
def test_few_voxels_with_gaps(pyradiomics: None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    levels = rng.integers(1, 4, (3, 4, 4)) * (rng.random((3, 4, 4)) < 0.3)
    levels[0, 0, 0] = 1
    levels[2, 3, 3] = 2
    _compare(_roi(levels), {})


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_lines(pyradiomics: None, axis: int) -> None:
    line = np.array([1, 1, 2, 3, 3, 3, 1])
    shape = [1, 1, 1]
    shape[axis] = line.size
    _compare(_roi(line.reshape(shape)), {})


@pytest.mark.parametrize("gap", [1, 3])
def test_two_voxels(pyradiomics: None, gap: int) -> None:
    levels = np.zeros((1 + gap, 1 + gap, 1 + gap), int)
    levels[0, 0, 0], levels[-1, -1, -1] = 1, 5
    _compare(_roi(levels), {})


def test_one_grey_level(pyradiomics: None) -> None:
    _compare(_roi((_ball((5, 5, 5), 3) > 0).astype(int)), {})


def test_grey_levels_with_gaps(pyradiomics: None) -> None:
    _compare(_roi(_ball((5, 6, 6), 4) ** 3), {"distances": [1, 2], "gldm_a": 7})


def test_zones_that_meet_late(pyradiomics: None) -> None:
    comb = np.full((4, 9, 9), 2)
    comb[:, 1::2, :-1] = 1
    comb[1::2] = np.where(comb[1::2] == 1, 3, comb[1::2])
    _compare(_roi(comb), {})
