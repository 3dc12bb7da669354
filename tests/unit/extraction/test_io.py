import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.errors import NonFiniteImageError, UnreadableImageError
from radpipe.extraction.io import labels_in, read_image, read_mask
from tests.conftest import Pair


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_every_format_gives_back_the_pixels_and_the_grid(
    tmp_path: Path, pair: Pair, suffix: str
) -> None:
    path, _ = pair.write(tmp_path, suffix=suffix)
    image = read_image(path)
    assert np.array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(pair.image))
    assert image.GetSpacing() == pytest.approx(pair.image.GetSpacing())
    assert image.GetOrigin() == pytest.approx(pair.image.GetOrigin())


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.97])
def test_a_truncated_file_is_never_read_as_zeros(
    tmp_path: Path, pair: Pair, suffix: str, kept: float
) -> None:
    path, _ = pair.write(tmp_path, suffix=suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableImageError, match="case_image"):
        read_image(path)


def test_a_gzip_of_several_members_is_whole(tmp_path: Path, pair: Pair) -> None:
    path, _ = pair.write(tmp_path, suffix=".nii")
    content = path.read_bytes()
    zipped = tmp_path / "members.nii.gz"
    zipped.write_bytes(gzip.compress(content[:1000]) + gzip.compress(content[1000:]))
    assert read_image(zipped).GetSize() == pair.image.GetSize()


def test_a_folder_a_missing_file_and_an_unknown_type_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="a folder where a file is meant"):
        read_image(tmp_path)
    with pytest.raises(UnreadableImageError, match=f"no such file.*{tmp_path}"):
        read_image(tmp_path / "a" / "b.nii")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UnreadableImageError, match=r"unknown type.*\.txt.*\.nrrd"):
        read_image(tmp_path / "notes.txt")


def test_text_that_calls_itself_nifti_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_text("no image at all")
    with pytest.raises(UnreadableImageError, match=r"a\.nii\.gz"):
        read_image(tmp_path / "a.nii.gz")


def test_labels_of_a_scalar_and_of_a_vector_mask(tmp_path: Path, pair: Pair) -> None:
    other = pair.mask * 3
    path = tmp_path / "vector.nrrd"
    sitk.WriteImage(sitk.Compose(pair.mask, other), str(path))
    assert labels_in(path, 0) == [1]
    assert labels_in(path, 1) == [3]
    with pytest.raises(UnreadableImageError, match=r"2 channels.*channel 2"):
        read_mask(path, 2)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_nifti_is_not_turned_into_zero(
    tmp_path: Path, pair: Pair, suffix: str, value: float
) -> None:
    pair.change_image(lambda array: array.__setitem__((9, 19, 21), value))
    path, _ = pair.write(tmp_path, suffix=suffix)
    with pytest.raises(NonFiniteImageError, match="NaN or infinity"):
        read_image(path)


def test_big_endian_nifti_is_scanned_in_its_own_order(tmp_path: Path, pair: Pair) -> None:
    path, _ = pair.write(tmp_path, suffix=".nii")
    swapped = _big_endian(path.read_bytes())
    path.write_bytes(swapped)
    read = sitk.GetArrayFromImage(read_image(path))
    assert np.array_equal(read, sitk.GetArrayFromImage(pair.image))
    path.write_bytes(swapped[:-4] + np.array([np.nan], ">f4").tobytes())
    with pytest.raises(NonFiniteImageError):
        read_image(path)


def _big_endian(nifti: bytes) -> bytes:
    """Swap a NIfTI-1 file of float32 by the header's published layout."""
    sizes = (
        [(0, 4), (32, 4), (36, 2)]
        + [(at, 2) for at in range(40, 56, 2)]
        + [(at, 4) for at in range(56, 68, 4)]
        + [(at, 2) for at in range(68, 76, 2)]
        + [(at, 4) for at in range(76, 120, 4)]
        + [(120, 2)]
        + [(at, 4) for at in range(124, 148, 4)]
        + [(252, 2), (254, 2)]
        + [(at, 4) for at in range(256, 328, 4)]
    )
    header = bytearray(nifti[:352])
    for at, size in sizes:
        header[at : at + size] = header[at : at + size][::-1]
    return bytes(header) + np.frombuffer(nifti[352:], "<f4").astype(">f4").tobytes()


@pytest.mark.parametrize("value", [0.5, -1.0])
def test_a_mask_of_fractions_or_negative_values_is_refused(
    tmp_path: Path, pair: Pair, value: float
) -> None:
    pair.mask = sitk.Cast(pair.mask, sitk.sitkFloat32)
    _, path = pair.write(tmp_path)
    assert labels_in(path) == [1]
    pair.change_mask(lambda array: array.__setitem__((0, 0, 0), value))
    _, path = pair.write(tmp_path)
    with pytest.raises(UnreadableImageError, match=f"no labels.*{value:g}"):
        read_mask(path)


def test_analyze_pairs_are_not_read(tmp_path: Path, pair: Pair) -> None:
    path, _ = pair.write(tmp_path, suffix=".hdr")
    with pytest.raises(UnreadableImageError, match="unknown type"):
        read_image(path)
