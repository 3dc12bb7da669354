"""NIfTI, plain and gzipped.

ITK's NIfTI reader mends files silently: it fills the missing end of a truncated file with zeros,
and turns NaN and infinity into zero. Both are looked for in the file itself before ITK reads it.
"""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import SimpleITK as sitk

from radpipe.errors import NonFiniteImageError, UnreadableImageError
from radpipe.extraction.io import itk

_BLOCK = 1 << 18
_FLOATS = {16: 4, 64: 8}
_HEADER_SIZES = (348, 540)


@dataclass(frozen=True)
class _Header:
    offset: int
    voxel_bytes: int
    float_bytes: int | None

    @property
    def file_bytes(self) -> int:
        return self.offset + self.voxel_bytes


def read(path: Path) -> sitk.Image:
    """Read one NIfTI file that is whole and finite.

    Parameters
    ----------
    path : Path
        An existing ``.nii`` or ``.nii.gz`` file.

    Returns
    -------
    SimpleITK.Image
        The image in the file's own pixel type.

    Raises
    ------
    UnreadableImageError
        The file is truncated or no NIfTI.
    NonFiniteImageError
        It holds NaN or infinity.
    """
    header = _read_header(path)
    found = _unpacked_bytes(path, header)
    if found < header.file_bytes:
        raise UnreadableImageError(
            "the file is truncated",
            where=str(path),
            found=f"about {found} bytes unpacked",
            expected=f"{header.file_bytes} bytes by its header",
            remedy="copy or export it again",
        )
    return itk.read(path)


def _read_header(path: Path) -> _Header:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        # bitpix counts one component; a vector image holds several a voxel.
        component = int(reader.GetMetaData("bitpix")) // 8
        offset = int(float(reader.GetMetaData("vox_offset")))
        datatype = int(reader.GetMetaData("datatype"))
    except RuntimeError as error:
        raise UnreadableImageError(
            "cannot read the file's header",
            where=str(path),
            found="no valid NIfTI header",
            expected="a NIfTI-1 or NIfTI-2 file",
            remedy="copy or export it again",
        ) from error
    voxels = math.prod(reader.GetSize()) * reader.GetNumberOfComponents()
    return _Header(offset, voxels * component, _FLOATS.get(datatype))


def _unpacked_bytes(path: Path, header: _Header) -> int:
    if header.float_bytes is None and path.suffix != ".gz":
        return path.stat().st_size
    if header.float_bytes is None and _gzip_length(path) == header.file_bytes % 2**32:
        return header.file_bytes
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
        return _scan(cast("BinaryIO", handle), path, header)


def _gzip_length(path: Path) -> int:
    """Read the length modulo 2**32 in which gzip ends; a cut file ends in anything else."""
    with path.open("rb") as handle:
        handle.seek(-4, 2)
        return int.from_bytes(handle.read(4), "little")


def _scan(handle: BinaryIO, path: Path, header: _Header) -> int:
    count = 0
    try:
        start = handle.read(header.offset)
        count = len(start)
        little = int.from_bytes(start[:4], "little") in _HEADER_SIZES
        while block := handle.read(min(_BLOCK, header.file_bytes - count)):
            if header.float_bytes:
                _refuse_nonfinite(block, f"{'<' if little else '>'}f{header.float_bytes}", path)
            count += len(block)
    except (EOFError, OSError):
        # A cut gzip stream ends in an error; what came before it is the file's length.
        return count
    return count


def _refuse_nonfinite(block: bytes, dtype: str, path: Path) -> None:
    values = np.frombuffer(block, dtype=dtype, count=len(block) // int(dtype[-1]))
    broken = np.count_nonzero(~np.isfinite(values))
    if broken:
        raise NonFiniteImageError(
            "the image holds NaN or infinity",
            where=str(path),
            found=f"{broken} or more such voxels",
            expected="finite intensities everywhere",
            remedy="give voxels outside the field of view the background's intensity",
        )
