"""What is perturbed: intensities and an ROI on one grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.extraction.boxes import bounding_box, padded
from radpipe.extraction.grid import Box
from radpipe.extraction.image import roi_of

Roi = npt.NDArray[np.bool_]
_MORE_VOXELS = 2


@dataclass(frozen=True)
class Pair:
    """An image and an ROI in it.

    Attributes
    ----------
    image : ndarray of float32 or float64, shape (z, y, x)
        Intensities; a 2D image has one slice.
    roi : ndarray of bool, shape (z, y, x)
        True inside.
    spacing_mm : tuple of float
        Voxel size, (z, y, x).
    """

    image: npt.NDArray[Any]
    roi: Roi
    spacing_mm: tuple[float, ...]

    def around(self, margin_mm: float) -> Box:
        """Find a box around the ROI.

        Parameters
        ----------
        margin_mm : float
            How far it reaches beyond the ROI on every side; two voxels more, since distances are
            from voxel to voxel; nowhere beyond the image.

        Returns
        -------
        tuple of slice
            Along (z, y, x).
        """
        return tuple(
            padded((part,), math.ceil(margin_mm / spacing) + _MORE_VOXELS, (size,))[0]
            for part, spacing, size in zip(
                bounding_box(self.roi), self.spacing_mm, self.roi.shape, strict=True
            )
        )

    def cropped(self, box: Box) -> Pair:
        """Cut a box out.

        Parameters
        ----------
        box : tuple of slice
            Along (z, y, x).

        Returns
        -------
        Pair
            A smaller one.
        """
        return Pair(self.image[box], self.roi[box], self.spacing_mm)


def pair_of(image: sitk.Image, mask: sitk.Image, label: int) -> Pair:
    """Take the arrays out of an image and its mask.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        On one grid, 2D or 3D.
    label : int
        Label of the ROI.

    Returns
    -------
    Pair
        Copies.
    """
    pixels, roi = sitk.GetArrayFromImage(image), roi_of(mask, label)
    spacing = image.GetSpacing()[::-1]
    if pixels.ndim == 2:
        pixels, roi, spacing = pixels[None], roi[None], (1.0, *spacing)
    # float32 holds every int16 and uint16, at half the memory.
    return Pair(pixels.astype(np.result_type(pixels.dtype, np.float32)), roi.copy(), spacing)


def region_of(image: sitk.Image, box: Box) -> sitk.Image:
    """Cut a box out of an image; what is left stays where it is in the patient.

    Parameters
    ----------
    image : SimpleITK.Image
        2D or 3D.
    box : tuple of slice
        Along (z, y, x).

    Returns
    -------
    SimpleITK.Image
        A smaller one.
    """
    axes = box[::-1][: image.GetDimension()]
    size = [part.stop - part.start for part in axes]
    return sitk.RegionOfInterest(image, size, [part.start for part in axes])


def image_like(reference: sitk.Image, pixels: npt.NDArray[Any]) -> sitk.Image:
    """Make an image of an array, with the grid and the pixel type of another image.

    Parameters
    ----------
    reference : SimpleITK.Image
        Its grid and type are taken over.
    pixels : ndarray, shape (z, y, x)
        Intensities.

    Returns
    -------
    SimpleITK.Image
        Rounded and clipped where the type holds integers.
    """
    kind = sitk.GetArrayViewFromImage(reference).dtype
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        pixels = np.clip(np.rint(pixels), limits.min, limits.max)
    return _on_grid(reference, pixels.astype(kind))


def mask_like(reference: sitk.Image, roi: Roi, label: int) -> sitk.Image:
    """Make a mask of an ROI, on the grid of an image.

    Parameters
    ----------
    reference : SimpleITK.Image
        Its grid is taken over.
    roi : ndarray of bool, shape (z, y, x)
        True inside.
    label : int
        What the mask holds there; 0 elsewhere.

    Returns
    -------
    SimpleITK.Image
        Of the smallest integer type that holds the label.
    """
    return _on_grid(reference, roi.astype(np.min_scalar_type(label)) * label)


def _on_grid(reference: sitk.Image, pixels: npt.NDArray[Any]) -> sitk.Image:
    made = sitk.GetImageFromArray(pixels[0] if reference.GetDimension() == 2 else pixels)
    made.CopyInformation(reference)
    return made
