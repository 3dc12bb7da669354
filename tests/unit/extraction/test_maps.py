"""Feature maps as a user gets them: their names, grids and values, against PyRadiomics' own."""

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe import feature_maps
from radpipe.errors import LabelNotFoundError, SettingsError
from radpipe.extraction.engines import engine_named
from radpipe.extraction.settings import read_settings
from tests.conftest import Pair, make_pair

# Where PyRadiomics fails on it, and by how much it rounds: features/test_maps.py.
WITHOUT_MCC = ["Contrast", "Imc2", "JointAverage", "Idmn"]
CLASSES: dict[str, Any] = {
    "firstorder": None, "glcm": WITHOUT_MCC, "glrlm": None, "glszm": None, "gldm": None,
    "ngtdm": None, "shape": None,
}  # fmt: skip


def _params(**sections: dict[str, Any]) -> dict[str, Any]:
    return {"imageType": {"Original": {}}, "featureClass": CLASSES, **sections}


@pytest.fixture
def small() -> Pair:
    return make_pair(radius=3.5)


def _theirs(pair: Pair, params: dict[str, Any]) -> dict[str, sitk.Image]:
    settings = read_settings(params)
    found = engine_named("pyradiomics").execute(settings, pair.image, pair.mask, voxel_based=True)
    return {name: value for name, value in found.items() if isinstance(value, sitk.Image)}


def _grid(image: sitk.Image) -> tuple[Any, ...]:
    return image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()


CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "wide": {"voxelSetting": {"kernelRadius": 2, "initValue": -1.5}},
    "unmasked": {"voxelSetting": {"maskedKernel": False, "initValue": 7}},
    "batches": {"voxelSetting": {"voxelBatch": 9}},
    "axial": {"setting": {"force2D": True, "binWidth": 7.5, "voxelArrayShift": 100}},
    "bins": {"setting": {"binCount": 5, "distances": [1, 2]}, "voxelSetting": {"kernelRadius": 2}},
    "resegmented": {"setting": {"resegmentRange": [90, 170]}},
    "resampled": {"setting": {"resampledPixelSpacing": [1.2, 1.2, 1.7]}},
    "filtered": {
        "imageType": {"LoG": {"sigma": [2.0]}, "Square": {}, "Gradient": {}},
        "featureClass": {"firstorder": None, "ngtdm": None},
        "voxelSetting": {"maskedKernel": False},
    },
    "wavelet": {
        "imageType": {"Wavelet": {"binWidth": 10}},
        "featureClass": {"firstorder": ["Mean", "Entropy"], "gldm": None},
    },
}


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("sections", CASES.values(), ids=CASES)
def test_values(small: Pair, sections: dict[str, Any]) -> None:
    params = _params(**sections)
    ours = feature_maps(small.image, small.mask, params)
    theirs = _theirs(small, params)
    assert list(ours) == list(theirs)
    for name, expected in theirs.items():
        assert ours[name].GetPixelID() == sitk.sitkFloat64
        assert _grid(ours[name]) == _grid(expected)
        if "voxelBatch" in str(sections) and name.endswith("JointAverage"):
            continue
        np.testing.assert_allclose(
            sitk.GetArrayFromImage(ours[name]),
            sitk.GetArrayFromImage(expected),
            rtol=1e-9, atol=1e-9, err_msg=name,
        )  # fmt: skip


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("image_type", ["Original", "Wavelet"])
def test_a_plane_image(image_type: str) -> None:
    pair = make_pair(radius=3)
    flat = Pair(pair.image[:, :, 5], pair.mask[:, :, 5])
    # First order maps of a 2D image are beyond PyRadiomics.
    textures = {name: CLASSES[name] for name in ("glcm", "glrlm", "glszm", "gldm", "ngtdm")}
    params = _params(featureClass=textures, imageType={image_type: {}})
    ours, theirs = feature_maps(flat.image, flat.mask, params), _theirs(flat, params)
    assert len(ours) == len(theirs) > 0
    assert list(ours) == list(theirs)
    for name, expected in theirs.items():
        assert _grid(ours[name]) == _grid(expected)
        np.testing.assert_allclose(
            sitk.GetArrayFromImage(ours[name]), sitk.GetArrayFromImage(expected),
            rtol=1e-9, atol=1e-9, err_msg=name,
        )  # fmt: skip


def test_maps_of_the_engine_are_the_same(small: Pair) -> None:
    flat = Pair(small.image[:, :, 5], small.mask[:, :, 5])
    params = {"imageType": {"Wavelet": {}}, "featureClass": {"ngtdm": ["Busyness"]}}
    expected = feature_maps(flat.image, flat.mask, params)
    assert set(expected) == {f"wavelet-{band}_ngtdm_Busyness" for band in ("LL", "LH", "HL", "HH")}
    found = engine_named("fast").execute(
        read_settings(params), flat.image, flat.mask, voxel_based=True
    )
    for name, drawn in expected.items():
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(found[name]), sitk.GetArrayFromImage(drawn)
        )
    assert found["diagnostics_Mask-original_VoxelNum"] == np.sum(sitk.GetArrayFromImage(flat.mask))


def test_neither_threads_nor_batches_matter(pair: Pair) -> None:
    once = feature_maps(pair.image, pair.mask)
    assert len(once) == 93
    for change in ({"threads": 3}, {"voxelBatch": 50, "threads": 2}):
        again = feature_maps(pair.image, pair.mask, **change)
        for name, expected in once.items():
            np.testing.assert_array_equal(
                sitk.GetArrayFromImage(again[name]), sitk.GetArrayFromImage(expected)
            )


@pytest.mark.parametrize("settings", [{}, {"preCrop": True, "padDistance": 2}])
def test_as_large_as_the_image(small: Pair, settings: dict[str, Any]) -> None:
    params = {"featureClass": {"firstorder": ["Mean"]}, "setting": settings}
    cropped = feature_maps(small.image, small.mask, params)["original_firstorder_Mean"]
    full = feature_maps(small.image, small.mask, params, full=True, initValue=-3)
    drawn = full["original_firstorder_Mean"]
    assert _grid(drawn) == _grid(small.image)
    roi = sitk.GetArrayFromImage(small.mask) > 0
    assert (sitk.GetArrayFromImage(drawn)[~roi] == -3).all()
    back = sitk.Resample(drawn, cropped, sitk.Transform(), sitk.sitkNearestNeighbor)
    inside = sitk.GetArrayFromImage(back) != -3
    assert inside.sum() == roi.sum()
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(back)[inside], sitk.GetArrayFromImage(cropped)[inside]
    )


def test_as_large_as_the_resampled_image(small: Pair) -> None:
    params = {
        "featureClass": {"firstorder": ["Mean"]},
        "setting": {"resampledPixelSpacing": [1, 1, 1], "padDistance": 4},
    }
    drawn = feature_maps(small.image, small.mask, params, full=True)["original_firstorder_Mean"]
    cropped = feature_maps(small.image, small.mask, params)["original_firstorder_Mean"]
    # Padded by 4 where the image reaches that far; cropped maps reach 1 beyond the ROI.
    assert drawn.GetSpacing() == (1, 1, 1)
    assert np.subtract(drawn.GetSize(), cropped.GetSize()).min() > 0
    np.testing.assert_allclose(
        np.sort(sitk.GetArrayFromImage(drawn), axis=None)[-50:],
        np.sort(sitk.GetArrayFromImage(cropped), axis=None)[-50:],
    )


def test_the_mean_of_27_voxels(small: Pair) -> None:
    # One window by hand: the ROI's middle voxel has all its neighbours inside.
    drawn = feature_maps(small.image, small.mask, {"featureClass": {"firstorder": ["Mean"]}},
                         maskedKernel=False, full=True)["original_firstorder_Mean"]  # fmt: skip
    array = sitk.GetArrayFromImage(small.image).astype(float)
    assert sitk.GetArrayFromImage(drawn)[5, 10, 11] == pytest.approx(
        array[4:7, 9:12, 10:13].mean(), rel=1e-12
    )


def test_an_image_type_without_values(small: Pair, caplog: pytest.LogCaptureFixture) -> None:
    params = {
        "imageType": {"LoG": {"sigma": [40.0]}},
        "featureClass": {"firstorder": ["Mean"]},
    }
    drawn = feature_maps(small.image, small.mask, params)["log-sigma-40-0-mm-3D_firstorder_Mean"]
    assert np.isnan(sitk.GetArrayFromImage(drawn)).sum() == sitk.GetArrayFromImage(small.mask).sum()
    assert "log-sigma-40-0-mm-3D is undefined" in caplog.text


def test_wrong_input(small: Pair) -> None:
    with pytest.raises(SettingsError, match="kernelRadius"):
        feature_maps(small.image, small.mask, kernelRadius=0)
    with pytest.raises(LabelNotFoundError, match="label 3"):
        feature_maps(small.image, small.mask, label=3)
