import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.errors import (
    ConstantRoiError,
    EmptyRoiError,
    GeometryMismatchError,
    ImageError,
    LabelNotFoundError,
    NonFiniteImageError,
    RoiTooSmallError,
)
from radpipe.extraction.image import (
    Extent,
    check_finite,
    check_pair,
    check_varying,
    extents_of,
    roi_of,
)
from tests.conftest import Pair


def test_a_sound_pair_passes(pair: Pair) -> None:
    check_pair(pair.image, pair.mask, 1)
    check_finite(pair.image)
    check_varying(pair.image, pair.mask, 1, extents_of(pair.mask)[1])


@pytest.mark.parametrize("labels", [(1, 2, 3), (7, 300, 4_000_000_000), (65_535, 65_536, 65_537)])
@pytest.mark.parametrize("shape", [(4, 6, 5), (6, 5)])
def test_labels_are_found(shape: tuple[int, ...], labels: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).choice((0, 0, 0, *labels), shape).astype(np.uint32)
    array[0] = 0
    mask = sitk.GetImageFromArray(array)
    found = extents_of(mask)
    assert list(found) == sorted(labels)
    for label, extent in found.items():
        assert extent.voxels == np.count_nonzero(roi_of(mask, label))
        places = np.argwhere(roi_of(mask, label))
        assert [part.start for part in extent.box] == places.min(axis=0).tolist()
        assert [part.stop for part in extent.box] == (places.max(axis=0) + 1).tolist()


def test_a_mask_without_background() -> None:
    mask = sitk.GetImageFromArray(np.full((2, 3, 4), 9, np.uint32))
    assert extents_of(mask) == {9: Extent((slice(0, 2), slice(0, 3), slice(0, 4)), 24)}


def test_empty_mask(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))
    with pytest.raises(EmptyRoiError, match="only zeros"):
        check_pair(pair.image, pair.mask, 1)


def test_a_label_that_is_not_there_says_which_are(pair: Pair) -> None:
    pair.change_mask(lambda array: array.__setitem__((0, 0, 0), 7))
    with pytest.raises(LabelNotFoundError, match=r"labels 1, 7.*label 4"):
        check_pair(pair.image, pair.mask, 4)


def test_one_voxel(pair: Pair) -> None:
    pair.change_mask(lambda array: array.__setitem__((0, 0, 0), 7))
    with pytest.raises(RoiTooSmallError, match="1 voxel"):
        check_pair(pair.image, pair.mask, 7)


@pytest.mark.parametrize("part", ["spacing", "origin", "direction"])
def test_another_grid_is_told_by_its_difference(pair: Pair, part: str) -> None:
    values = list(getattr(pair.mask, f"Get{part.title()}")())
    values[0] += 0.01
    getattr(pair.mask, f"Set{part.title()}")(values)
    with pytest.raises(GeometryMismatchError, match=f"mask {part} .*image {part}"):
        check_pair(pair.image, pair.mask, 1)
    check_pair(pair.image, pair.mask, 1, tolerance=0.1)
    check_pair(pair.image, pair.mask, 1, may_differ=True)


def test_another_size(pair: Pair) -> None:
    with pytest.raises(GeometryMismatchError, match=r"mask size \(22, 20, 9\)"):
        check_pair(pair.image, pair.mask[:, :, 1:], 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_anywhere(pair: Pair, value: float) -> None:
    pair.change_image(lambda array: array.__setitem__((0, 0, 0), value))
    with pytest.raises(NonFiniteImageError, match="1 of 4400 voxels"):
        check_finite(pair.image)


def test_constant_roi(pair: Pair) -> None:
    pair.change_image(lambda array: array.fill(3))
    extent = extents_of(pair.mask)[1]
    with pytest.raises(ConstantRoiError, match=r"all 3\.0"):
        check_varying(pair.image, pair.mask, 1, extent)


def test_an_image_of_several_channels_is_refused(pair: Pair) -> None:
    channels = sitk.Compose([pair.image] * 3)
    for image in (channels, sitk.RealAndImaginaryToComplex(pair.image, pair.image)):
        with pytest.raises(ImageError, match="no image of intensities"):
            check_pair(image, pair.mask, 1)
