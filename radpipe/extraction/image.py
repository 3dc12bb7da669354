"""What must hold of an image and its mask before anything is computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy.ndimage import find_objects

from radpipe.errors import (
    ConstantRoiError,
    EmptyRoiError,
    GeometryMismatchError,
    ImageError,
    LabelNotFoundError,
    NonFiniteImageError,
    RoiTooSmallError,
)
from radpipe.extraction.boxes import beyond, bounding_box
from radpipe.extraction.grid import Box

# SimpleITK's own default, in units of the voxel size.
GEOMETRY_TOLERANCE = 1e-6
# Above this, a list of all possible labels would be long.
_MOST_LABELS = 1 << 16


@dataclass(frozen=True)
class Extent:
    """Where a label lies in its mask, as it was drawn.

    Attributes
    ----------
    box : tuple of slice
        Bounding box, (z, y, x).
    voxels : int
        Number of its voxels.
    """

    box: Box
    voxels: int


def extents_of(mask: sitk.Image) -> dict[int, Extent]:
    """Find all labels of a mask.

    Parameters
    ----------
    mask : SimpleITK.Image
        Integer labels.

    Returns
    -------
    dict of int to Extent
        Ascending, without 0.
    """
    labels = sitk.GetArrayViewFromImage(mask)
    around = bounding_box(labels)
    labels = labels[around]
    names, counts = np.unique(labels, return_counts=True)
    places = names
    if not names.size:
        return {}
    if names[-1] > _MOST_LABELS:
        labels, places = np.searchsorted(names, labels) + 1, np.arange(1, len(names) + 1)
    boxes = find_objects(labels)
    return {
        int(name): Extent(beyond(boxes[place - 1], around), int(count))
        for name, place, count in zip(names, places, counts, strict=True)
        if name
    }


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


def check_pair(
    image: sitk.Image,
    mask: sitk.Image,
    label: int,
    *,
    tolerance: float | None = None,
    may_differ: bool = False,
    extents: Mapping[int, Extent] | None = None,
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
    extents : mapping of int to Extent, optional
        Of :func:`extents_of`, if they are known.

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
    check_roi(extents_of(mask) if extents is None else extents, label)
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


def check_roi(extents: Mapping[int, Extent], label: int) -> None:
    """Refuse a mask without a usable ROI.

    Parameters
    ----------
    extents : mapping of int to Extent
        The mask's labels.
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
    if not extents:
        raise EmptyRoiError(
            "the mask is empty",
            found="only zeros",
            expected=f"voxels of label {label}",
            remedy="draw the ROI, or take the case out of the cohort",
        )
    if label not in extents:
        raise LabelNotFoundError(
            "the mask does not hold the label",
            found="labels " + ", ".join(str(name) for name in extents),
            expected=f"label {label}",
            remedy="ask for one of these: in the manifest's column `label`, or as `label`",
        )
    if extents[label].voxels == 1:
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


def check_finite(image: sitk.Image) -> None:
    """Refuse an image with voxels that are no numbers: filters would spread them into the ROI.

    Parameters
    ----------
    image : SimpleITK.Image
        The image.

    Raises
    ------
    NonFiniteImageError
        A voxel anywhere is NaN or infinite.
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


def check_varying(image: sitk.Image, mask: sitk.Image, label: int, extent: Extent) -> None:
    """Refuse an ROI without texture.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        The pair; nothing is checked where their sizes differ.
    label : int
        Label of the ROI.
    extent : Extent
        Where it lies.

    Raises
    ------
    ConstantRoiError
        All voxels of the ROI are equal.
    """
    if image.GetSize() != mask.GetSize():
        return
    inside = sitk.GetArrayViewFromImage(mask)[extent.box] == label
    values = sitk.GetArrayViewFromImage(image)[extent.box][inside]
    if np.ptp(values) == 0:
        raise ConstantRoiError(
            "the ROI is constant",
            found=f"{values.size} voxels, all {values[0]}",
            expected="intensities that vary",
            remedy="check that the image, and not a mask, stands in the manifest's column `image`",
        )


def _rounded(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
