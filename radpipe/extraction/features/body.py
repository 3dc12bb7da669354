"""An ROI as a body: the mesh around it, its diameters and its principal axes.

The mesh is that of marching cubes (Lorensen and Cline 1987, doi:10.1145/37401.37422) with its
vertices halfway between voxels. There are 256 kinds of cubes, so that area and volume follow from
how often each kind occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from radpipe.extraction.features.groups import Values
from radpipe.extraction.grid import Mask
from radpipe.extraction.kernels.diameters import (
    hulls_of_planes,
    largest_distance,
    largest_in_planes,
)
from radpipe.extraction.kernels.mesh import sum_coordinates, sum_cubes

Points = npt.NDArray[np.int64]
# The triangles of configurations 0 to 127, three edges (hexadecimal) each; the others are these
# turned inside out. Numbers of corners and edges, and the choice where several surfaces fit, are
# those of Bourke 1994, "Polygonising a scalar field".
_TABLE = """
- 083 019 183198 12a 08312a 0292a9 2832a88a9 23b 08b0b2 01923b 19b1b28b9 13a3ba 08a0a18ba
0393b99ba 8a98ba 478 043347 019478 147173194 12a478 04312a347 0292a9478 2732972a9479 23b478
04224b47b 01923b478 19229b47b4b9 13a3ba478 04114b1ba47b 0393b94789ba 47b4b99ba 495 083495
015054 153358485 12a495 08312a495 0242542a5 2532a5348354 23b495 08b0b2495 01505423b
15225828b485 13a3ba495 08a0a14958ba 03b0540b55ba 48558a8ba 579789 093357395 017078157 157173
12a579789 09312a357395 0282582a5578 2532a5357 23b579789 09227b297579 01815717823b 15717b1b2
13a3ba579789 05707b0950a10ba 03b0570780a50ba 57b5ba 5a6 0835a6 0195a6 1831985a6 126165
083126165 026069596 258265283598 23b5a6 08b0b25a6 01923b5a6 19b1b25a68b9 1353653b6
05108b0b55b6 0360590653b6 59669b8b9 4785a6 0433475a6 0194785a6 1471731945a6 126165478
043126165347 026069478596 269293397479596 23b4785a6 04224b47b5a6 01923b4785a6
19229b47b4b95a6 1353653b6478 04b0b11b547b5b6 0360590653b6478 47959669b7b9 49a4a6 08349a4a6
01a0640a6 1681831a6486 124149264 083124149264 024264 248264283 23b49a4a6 08b0b249a4a6
01a0640a623b 14816418b1a61b2 1393693b6496 08114916418b1b6 0360643b6 48668b 67a78a89a
07309a0a767a 0181781a767a 1731a767a 126168189678 093129269397679 026067078 267273
23b67a78a89a 07209727b67a79a 0181781a723b67a 16717b1a61b2 1361693b6678689 09167b
03b0670780b6 67b
"""
_TRIANGLES = _TABLE.split()
# Middle of each edge in half voxels, (z, y, x).
_EDGES = np.array(
    [
        (0, 0, 1), (0, 1, 2), (0, 2, 1), (0, 1, 0), (2, 0, 1), (2, 1, 2), (2, 2, 1), (2, 1, 0),
        (1, 0, 0), (1, 0, 2), (1, 2, 2), (1, 2, 0),
    ]
)  # fmt: skip
_CONFIGURATION = np.repeat(np.arange(128), [len(row.strip("-")) // 3 for row in _TRIANGLES])
# Shape (triangles, 3 vertices, zyx).
_VERTICES = _EDGES[[int(edge, 16) for row in _TRIANGLES for edge in row.strip("-")]].reshape(
    -1, 3, 3
)
# Below this share of the largest eigenvalue an axis is rounding.
_FLAT = 1e-8


@dataclass(frozen=True)
class Body:
    """The ROI as a body.

    Attributes
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Voxels of the ROI, with a margin of 1 on every side.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x).
    """

    mask: Mask
    spacing_mm: tuple[float, ...]

    @cached_property
    def cubes(self) -> npt.NDArray[np.int64]:
        """Sums over the cubes of each configuration, as of :func:`sum_cubes`."""
        return sum_cubes(self.mask.view(np.uint8))

    @cached_property
    def area(self) -> float:
        """Area of the mesh, mm²."""
        count = self.cubes[:128, 0] + self.cubes[:127:-1, 0]
        corners = _VERTICES * (np.array(self.spacing_mm) / 2)
        normals = np.cross(corners[:, 0] - corners[:, 2], corners[:, 1] - corners[:, 2])
        return float(np.sum(count[_CONFIGURATION] * np.linalg.norm(normals, axis=1)) / 2)

    @cached_property
    def volume(self) -> float:
        """Volume of the mesh, mm³: that of tetrahedra from each triangle to the grid's origin."""
        # Ambiguous cubes leave holes in the mesh: where it lies is part of PyRadiomics' value.
        sums = (self.cubes[:128] - self.cubes[:127:-1])[_CONFIGURATION]
        a, b, c = np.moveaxis(_VERTICES, 1, 0)
        normals = np.cross(a, b) + np.cross(b, c) + np.cross(c, a)
        within = np.sum(np.cross(a, b) * c, axis=1)
        total = np.sum(within * sums[:, 0]) + 2 * np.sum(normals * sums[:, 1:])
        return float(total / 48 * np.prod(self.spacing_mm))

    @cached_property
    def voxels(self) -> int:
        """Number of voxels."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def eigenvalues(self) -> Values:
        """Variances along the principal axes, ascending, mm²."""
        return principal_variances(self.mask, self.spacing_mm)

    @cached_property
    def corners(self) -> tuple[Points, Points, Points]:
        """Corners of the mesh's hull in the planes across z, y and x."""
        points = surface_points(self.mask)
        return hulls_of_planes(points, 0), hulls_of_planes(points, 1), hulls_of_planes(points, 2)

    def diameter_across(self, axis: int) -> float:
        """Find the largest distance of two vertices in a plane.

        Parameters
        ----------
        axis : int
            Planes lie across it: 0, 1 or 2 of (z, y, x).

        Returns
        -------
        float
            Distance, mm.
        """
        points_mm = in_mm(self.corners[axis], self.spacing_mm)
        return float(np.sqrt(largest_in_planes(points_mm, axis)))

    @cached_property
    def diameter(self) -> float:
        """Largest distance of two vertices, mm."""
        corners = hulls_of_planes(hulls_of_planes(self.corners[0], 1), 2)
        points_mm = in_mm(corners, self.spacing_mm)
        centre = (points_mm.min(axis=0) + points_mm.max(axis=0)) / 2
        radius = np.linalg.norm(points_mm - centre, axis=1)
        order = np.argsort(-radius)
        return float(np.sqrt(largest_distance(points_mm[order], radius[order])))

    def axis_length(self, place: int) -> float:
        """Return the length of an axis of the ellipsoid with the ROI's eigenvalues.

        Parameters
        ----------
        place : int
            Place among the eigenvalues.

        Returns
        -------
        float
            Length, mm.
        """
        return float(np.sqrt(self.eigenvalues[place]) * 4)


def surface_points(mask: Mask) -> Points:
    """List the vertices of the mesh: the middles between voxels inside and outside.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Voxels of the ROI.

    Returns
    -------
    ndarray of int64, shape (n, 3)
        Places in half voxels.
    """
    return np.concatenate([_middles(mask, axis) for axis in range(3)])


def _middles(mask: Mask, axis: int) -> Points:
    differ = np.diff(mask, axis=axis)
    places = np.array(np.unravel_index(np.flatnonzero(differ), differ.shape)).T
    return np.asarray(2 * places + np.eye(3, dtype=np.int64)[axis])


def in_mm(points: Points, spacing_mm: tuple[float, ...]) -> Values:
    """Measure places of the half grid.

    Parameters
    ----------
    points : ndarray of int64, shape (n, 3)
        Places in half voxels.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x).

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Places in mm.
    """
    return np.asarray(points / 2 * np.array(spacing_mm))


def principal_variances(mask: Mask, spacing_mm: tuple[float, ...]) -> Values:
    """Compute the variances of an ROI along its principal axes.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Voxels of the ROI.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x); an axis of one slice is left out.

    Returns
    -------
    ndarray of float64, shape (axes,)
        Ascending; negative where PyRadiomics has it so.
    """
    axes = np.flatnonzero(np.array(mask.shape) > 1)
    spacing = np.array(spacing_mm)[axes]
    # Python's integers: these products have more than 64 bits in large ROIs.
    sums = sum_coordinates(mask.view(np.uint8)).astype(object)
    n, first, second = sums[0, 0], sums[0, 1:], sums[1:, 1:]
    covariance = ((n * second - np.outer(first, first)) / (n * n)).astype(float)
    scaled = covariance[np.ix_(axes, axes)] * np.outer(spacing, spacing)
    values = np.linalg.eigvalsh(scaled)
    if values[0] > _FLAT * values[-1]:
        return np.asarray(values)
    return _variances_with_rounding(mask.squeeze(), spacing)


def _variances_with_rounding(mask: Mask, spacing: Values) -> Values:
    # What PyRadiomics gives for an axis without extent is rounding: only its own order of
    # operations, and of memory, rounds as it does.
    places = np.array(np.nonzero(mask)).T * spacing
    places -= places.mean(axis=0)
    places /= np.sqrt(len(places))
    values = np.linalg.eigvals(np.dot(places.T.copy(), places)).real
    values[(values < 0) & (values > -1e-10)] = 0
    return np.sort(values)
