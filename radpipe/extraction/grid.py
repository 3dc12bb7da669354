"""What the rooms of the image wing hand each other: arrays are (z, y, x), lengths in mm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.extraction.kernels.discretise import count_levels

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
# One slice an axis.
Box = tuple[slice, ...]


@dataclass(frozen=True)
class Grid:
    """An image as numbers.

    Attributes
    ----------
    array : ndarray, shape (z, y, x) or (y, x)
        Intensities in the type of the file.
    spacing_mm : tuple of float
        Size of a voxel in the order of the array's axes.
    """

    array: Array
    spacing_mm: tuple[float, ...]

    @classmethod
    def of(cls, image: sitk.Image) -> Grid:
        """Take an image's numbers.

        Parameters
        ----------
        image : SimpleITK.Image
            The image.

        Returns
        -------
        Grid
            A copy of its pixels, axes in the order of numpy.
        """
        return cls(sitk.GetArrayFromImage(image), tuple(image.GetSpacing()[::-1]))


@dataclass(frozen=True)
class FlatLevels:
    """Grey levels as the kernels take them: one long row, with a margin of zeros on every side.

    Attributes
    ----------
    levels : ndarray of uint16
        Grey levels; 0 outside the ROI.
    codes : ndarray of uint16
        The same without gaps: code k is the k-th grey level that occurs.
    voxels : ndarray of int64
        Places of the ROI's voxels, ascending.
    strides : ndarray of int64, shape (3,)
        Distance of two neighbours along each axis.
    """

    levels: npt.NDArray[np.uint16]
    codes: npt.NDArray[np.uint16]
    voxels: npt.NDArray[np.int64]
    strides: npt.NDArray[np.int64]

    @classmethod
    def of(cls, levels: npt.NDArray[np.uint16], grey_levels: Array, margin: int) -> FlatLevels:
        """Lay out a grid of grey levels.

        Parameters
        ----------
        levels : ndarray of uint16, shape (z, y, x)
            Grey levels; 0 outside the ROI.
        grey_levels : ndarray of int64
            Those that occur, ascending.
        margin : int
            Zeros on every side: how far a neighbour may be.

        Returns
        -------
        FlatLevels
            The row.
        """
        padded = np.pad(levels, margin)
        code_of = np.zeros(int(grey_levels[-1]) + 1, np.uint16)
        code_of[grey_levels] = np.arange(1, len(grey_levels) + 1)
        row = padded.ravel()
        strides = np.array(padded.strides, np.int64) // padded.itemsize
        return cls(row, code_of[row], np.flatnonzero(row), strides)


@dataclass(frozen=True)
class Roi:
    """One ROI in one image type, cropped to its box and discretised.

    Attributes
    ----------
    intensities : ndarray, shape (z, y, x)
        The image type's intensities.
    mask : ndarray of bool, shape (z, y, x)
        Voxels that belong to the ROI.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x).
    levels : ndarray of uint16, shape (z, y, x)
        Grey levels from 1; 0 outside the mask.
    """

    intensities: Array
    mask: Mask
    spacing_mm: tuple[float, ...]
    levels: npt.NDArray[np.uint16]

    @cached_property
    def flat(self) -> FlatLevels:
        """The grey levels as the kernels take them, for neighbours at distance 1."""
        return self.flat_with(1)

    def flat_with(self, margin: int) -> FlatLevels:
        """Lay out the grey levels with room for farther neighbours.

        Parameters
        ----------
        margin : int
            The largest distance.

        Returns
        -------
        FlatLevels
            As the kernels take them.
        """
        return FlatLevels.of(self.levels, self.grey_levels, margin)

    @cached_property
    def grey_levels(self) -> npt.NDArray[np.int64]:
        """The grey levels that occur, ascending."""
        return np.flatnonzero(self.level_counts)

    @cached_property
    def level_counts(self) -> npt.NDArray[np.int64]:
        """Number of the ROI's voxels of each grey level, from level 0, which has none."""
        return count_levels(self.levels.ravel())


@dataclass(frozen=True)
class Undefined:
    """Takes the place of numbers that the definition does not give.

    Attributes
    ----------
    reason : str
        Why, for whoever reads the diagnostics.
    """

    reason: str
