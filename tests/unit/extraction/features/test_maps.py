"""Texture maps against PyRadiomics' own, where windows are strained."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.features.glcm import GLCM, GlcmSetting
from radpipe.extraction.features.gldm import GLDM, GldmSetting
from radpipe.extraction.features.glrlm import GLRLM
from radpipe.extraction.features.glszm import GLSZM
from radpipe.extraction.features.groups import Values
from radpipe.extraction.features.neighbours import plane_of
from radpipe.extraction.features.ngtdm import NGTDM
from radpipe.extraction.features.windows import WindowedRoi
from tests.unit.extraction.rois import roi_of

CLASSES = {each.name: each for each in (GLCM, GLRLM, GLSZM, GLDM, NGTDM)}
SPACING_MM = (1.3, 0.9, 0.7)


class _Setting(GlcmSetting, GldmSetting):
    pass


class _Failures(logging.Handler):
    """Features that PyRadiomics says it failed on: their maps are filled with initValue."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _failures() -> Iterator[list[str]]:
    handler = _Failures()
    logging.getLogger("radiomics").addHandler(handler)
    try:
        with warnings.catch_warnings():
            # Its means of nothing.
            warnings.simplefilter("ignore", RuntimeWarning)
            yield handler.messages
    finally:
        logging.getLogger("radiomics").removeHandler(handler)


def _calculator(
    name: str, levels: np.ndarray, centres: np.ndarray, settings: dict[str, Any]
) -> Any:
    image = sitk.GetImageFromArray(levels.astype(np.int32))
    mask = sitk.GetImageFromArray(centres.astype(np.uint8))
    for each in (image, mask):
        each.SetSpacing(SPACING_MM[::-1])
    kind = getattr(import_module(f"radiomics.{name}"), f"Radiomics{name.upper()}")
    return kind(image, mask, binWidth=1.0, voxelBased=True, **settings)


def _theirs(
    name: str, levels: np.ndarray, centres: np.ndarray, settings: dict[str, Any]
) -> dict[str, Values]:
    with _failures() as messages:
        found = _calculator(name, levels, centres, settings).execute()
    return {
        feature: sitk.GetArrayFromImage(values)[centres]
        for feature, values in found.items()
        # Rounding about an eigenvalue of 0 decides PyRadiomics' MCC: it has a test of its own.
        if feature != "MCC" and not any(f"get{feature}FeatureValue" in text for text in messages)
    }


def _windowed(
    levels: np.ndarray, centres: np.ndarray, settings: dict[str, Any]
) -> tuple[WindowedRoi, _Setting]:
    kernel = {"kernelRadius": 1, "maskedKernel": True}
    kernel |= {key: value for key, value in settings.items() if key in kernel}
    setting = _Setting(**{key: value for key, value in settings.items() if key not in kernel})
    mask = centres if kernel["maskedKernel"] else np.ones_like(centres)
    # PyRadiomics counts grey levels from the lowest.
    inside = np.where(mask, levels - levels[mask].min() + 1, 0).astype(np.uint16)
    roi = roi_of(inside, SPACING_MM, levels.astype(float))
    return WindowedRoi(roi, centres, kernel["kernelRadius"], plane_of(setting)), setting


def _ours(
    name: str,
    levels: np.ndarray,
    centres: np.ndarray,
    settings: dict[str, Any],
    most: int | None = None,
) -> dict[str, Values]:
    whole, setting = _windowed(levels, centres, settings)
    feature_class = CLASSES[name]
    parts = [
        feature_class.compute_maps(windows, setting, feature_class.names)
        for windows in whole.batches(most)
    ]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _compare(levels: np.ndarray, centres: np.ndarray, settings: dict[str, Any]) -> None:
    for name, feature_class in CLASSES.items():
        ours = _ours(name, levels, centres, settings)
        theirs = _theirs(name, levels, centres, settings)
        assert {*theirs, "MCC"} >= set(feature_class.names)
        for feature, values in theirs.items():
            np.testing.assert_allclose(
                ours[feature], values, rtol=1e-9, atol=1e-9, err_msg=f"{name} {feature}"
            )


def _box(
    shape: tuple[int, ...], margin: tuple[int, ...], levels: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    array = np.random.default_rng(seed).integers(1, levels + 1, shape)
    centres = np.zeros(shape, bool)
    centres[tuple(slice(side, size - side) for side, size in zip(margin, shape, strict=True))] = (
        True
    )
    return array, centres


def _ball(shape: tuple[int, ...], levels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    array = np.random.default_rng(seed).integers(1, levels + 1, shape)
    axes = np.meshgrid(*[np.linspace(-1.2, 1.2, size) for size in shape], indexing="ij")
    return array, sum(axis**2 for axis in axes) <= 1


def _corner(shape: tuple[int, ...]) -> np.ndarray:
    corner = np.zeros(shape, bool)
    corner[0, 0, 0] = True
    return corner


SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "wide": {"kernelRadius": 2},
    "unmasked": {"maskedKernel": False},
    "wide unmasked": {"kernelRadius": 2, "maskedKernel": False},
    "distances": {"distances": [1, 2]},
    "wide distances": {"distances": [1, 2], "kernelRadius": 2},
    "beyond the window": {"distances": [3], "kernelRadius": 2},
    "asymmetrical": {"symmetricalGLCM": False},
    "alpha": {"gldm_a": 2},
    "euclidean": {"weightingNorm": "euclidean"},
    "manhattan": {"weightingNorm": "manhattan", "kernelRadius": 2},
    "infinity": {"weightingNorm": "infinity", "symmetricalGLCM": False},
    "unweighted": {"weightingNorm": "no_weighting"},
    "axial": {"force2D": True},
    "coronal": {"force2D": True, "force2Ddimension": 1},
    "sagittal": {"force2D": True, "force2Ddimension": 2, "kernelRadius": 2},
}
SHAPES = {
    "box": _box((5, 5, 6), (1, 1, 1), 4),
    "ball": _ball((6, 7, 7), 12),
    "touching the border": _box((3, 5, 4), (0, 0, 0), 5),
    "one slice": _box((3, 6, 5), (1, 1, 1), 3),
    "a line": _box((3, 3, 8), (1, 1, 1), 2),
    "flat": _box((4, 5, 5), (1, 1, 1), 1),
    "a lone voxel": (_ball((5, 6, 6), 6)[0], _ball((5, 6, 6), 6)[1] | _corner((5, 6, 6))),
    "gaps between grey levels": (_ball((5, 6, 6), 5)[0] ** 3, _ball((5, 6, 6), 5)[1]),
}


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings(settings: dict[str, Any]) -> None:
    for shape in ("ball", "touching the border"):
        _compare(*SHAPES[shape], settings)


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_shapes(shape: tuple[np.ndarray, np.ndarray]) -> None:
    _compare(*shape, {})
    _compare(*shape, {"kernelRadius": 2})


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize(
    "settings", [{}, {"kernelRadius": 2}, {"symmetricalGLCM": False}, {"maskedKernel": False}]
)
@pytest.mark.parametrize("shape", ["box", "ball", "a lone voxel"])
def test_mcc_is_a_singular_value(shape: str, settings: dict[str, Any]) -> None:
    levels, centres = SHAPES[shape]
    theirs = _calculator("glcm", levels, centres, settings)
    theirs.enableFeatureByName("JointEnergy")
    with _failures():
        theirs.execute()
    p = np.moveaxis(theirs.P_glcm, 3, 1)
    undefined = np.isnan(p).any(axis=(2, 3))
    p = np.nan_to_num(p)
    px, py = p.sum(axis=3)[:, :, :, None], p.sum(axis=2)[:, :, None, :]
    with np.errstate(invalid="ignore"):
        scaled = np.nan_to_num(p / np.sqrt(px * py))
    second = np.linalg.svd(scaled, compute_uv=False)[:, :, 1]
    expected = np.ma.masked_array(second, undefined).mean(axis=1).filled(np.nan)
    found = _ours("glcm", levels, centres, settings)["MCC"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_batches() -> None:
    levels, centres = SHAPES["ball"]
    for name in CLASSES:
        once = _ours(name, levels, centres, {})
        for feature, values in _ours(name, levels, centres, {}, most=7).items():
            np.testing.assert_array_equal(values, once[feature])


def test_many_grey_levels() -> None:
    # A matrix over all levels would need 65535 by 65535 numbers a window.
    levels, centres = _box((4, 4, 4), (0, 0, 0), 65535)
    levels[0, 0, 0], levels[3, 3, 3] = 1, 65535
    found = _ours("glcm", levels, centres, {})
    assert np.isfinite(found["Contrast"]).all()
    # No two voxels of a window are equal, so its 8 or more zones are single voxels.
    assert (_ours("glszm", levels, centres, {})["ZonePercentage"] == 1).all()
