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
from radpipe.extraction.image import check_intensities, check_pair, roi_of, volume_mm3
from tests.conftest import Pair


def test_a_sound_pair_passes(pair: Pair) -> None:
    check_pair(pair.image, pair.mask, 1)
    check_intensities(pair.image, roi_of(pair.mask, 1))


def test_volume_is_voxels_times_their_size(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))
    pair.change_mask(lambda array: array[2:4, 5:8, 5:9].fill(1))
    assert volume_mm3(pair.mask, 1) == 2 * 3 * 4 * (1.0 * 1.5 * 2.0)


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
        check_intensities(pair.image, None)


def test_constant_roi(pair: Pair) -> None:
    pair.change_image(lambda array: array.fill(3))
    check_intensities(pair.image, None)
    with pytest.raises(ConstantRoiError, match=r"all 3\.0"):
        check_intensities(pair.image, roi_of(pair.mask, 1))


def test_an_image_of_several_channels_is_refused(pair: Pair) -> None:
    channels = sitk.Compose([pair.image] * 3)
    for image in (channels, sitk.RealAndImaginaryToComplex(pair.image, pair.image)):
        with pytest.raises(ImageError, match="no image of intensities"):
            check_pair(image, pair.mask, 1)
