"""Windows: the box around each voxel from which maps of features are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features.neighbours import Offsets, offsets_ahead
from radpipe.extraction.grid import Array, FlatLevels, Keeping, Mask, Roi
from radpipe.extraction.kernels.windows import directions_in_use

Places = npt.NDArray[np.int64]
# Voxels of the windows that are computed together: what numpy makes of them stays in the cache.
_VOXELS_TOGETHER = 2**13


@dataclass(frozen=True)
class Pairs:
    """The pairs of neighbours inside a window.

    Attributes
    ----------
    offsets : ndarray of int64, shape (directions, 3)
        Directions.
    first : ndarray of int64, shape (directions + 1,)
        Where each direction's pairs start.
    a, b : ndarray of int64, shape (pairs,)
        Places within the window of voxel and neighbour.
    """

    offsets: Offsets
    first: Places
    a: Places
    b: Places


@dataclass(frozen=True)
class Lines:
    """The lines of voxels inside a window.

    Attributes
    ----------
    offsets : ndarray of int64, shape (directions, 3)
        Directions.
    first : ndarray of int64, shape (directions + 1,)
        Where each direction's lines start.
    line_first : ndarray of int64, shape (lines + 1,)
        Where each line's voxels start.
    line : ndarray of int64
        Places within the window, line by line.
    """

    offsets: Offsets
    first: Places
    line_first: Places
    line: Places


@dataclass(frozen=True)
class WindowedRoi(Keeping):
    """The ROI, and the window around each of its voxels.

    Attributes
    ----------
    roi : Roi
        Intensities and grey levels that windows may look at, which is not always the ROI alone.
    centres : ndarray of bool, shape (z, y, x)
        The voxels that have a window.
    radius : int
        Voxels on each side of the centre.
    plane : int or None
        Axis along which a window is one voxel thick.
    """

    roi: Roi
    centres: Mask
    radius: int
    plane: int | None

    @cached_property
    def flat(self) -> FlatLevels:
        """Grey levels with a margin that every window fits in."""
        return self.roi.flat_with(self.radius)

    @cached_property
    def top(self) -> int:
        """The largest grey level."""
        return int(self.roi.grey_levels[-1])

    @cached_property
    def flat_intensities(self) -> npt.NDArray[np.float64]:
        """Intensities laid out like the grey levels; NaN where those are 0."""
        within = np.full(self.roi.mask.shape, np.nan)
        within[self.roi.mask] = self.roi.intensities
        return self._padded(within, np.nan)

    @cached_property
    def places(self) -> Places:
        """Places of the centres among the flat grey levels."""
        return np.flatnonzero(self._padded(self.centres, False))

    def _padded(self, array: Array, filling: Any) -> Array:
        return np.pad(array, self.radius, constant_values=filling).ravel()

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Size of a window (z, y, x)."""
        length = 2 * self.radius + 1
        return tuple(1 if axis == self.plane else length for axis in range(3))

    @cached_property
    def steps(self) -> Places:
        """Distance in the flat grid from the centre to each voxel of a window."""
        voxels = np.array(list(np.ndindex(self.shape)), np.int64)
        return np.asarray((voxels - np.array(self.shape) // 2) @ self.flat.strides)

    def offsets(self, distances: tuple[int, ...] = (1,)) -> Offsets:
        """List the directions that leave neither the image nor a window from everywhere.

        Parameters
        ----------
        distances : tuple of int
            Distances wanted.

        Returns
        -------
        ndarray of int64, shape (directions, 3)
            As :func:`offsets_ahead`.
        """
        sizes = zip(self.roi.mask.shape, self.shape, strict=True)
        return offsets_ahead(tuple(map(min, sizes)), distances, self.plane)

    def pairs(self, distances: tuple[int, ...] = (1,)) -> Pairs:
        """List the pairs of neighbours, in the directions that the window of any voxel has one.

        Parameters
        ----------
        distances : tuple of int
            Distances wanted.

        Returns
        -------
        Pairs
            By direction.
        """
        return self.kept(distances, lambda: self._pairs_in_use(distances))

    def _pairs_in_use(self, distances: tuple[int, ...]) -> Pairs:
        found = _pairs(self.offsets(distances), self.shape)
        used = directions_in_use(
            self.flat.levels, self.places, self.steps, found.first, found.a, found.b
        )
        return _pairs(found.offsets[used], self.shape)

    @cached_property
    def lines(self) -> Lines:
        """Lines in all directions."""
        offsets = self.offsets()
        lines = [list(_lines(offset, self.shape)) for offset in offsets]
        every = [line for some in lines for line in some]
        return Lines(offsets, _starts(lines), _starts(every), _joined(every))

    def batches(self, most: int | None = None) -> list[Windows]:
        """Divide the windows into parts that are computed one by one.

        Parameters
        ----------
        most : int or None
            Windows in a part, at most; as many as fit in the cache by default.

        Returns
        -------
        list of Windows
            All of them, in order.
        """
        size = max(_VOXELS_TOGETHER // self.steps.size, 1)
        size = size if most is None else min(size, most)
        starts = range(0, self.places.size, size)
        return [Windows(self, self.places[start : start + size]) for start in starts]


@dataclass(frozen=True)
class Windows:
    """Some of the windows.

    Attributes
    ----------
    whole : WindowedRoi
        The ROI with all its windows.
    places : ndarray of int64, shape (windows,)
        Their centres among the flat grey levels.
    """

    whole: WindowedRoi
    places: Places

    def __len__(self) -> int:
        return len(self.places)


def _pairs(offsets: Offsets, shape: tuple[int, ...]) -> Pairs:
    places = np.arange(np.prod(shape)).reshape(shape)
    behind = [places[_shifted(-offset, shape)].ravel() for offset in offsets]
    ahead = [places[_shifted(offset, shape)].ravel() for offset in offsets]
    return Pairs(offsets, _starts(behind), _joined(behind), _joined(ahead))


def _shifted(offset: npt.NDArray[np.int64], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Select the voxels that lie this offset ahead of another one."""
    return tuple(
        slice(max(step, 0), size + min(step, 0))
        for step, size in zip(offset.tolist(), shape, strict=True)
    )


def _lines(offset: npt.NDArray[np.int64], shape: tuple[int, ...]) -> Iterator[Places]:
    for start in product(*map(range, shape)):
        if not _inside(start - offset, shape):
            line = [np.array(start)]
            while _inside(line[-1] + offset, shape):
                line.append(line[-1] + offset)
            yield np.ravel_multi_index(tuple(np.transpose(line)), shape)


def _inside(voxel: npt.NDArray[np.int64], shape: tuple[int, ...]) -> bool:
    return all(0 <= place < size for place, size in zip(voxel, shape, strict=True))


def _starts(parts: list[Any]) -> Places:
    return np.cumsum([0, *map(len, parts)])


def _joined(parts: list[Places]) -> Places:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
