"""The grid that a feature map is drawn on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.extraction.grid import Box, Mask
from radpipe.extraction.preprocess.prepare import Prepared

# Voxels: by how little the places of two grids may differ.
_ALIGNED = 1e-3


@dataclass(frozen=True)
class Canvas:
    """The grid of a map, and where the ROI lies in it.

    Attributes
    ----------
    roi : ndarray of bool, shape (z, y, x)
        The voxels that have a value.
    geometry : SimpleITK.Image
        An image on the grid.
    filling : float
        What the others are given.
    """

    roi: Mask
    geometry: sitk.Image
    filling: float

    @classmethod
    def of(cls, prepared: Prepared, box: Box, image: sitk.Image | None, filling: float) -> Canvas:
        """Choose the grid.

        Parameters
        ----------
        prepared : Prepared
            Image and ROI.
        box : tuple of slice
            The part of the prepared image that maps cover by default.
        image : SimpleITK.Image or None
            The image as read, for maps as large as that; where its grid is another one, as large
            as the prepared image.
        filling : float
            What voxels outside the ROI are given.

        Returns
        -------
        Canvas
            The grid.
        """
        if image is None:
            return cls(prepared.roi[box], _part(prepared.reference, box), filling)
        start = _start_in(image, prepared.reference)
        if start is None:
            return cls(prepared.roi, prepared.reference, filling)
        roi = np.zeros(image.GetSize()[::-1], bool)
        roi[tuple(map(_slice, start, prepared.roi.shape))] = prepared.roi
        return cls(roi, image, filling)

    def drawn(self, values: npt.NDArray[np.float64]) -> sitk.Image:
        """Make a map.

        Parameters
        ----------
        values : ndarray of float64, shape (voxels of the ROI,)
            In the order of the array.

        Returns
        -------
        SimpleITK.Image
            The map in double precision.
        """
        array = np.full(self.roi.shape, self.filling, np.float64)
        array[self.roi] = values
        image = sitk.GetImageFromArray(array)
        image.CopyInformation(self.geometry)
        return image


def _part(image: sitk.Image, box: Box) -> sitk.Image:
    start, stop = ([getattr(part, end) for part in box[::-1]] for end in ("start", "stop"))
    return sitk.RegionOfInterest(image, np.subtract(stop, start).tolist(), start)


def _start_in(image: sitk.Image, part: sitk.Image) -> tuple[int, ...] | None:
    """Find where an image's part starts (z, y, x); None if their grids differ."""
    if part.GetSpacing() != image.GetSpacing() or part.GetDirection() != image.GetDirection():
        return None
    place = np.array(image.TransformPhysicalPointToContinuousIndex(part.GetOrigin()))
    start = place.round().astype(int)
    inside = (start >= 0).all() and (start + part.GetSize() <= image.GetSize()).all()
    aligned = inside and np.abs(place - start).max() < _ALIGNED
    return tuple(start[::-1].tolist()) if aligned else None


def _slice(start: int, size: int) -> slice:
    return slice(start, start + size)
