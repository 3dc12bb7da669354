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
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the mask's grid.
    """

    name: str
    image: sitk.Image
    mask: sitk.Image
    roi: Mask

    @classmethod
    def of(cls, name: str, image: sitk.Image, mask: sitk.Image, label: int) -> Stage:
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

        Returns
        -------
        Stage
            All of them.
        """
        return cls(name, image, mask, pixels_of(mask) == label)

    @cached_property
    def intensities(self) -> Array:
        """The image's pixels, read-only."""
        return pixels_of(self.image)

    @cached_property
    def box(self) -> Box:
        """The ROI's bounding box; empty slices if there is no ROI."""
        return bounding_box(self.roi)
