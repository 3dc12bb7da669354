"""What must not change a feature: where the ROI lies, how it is turned, what its label is."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from radpipe.extraction.extractor import FeatureExtractor

PARAMS = {
    "featureClass": dict.fromkeys(
        ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    ),
    "setting": {"binWidth": 10.0, "additionalInfo": False},
}


def lesion(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[-4:5, -4:5, -4:5]
    # Convex, so that the mesh has no ambiguous cube, which PyRadiomics' table leaves open.
    roi = z**2 + 1.5 * y**2 + 2 * x**2 <= 15
    return rng.integers(0, 80, roi.shape).astype(np.int16), roi


def features_of(array: np.ndarray, roi: np.ndarray, label: int = 1) -> dict[str, float]:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    mask = sitk.GetImageFromArray(np.ascontiguousarray(roi).astype(np.uint8) * label)
    return dict(FeatureExtractor(PARAMS).execute(image, mask, label))


def assert_same(found: dict[str, float], expected: dict[str, float], but: set[str] = frozenset()):
    assert list(found) == list(expected)
    for name, value in expected.items():
        if name.split("_")[-1] not in but:
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), shift=st.tuples(*[st.integers(0, 5)] * 3))
def test_translation(seed: int, shift: tuple[int, ...]) -> None:
    array, roi = lesion(seed)
    margins = [(step, 5 - step) for step in shift]
    moved = features_of(np.pad(array, margins, constant_values=500), np.pad(roi, margins))
    assert moved == features_of(array, roi)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), axes=st.permutations([0, 1, 2]), flip=st.integers(0, 2))
def test_turns_and_mirrors(seed: int, axes: list[int], flip: int) -> None:
    array, roi = lesion(seed)
    turned = [np.flip(each.transpose(axes), flip) for each in (array, roi)]
    # These are named after the axes of the image.
    named = {"Maximum2DDiameterSlice", "Maximum2DDiameterColumn", "Maximum2DDiameterRow"}
    assert_same(features_of(*turned), features_of(array, roi), named)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 999), label=st.integers(2, 255))
def test_the_number_of_a_label(seed: int, label: int) -> None:
    array, roi = lesion(seed)
    assert features_of(array, roi, label) == features_of(array, roi)
