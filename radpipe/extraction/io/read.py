"""Image and mask files by their suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from radpipe.errors import UnreadableImageError
from radpipe.extraction.io import itk, nifti
from radpipe.store.files import nearest_folder

READERS: dict[str, Callable[[Path], sitk.Image]] = {
    ".nii": nifti.read,
    ".nii.gz": nifti.read,
    ".nrrd": itk.read,
    ".nhdr": itk.read,
    ".mha": itk.read,
    ".mhd": itk.read,
    ".dcm": itk.read,
    ".tif": itk.read,
    ".tiff": itk.read,
    ".png": itk.read,
}


def read_image(path: str | Path) -> sitk.Image:
    """Read an image.

    Parameters
    ----------
    path : str or Path
        A file whose suffix stands in :data:`READERS`.

    Returns
    -------
    SimpleITK.Image
        The image in the file's own pixel type.

    Raises
    ------
    UnreadableImageError
        The file is missing, a folder, truncated or of an unknown type.
    """
    path = Path(path)
    if path.is_dir():
        raise UnreadableImageError(
            "a folder where a file is meant",
            where=str(path),
            expected="one image file",
            remedy="convert a DICOM series to NIfTI or NRRD first",
        )
    if not path.exists():
        raise UnreadableImageError(
            "no such file",
            where=str(path),
            found=nearest_folder(path),
            expected="an image file",
            remedy="mend the path; those of a manifest are relative to the manifest",
        )
    return _reader_of(path)(path)


def read_mask(path: str | Path, label_channel: int = 0) -> sitk.Image:
    """Read a label map, or one channel of a vector mask.

    Parameters
    ----------
    path : str or Path
        A file whose suffix stands in :data:`READERS`.
    label_channel : int
        Channel of a vector mask.

    Returns
    -------
    SimpleITK.Image
        Integer labels, ``uint32`` as PyRadiomics casts them.

    Raises
    ------
    UnreadableImageError
        As :func:`read_image`; or the mask has no such channel.
    """
    return as_label_map(read_image(path), label_channel, str(path))


def as_label_map(mask: sitk.Image, label_channel: int = 0, where: str = "mask") -> sitk.Image:
    """Cast a mask to integer labels.

    Parameters
    ----------
    mask : SimpleITK.Image
        Scalar or vector image.
    label_channel : int
        Channel of a vector mask.
    where : str
        What to call the mask in an error.

    Returns
    -------
    SimpleITK.Image
        ``uint32`` labels.

    Raises
    ------
    UnreadableImageError
        The mask has no such channel, or holds fractions or negative values.
    """
    channels = mask.GetNumberOfComponentsPerPixel()
    if channels > 1:
        if not 0 <= label_channel < channels:
            raise UnreadableImageError(
                "the mask has no such channel",
                where=where,
                found=f"{channels} channels",
                expected=f"channel {label_channel}, counted from 0",
            )
        mask = sitk.VectorIndexSelectionCast(mask, label_channel)
    _refuse_what_is_no_label(mask, where)
    return sitk.Cast(mask, sitk.sitkUInt32)


def _refuse_what_is_no_label(mask: sitk.Image, where: str) -> None:
    values = sitk.GetArrayViewFromImage(mask)
    if values.dtype.kind == "u":
        return
    wrong = values[(values < 0) | (values != np.floor(values))]
    if wrong.size:
        raise UnreadableImageError(
            "the mask holds values that are no labels",
            where=where,
            found=f"{wrong.size} voxels such as {wrong[0]:g}",
            expected="integers from 0",
            remedy="threshold a probability map before; PyRadiomics would cut 0.9 down to 0",
        )


def labels_in(path: str | Path, label_channel: int = 0) -> list[int]:
    """List the labels of a mask file.

    Parameters
    ----------
    path : str or Path
        A mask.
    label_channel : int
        Channel of a vector mask.

    Returns
    -------
    list of int
        Ascending, without 0.
    """
    # The view must not outlive the mask: its memory is the mask's.
    mask = read_mask(path, label_channel)
    labels = np.unique(sitk.GetArrayViewFromImage(mask))
    return [int(label) for label in labels if label != 0]


def _reader_of(path: Path) -> Callable[[Path], sitk.Image]:
    for suffix in ("".join(path.suffixes[-2:]).lower(), path.suffix.lower()):
        if suffix in READERS:
            return READERS[suffix]
    raise UnreadableImageError(
        "unknown type of file",
        where=str(path),
        found=path.suffix or "no suffix",
        expected="one of " + " ".join(READERS),
        remedy="convert it to NIfTI or NRRD",
    )
