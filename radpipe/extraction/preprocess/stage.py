"""Image and mask between two steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.extraction.boxes import bounding_box
from radpipe.extraction.grid import Array, Box, Mask


class _Pixels:
    """Lets numpy look at an image's pixels without a copy, and keeps the image alive meanwhile."""

    def __init__(self, image: sitk.Image) -> None:
        self._image = image
        interface: dict[str, Any] = sitk.GetArrayViewFromImage(image).__array_interface__
        self.__array_interface__ = interface


def pixels_of(image: sitk.Image) -> Array:
    """Look at an image's pixels.

    Parameters
    ----------
    image : SimpleITK.Image
        The image; must not be changed afterwards.

    Returns
    -------
    ndarray, shape (z, y, x)
        Read-only, without a copy.
    """
    return np.asarray(_Pixels(image))


@dataclass(frozen=True)
class Stage:
    """Image and mask as one step left them.

    Attributes
    ----------
    name : str
        What diagnostics call it.
    image : SimpleITK.Image
        The image.
    mask : SimpleITK.Image
        The label map, or another on the same grid: its grid counts.
    box : tuple of slice
        The ROI's bounding box on the mask's grid; empty slices if there is no ROI.
    inside : ndarray of bool, shape of the box
        The ROI in its box.
    """

    name: str
    image: sitk.Image
    mask: sitk.Image
    box: Box
    inside: Mask

    @classmethod
    def of(
        cls, name: str, image: sitk.Image, mask: sitk.Image, label: int, box: Box | None = None
    ) -> Stage:
        """Find the ROI in a label map.

        Parameters
        ----------
        name : str
            What diagnostics call the stage.
        image : SimpleITK.Image
            The image.
        mask : SimpleITK.Image
            The label map.
        label : int
            The ROI's label.
        box : tuple of slice, optional
            Its bounding box, if it is known.

        Returns
        -------
        Stage
            All of them.
        """
        if box is None:
            roi = pixels_of(mask) == label
            box = bounding_box(roi)
            return cls(name, image, mask, box, roi[box].copy())
        return cls(name, image, mask, box, pixels_of(mask)[box] == label)

    @cached_property
    def intensities(self) -> Array:
        """The image's pixels, read-only."""
        return pixels_of(self.image)

    @cached_property
    def roi(self) -> Mask:
        """The ROI on the whole grid."""
        roi = np.zeros(self.mask.GetSize()[::-1], bool)
        roi[self.box] = self.inside
        return roi
