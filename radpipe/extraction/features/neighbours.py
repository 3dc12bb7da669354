"""Which neighbours a voxel has: directions, as PyRadiomics orders them."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from radpipe.extraction.grid import FlatLevels, Roi
from radpipe.extraction.kernels.equal_neighbours import equal_neighbours, one_of_each_cluster
from radpipe.extraction.section import Count, PlaneSetting

Offsets = npt.NDArray[np.int64]


class DistanceSetting(PlaneSetting):
    """How far neighbours are, in voxels, by the largest of their three offsets."""

    distances: list[Count] = Field(default=[1], min_length=1)


class WeightingSetting(PlaneSetting):
    """Whether directions are weighted by their length instead of averaged."""

    weightingNorm: Literal["euclidean", "manhattan", "infinity", "no_weighting"] | None = None


def plane_of(setting: PlaneSetting) -> int | None:
    """Tell the axis along which no neighbours are sought.

    Parameters
    ----------
    setting : PlaneSetting
        Settings.

    Returns
    -------
    int or None
        0, 1 or 2 of (z, y, x); None in 3D.
    """
    return setting.force2Ddimension if setting.force2D else None


@lru_cache
def offsets_ahead(
    shape: tuple[int, ...], distances: tuple[int, ...] = (1,), plane: int | None = None
) -> Offsets:
    """List one of each pair of opposite directions.

    Parameters
    ----------
    shape : tuple of int
        Size of the ROI's box (z, y, x): no direction leads out of it from everywhere.
    distances : tuple of int
        Distances wanted.
    plane : int or None
        Axis along which none leads.

    Returns
    -------
    ndarray of int64, shape (directions, 3)
        Descending; the first of their offsets that is not 0 is positive.
    """
    reach = range(max(distances), -max(distances) - 1, -1)
    ahead = [
        offset
        for offset in product(reach, repeat=3)
        if offset > (0, 0, 0)
        and max(map(abs, offset)) in distances
        and all(abs(step) < size for step, size in zip(offset, shape, strict=True))
        and (plane is None or offset[plane] == 0)
    ]
    return np.array(ahead, np.int64).reshape(-1, 3)


def directions_of(roi: Roi, setting: DistanceSetting) -> tuple[Offsets, FlatLevels]:
    """Return the directions that the settings ask for, and the grey levels with room for them.

    Parameters
    ----------
    roi : Roi
        The ROI.
    setting : DistanceSetting
        Settings.

    Returns
    -------
    offsets : ndarray of int64, shape (directions, 3)
        As :func:`offsets_ahead`.
    flat : FlatLevels
        The grey levels.
    """
    distances = tuple(setting.distances)
    offsets = offsets_ahead(roi.mask.shape, distances, plane_of(setting))
    return offsets, roi.flat_with(max(distances))


def lengths_mm(
    offsets: Offsets, spacing_mm: tuple[float, ...], norm: str
) -> npt.NDArray[np.float64]:
    """Measure directions.

    Parameters
    ----------
    offsets : ndarray of int64, shape (directions, 3)
        Directions.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x).
    norm : str
        ``euclidean``, ``manhattan`` or ``infinity``.

    Returns
    -------
    ndarray of float64, shape (directions,)
        Lengths.
    """
    order = {"euclidean": 2, "manhattan": 1, "infinity": np.inf}[norm]
    return np.asarray(np.linalg.norm(offsets * np.array(spacing_mm), ord=order, axis=1))


def both_ways(offsets: Offsets) -> Offsets:
    """Add the opposite directions.

    Parameters
    ----------
    offsets : ndarray of int64, shape (directions, 3)
        One of each pair.

    Returns
    -------
    ndarray of int64, shape (2 * directions, 3)
        Both.
    """
    return np.concatenate([offsets, -offsets])


def equal_behind(roi: Roi, offsets: Offsets) -> npt.NDArray[np.uint16]:
    """Tell which neighbours behind each voxel have its grey level.

    Parameters
    ----------
    roi : Roi
        The ROI.
    offsets : ndarray of int64, shape (directions, 3)
        Directions at distance 1.

    Returns
    -------
    ndarray of uint16
        As :func:`equal_neighbours`; kept, since runs and zones both ask for it.
    """
    return roi.kept(
        ("equal behind", offsets.tobytes()),
        lambda: equal_neighbours(roi.flat.codes, offsets @ roi.flat.strides),
    )


@lru_cache
def joining(offsets: bytes) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Return the tables that zones are joined by, kept for the next ROI.

    Parameters
    ----------
    offsets : bytes
        Directions as bytes of int64, since arrays have no hash.

    Returns
    -------
    ndarray of uint16, shape (2 ** n,)
        As of :func:`one_of_each_cluster`.
    ndarray of uint8, shape (2 ** n,)
        Number of the lowest bit that is set in each index; 0 for none.
    """
    joined = one_of_each_cluster(np.frombuffer(offsets, np.int64).reshape(-1, 3))
    sets = np.arange(len(joined))
    return joined, np.log2(np.maximum(sets & -sets, 1)).astype(np.uint8)
