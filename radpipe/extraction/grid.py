"""What the rooms of the image wing hand each other: arrays are (z, y, x), lengths in mm."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.discretise import count_levels

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
# One slice an axis.
Box = tuple[slice, ...]
_Made = TypeVar("_Made")


class Keeping:
    """Keeps what is asked for again; two threads may make the same at once."""

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    def kept(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """Make something the first time that it is asked for.

        Parameters
        ----------
        key : hashable
            Its name.
        make : callable
            Makes it.

        Returns
        -------
        object
            What was made then.
        """
        kept = self._kept
        if key not in kept:
            kept[key] = make()
        made: _Made = kept[key]
        return made


@dataclass(frozen=True)
class Grid:
    """An image as numbers.

    Attributes
    ----------
    array : ndarray, shape (z, y, x) or (y, x)
        Intensities, of any real type.
    spacing_mm : tuple of float
        Size of a voxel in the order of the array's axes.
    """

    array: Array
    spacing_mm: tuple[float, ...]


@dataclass(frozen=True)
class Lattice(Keeping):
    """Where the voxels of an ROI lie in its box: the same for all its image types.

    Attributes
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Voxels that belong to the ROI.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x).
    """

    mask: Mask
    spacing_mm: tuple[float, ...]

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Places of the voxels in the flat box, ascending."""
        return np.flatnonzero(self.mask)

    def padded_by(self, margin: int) -> tuple[npt.NDArray[np.int64], tuple[int, ...]]:
        """Find the voxels in a larger box; kept, since most image types and classes ask for it.

        Parameters
        ----------
        margin : int
            How much larger on every side.

        Returns
        -------
        places : ndarray of int64, shape (voxels,)
            Places of the voxels in the flat larger box, ascending.
        shape : tuple of int
            Its size.
        """
        return self.kept(margin, lambda: self._padded_by(margin))

    def _padded_by(self, margin: int) -> tuple[npt.NDArray[np.int64], tuple[int, ...]]:
        padded = np.pad(self.mask, margin)
        return np.flatnonzero(padded), padded.shape


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


@dataclass(frozen=True)
class Roi(Keeping):
    """One ROI in one image type, discretised.

    Attributes
    ----------
    lattice : Lattice
        Where its voxels lie.
    intensities : ndarray, shape (voxels,)
        The image type's intensities, in the order of the box.
    levels : ndarray of uint16, shape (voxels,)
        Grey levels, from 1.
    """

    lattice: Lattice
    intensities: Array
    levels: npt.NDArray[np.uint16]

    @property
    def mask(self) -> Mask:
        """Voxels that belong to the ROI, shape (z, y, x)."""
        return self.lattice.mask

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Size of a voxel, (z, y, x)."""
        return self.lattice.spacing_mm

    @property
    def flat(self) -> FlatLevels:
        """The grey levels as the kernels take them, for neighbours at distance 1."""
        return self.flat_with(1)

    def flat_with(self, margin: int) -> FlatLevels:
        """Lay out the grey levels with room for neighbours; kept, since most classes ask for it.

        Parameters
        ----------
        margin : int
            The largest distance.

        Returns
        -------
        FlatLevels
            As the kernels take them.
        """
        return self.kept(margin, lambda: self._flat_with(margin))

    def _flat_with(self, margin: int) -> FlatLevels:
        places, shape = self.lattice.padded_by(margin)
        code_of = np.zeros(len(self.level_counts), np.uint16)
        code_of[self.grey_levels] = np.arange(1, len(self.grey_levels) + 1)
        levels, codes = np.zeros((2, *shape), np.uint16).reshape(2, -1)
        levels[places], codes[places] = self.levels, code_of[self.levels]
        strides = np.array([shape[1] * shape[2], shape[2], 1], np.int64)
        return FlatLevels(levels, codes, places, strides)

    @cached_property
    def grey_levels(self) -> npt.NDArray[np.int64]:
        """The grey levels that occur, ascending."""
        return np.flatnonzero(self.level_counts)

    @cached_property
    def level_counts(self) -> npt.NDArray[np.int64]:
        """Number of the ROI's voxels of each grey level, from level 0, which has none."""
        return count_levels(self.levels)


@dataclass(frozen=True)
class Undefined:
    """Takes the place of numbers that the definition does not give.

    Attributes
    ----------
    reason : str
        Why, for whoever reads the diagnostics.
    """

    reason: str
