from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.errors import (
    EmptyRoiError,
    GeometryMismatchError,
    RoiTooSmallError,
    SettingsError,
    UnreadableImageError,
)
from radpipe.extraction.preprocess.prepare import PrepareSetting, prepare
from tests.reference import cases, rois
from tests.unit.extraction.preprocess.reference import pyradiomics_steps, slices

RESAMPLED = {"resampledPixelSpacing": [2, 2, 2], "interpolator": "sitkLinear"}
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "normalised": {"normalize": True},
    "normalised, scaled, clipped": {
        "normalize": True, "normalizeScale": 100, "removeOutliers": 1.5,
    },
    "cropped": {"preCrop": True, "padDistance": 2},
    "cropped, clipped": {"preCrop": True, "padDistance": 0, "normalize": True},
    "resampled": RESAMPLED,
    "resampled finely": {**RESAMPLED, "resampledPixelSpacing": [0.7, 0.9, 1.1], "padDistance": 3},
    "resampled in plane": {**RESAMPLED, "resampledPixelSpacing": [1, 1.0, 0]},
    "resampled to the same": {**RESAMPLED, "resampledPixelSpacing": [1.25, 1.5, 0]},
    "nearest": {**RESAMPLED, "interpolator": "sitkNearestNeighbor"},
    "by number": {**RESAMPLED, "interpolator": 2},
    "Gaussian": {**RESAMPLED, "interpolator": "sitkGaussian"},
    "sinc": {**RESAMPLED, "interpolator": "sitkLanczosWindowedSinc"},
    "no interpolator": {**RESAMPLED, "interpolator": None},
    "range": {"resegmentRange": [20, 130]},
    "range, backwards": {"resegmentRange": [130.5, 20]},
    "lower limit": {"resegmentRange": [40], "resegmentShape": True},
    "relative": {"resegmentRange": [0.4], "resegmentMode": "relative"},
    "relative range": {"resegmentRange": [0.2, 0.8], "resegmentMode": "relative"},
    "sigma": {"resegmentRange": [-1, 1.25], "resegmentMode": "sigma"},
    "sigma, normalised": {"resegmentRange": [-1.5], "resegmentMode": "sigma", "normalize": True},
}  # fmt: skip
THIN = {"minimumROIDimensions": 1}


def assert_equal(image: sitk.Image, mask: sitk.Image, settings: dict[str, Any]) -> None:
    wanted, drawn, counted, box = pyradiomics_steps(image, mask, settings)
    found = prepare(image, mask, PrepareSetting(**settings))
    label = settings.get("label", 1)
    array = sitk.GetArrayFromImage(wanted)
    assert found.image.array.dtype == array.dtype
    np.testing.assert_array_equal(found.image.array, array)
    np.testing.assert_array_equal(found.roi, sitk.GetArrayFromImage(counted) == label)
    np.testing.assert_array_equal(found.shape_roi, sitk.GetArrayFromImage(drawn) == label)
    assert found.box == slices(box)
    assert found.image.spacing_mm == wanted.GetSpacing()[::-1]
    for place in ("Origin", "Direction", "Spacing", "Size"):
        assert getattr(found.reference, f"Get{place}")() == getattr(wanted, f"Get{place}")()


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("case", ["ball", "oblique", "float64", "touching"])
def test_every_setting_gives_pyradiomics_voxels(case: str, name: str) -> None:
    assert_equal(*cases.CASES[case](), SETTINGS[name])


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("name", ["defaults", "normalised", "resampled", "sigma"])
@pytest.mark.parametrize("case", [*cases.LEVELS, "flipped", "hollow", "plane z", "line"])
def test_every_pixel_type_and_roi_gives_pyradiomics_voxels(case: str, name: str) -> None:
    assert_equal(*cases.CASES[case](), SETTINGS[name] | THIN)


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("case", ["ball", "flipped", "touching", "plane y", "float64", "2D"])
def test_splines(case: str) -> None:
    image, mask = cases.CASES[case]()
    spacing = [2, 1.3, 2.2][: image.GetDimension()]
    assert_equal(image, mask, {"resampledPixelSpacing": spacing, "padDistance": 1})
    assert_equal(image, mask, {"resampledPixelSpacing": spacing, "normalize": True})


def test_interpolators_have_the_numbers_of_pyradiomics_documentation() -> None:
    image, mask = cases.CASES["ball"]()
    for number, name in ((3, "sitkBSpline"), (4, "sitkGaussian"), (9, "sitkLanczosWindowedSinc")):
        found, wanted = (
            prepare(image, mask, PrepareSetting(**RESAMPLED | {"interpolator": each})).image.array
            for each in (number, name)
        )
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize(
    "settings",
    [{}, {"preCrop": True}, {**RESAMPLED, "resampledPixelSpacing": [1, 0]}, SETTINGS["sigma"]],
)
def test_2d_images(settings: dict[str, Any]) -> None:
    assert_equal(*cases.CASES["2D"](), settings)


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("settings", [{}, {"preCrop": True}, RESAMPLED])
def test_a_mask_on_another_grid(settings: dict[str, Any]) -> None:
    assert_equal(*cases.mask_on_another_grid(), {"correctMask": True, **settings})


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("spacing", [[2, 2, 2], [1.25, 1.5, 3.0]])
def test_resampling_needs_no_common_grid(spacing: list[float]) -> None:
    settings = {**RESAMPLED, "resampledPixelSpacing": spacing}
    assert_equal(*cases.mask_on_another_grid(), settings)


@pytest.mark.usefixtures("pyradiomics")
def test_labels_and_channels() -> None:
    assert_equal(*cases.two_labels(), {"label": 2, "resegmentRange": [0, 100]})
    assert_equal(*cases.two_channels(), {"label_channel": 1})


def test_geometry_within_tolerance_is_the_images() -> None:
    image, mask = cases.mask_slightly_off()
    found = prepare(image, mask, PrepareSetting(geometryTolerance=0.01))
    assert found.stages[-1].mask.GetOrigin() == mask.GetOrigin()
    assert found.reference.GetOrigin() == image.GetOrigin()
    with pytest.raises(GeometryMismatchError, match="different grids"):
        prepare(image, mask, PrepareSetting())


def test_a_mask_far_away_is_refused() -> None:
    image, mask = cases.CASES["ball"]()
    mask.SetOrigin((500.0, 0.0, 0.0))
    for settings in ({"correctMask": True}, RESAMPLED):
        with pytest.raises(GeometryMismatchError, match="beyond the image"):
            prepare(image, mask, PrepareSetting(**settings))


def test_a_2d_mask_of_a_3d_image_is_refused() -> None:
    image, mask = cases.CASES["ball"]()
    for settings in ({}, {"correctMask": True}, RESAMPLED):
        with pytest.raises(GeometryMismatchError, match="different grids"):
            prepare(image, mask[:, :, 7], PrepareSetting(**settings))


def test_a_missing_label_or_channel_is_refused() -> None:
    image, mask = cases.two_channels()
    with pytest.raises(EmptyRoiError, match="original mask"):
        prepare(image, mask, PrepareSetting(label=7))
    with pytest.raises(UnreadableImageError, match="no such channel"):
        prepare(image, mask, PrepareSetting(label_channel=2))


def test_a_roi_that_resampling_loses_is_refused() -> None:
    image, mask = cases.CASES["two voxels"]()
    with pytest.raises(EmptyRoiError, match=r"interpolated mask.*resampling loses"):
        prepare(image, mask, PrepareSetting(resampledPixelSpacing=[40, 40, 40]))


def test_a_roi_of_too_few_voxels_is_refused() -> None:
    image, mask = cases.CASES["ball"]()
    voxels = int(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))
    prepare(image, mask, PrepareSetting(minimumROISize=voxels - 1))
    with pytest.raises(RoiTooSmallError, match=f"{voxels} voxel.*at least {voxels + 1}"):
        prepare(image, mask, PrepareSetting(minimumROISize=voxels))


def test_a_thin_roi_is_refused() -> None:
    image, mask = cases.Lesion(rois.line)()
    with pytest.raises(RoiTooSmallError, match=r"too thin.*at least 2 axes"):
        prepare(image, mask, PrepareSetting())


def test_resegmentation_that_leaves_one_voxel_is_refused() -> None:
    image, mask = cases.CASES["ball"]()
    with pytest.raises(RoiTooSmallError, match=r"1 of .* voxels from 424; the ROI's intensities"):
        prepare(image, mask, PrepareSetting(resegmentRange=[1], resegmentMode="relative"))


def test_resampled_spacing_must_fit_the_image() -> None:
    image, mask = cases.CASES["2D"]()
    with pytest.raises(SettingsError, match="2 numbers"):
        prepare(image, mask, PrepareSetting(resampledPixelSpacing=[1, 1, 1]))


def test_pixels_outlive_the_image() -> None:
    array = prepare(*cases.CASES["ball"](), PrepareSetting()).image.array
    expected = sitk.GetArrayFromImage(cases.CASES["ball"]()[0])
    np.testing.assert_array_equal(array, expected)
    assert not array.flags.writeable
