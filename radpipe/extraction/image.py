"""What must hold of an image and its mask before anything is computed from them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
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

# SimpleITK's own default, in units of the voxel size.
GEOMETRY_TOLERANCE = 1e-6


def roi_of(mask: sitk.Image, label: int) -> npt.NDArray[np.bool_]:
    """Return the voxels of one label.

    Parameters
    ----------
    mask : SimpleITK.Image
        Integer labels.
    label : int
        The label wanted.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        True inside the ROI.
    """
    roi: npt.NDArray[np.bool_] = sitk.GetArrayViewFromImage(mask) == label
    return roi


def volume_mm3(mask: sitk.Image, label: int) -> float:
    """Return the ROI's volume as it was drawn: before resampling and resegmentation.

    Parameters
    ----------
    mask : SimpleITK.Image
        Integer labels.
    label : int
        The label wanted.

    Returns
    -------
    float
        Number of voxels times their size, in mm³ (mm² for a 2D image); IBSI YEKZ.
    """
    return float(np.count_nonzero(roi_of(mask, label)) * math.prod(mask.GetSpacing()))


def check_pair(
    image: sitk.Image,
    mask: sitk.Image,
    label: int,
    *,
    tolerance: float | None = None,
    may_differ: bool = False,
) -> None:
    """Refuse an image and a mask from which nothing can be computed.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        The pair; the mask holds integer labels.
    label : int
        Label of the ROI.
    tolerance : float or None
        As for :func:`check_geometry`.
    may_differ : bool
        Whether the mask may lie on another grid, since the engine resamples it.

    Raises
    ------
    ImageError
        As :func:`check_channels`.
    EmptyRoiError, LabelNotFoundError, RoiTooSmallError
        As :func:`check_roi`.
    GeometryMismatchError
        As :func:`check_geometry`.
    """
    check_channels(image)
    check_roi(mask, label)
    if not may_differ:
        check_geometry(image, mask, tolerance)


def check_channels(image: sitk.Image) -> None:
    """Refuse an image of several channels, whose numbers would be taken for another axis.

    Parameters
    ----------
    image : SimpleITK.Image
        The image.

    Raises
    ------
    ImageError
        A voxel holds more than one number, or a complex one.
    """
    channels = image.GetNumberOfComponentsPerPixel()
    kind = image.GetPixelIDTypeAsString()
    if channels != 1 or "complex" in kind:
        raise ImageError(
            "the image is no image of intensities",
            found=f"{channels} channel(s), {kind}",
            expected="one number a voxel",
            remedy="choose one channel, or convert colours to grey, and save that",
        )


def check_roi(mask: sitk.Image, label: int) -> None:
    """Refuse a mask without a usable ROI.

    Parameters
    ----------
    mask : SimpleITK.Image
        Integer labels.
    label : int
        The label wanted.

    Raises
    ------
    EmptyRoiError
        The mask holds nothing but zeros.
    LabelNotFoundError
        It holds other labels only.
    RoiTooSmallError
        It has one voxel: no feature but its intensity is defined.
    """
    labels, counts = np.unique(sitk.GetArrayViewFromImage(mask), return_counts=True)
    voxels = {int(name): int(count) for name, count in zip(labels, counts, strict=True) if name}
    if not voxels:
        raise EmptyRoiError(
            "the mask is empty",
            found="only zeros",
            expected=f"voxels of label {label}",
            remedy="draw the ROI, or take the case out of the cohort",
        )
    if label not in voxels:
        raise LabelNotFoundError(
            "the mask does not hold the label",
            found="labels " + ", ".join(str(name) for name in voxels),
            expected=f"label {label}",
            remedy="ask for one of these: in the manifest's column `label`, or as `label`",
        )
    if voxels[label] == 1:
        raise RoiTooSmallError(
            "the ROI is too small",
            found="1 voxel",
            expected="at least 2",
            remedy="check the mask: a single voxel is most often a slip of the mouse",
        )


def check_geometry(image: sitk.Image, mask: sitk.Image, tolerance: float | None) -> None:
    """Refuse an image and a mask on different grids.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        The pair.
    tolerance : float or None
        Largest difference of origin and spacing in units of the first voxel size, and of the
        direction cosines; None is SimpleITK's own, 1e-6.

    Raises
    ------
    GeometryMismatchError
        Size, spacing, origin or direction differ; all that do are named.
    """
    tolerance = GEOMETRY_TOLERANCE if tolerance is None else tolerance
    length = tolerance * image.GetSpacing()[0]
    limits = {"size": 0.0, "spacing": length, "origin": length, "direction": tolerance}
    found, expected = [], []
    for name, limit in limits.items():
        of_image, of_mask = (getattr(each, f"Get{name.title()}")() for each in (image, mask))
        if len(of_image) != len(of_mask) or not np.allclose(of_image, of_mask, rtol=0, atol=limit):
            found.append(f"mask {name} {_rounded(of_mask)}")
            expected.append(f"image {name} {_rounded(of_image)}")
    if found:
        raise GeometryMismatchError(
            "image and mask lie on different grids",
            found=", ".join(found),
            expected=", ".join(expected),
            remedy="resample the mask to the image, raise `geometryTolerance`, "
            "or set `correctMask: true`",
        )


def check_intensities(image: sitk.Image, roi: npt.NDArray[np.bool_] | None) -> None:
    """Refuse an image that would give numbers without meaning.

    Parameters
    ----------
    image : SimpleITK.Image
        The image.
    roi : ndarray of bool, shape (z, y, x), or None
        Where intensities must vary; None when only shape is wanted.

    Raises
    ------
    NonFiniteImageError
        A voxel anywhere is NaN or infinite: filters and resampling spread it into the ROI.
    ConstantRoiError
        All voxels of the ROI are equal.
    """
    array = sitk.GetArrayViewFromImage(image)
    broken = 0 if array.dtype.kind in "iu" else np.count_nonzero(~np.isfinite(array))
    if broken:
        raise NonFiniteImageError(
            "the image holds NaN or infinity",
            found=f"{broken} of {array.size} voxels",
            expected="finite intensities everywhere",
            remedy="give voxels outside the field of view the background's intensity",
        )
    if roi is not None and roi.shape == array.shape and np.ptp(array[roi]) == 0:
        raise ConstantRoiError(
            "the ROI is constant",
            found=f"{int(roi.sum())} voxels, all {array[roi][0]}",
            expected="intensities that vary",
            remedy="check that the image, and not a mask, stands in the manifest's column `image`",
        )


def _rounded(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
