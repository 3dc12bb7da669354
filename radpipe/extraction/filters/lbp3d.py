"""Image type ``LBP3D``: binary patterns on a sphere, in the energy of spherical harmonics.

Banerjee et al. 2013, doi:10.1007/978-3-642-37410-4_3. PyRadiomics swaps the harmonics' two angles
and leaves the conjugate out; so is it here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.filters.base import Derived
from radpipe.extraction.grid import Array, Box, Grid, Mask, Undefined
from radpipe.extraction.section import Count, Index, Positive, Section

# Voxels at a time: a chunk's samples take some 100 MB at the default sphere.
_CHUNK = 1 << 14
_Reals = npt.NDArray[np.float64]


class LBP3DSetting(Section):
    """Degrees of the harmonics, and the sphere that a voxel is compared with."""

    lbp3DLevels: Count = 2
    lbp3DIcosphereRadius: Positive = 1
    lbp3DIcosphereSubdivision: Index = 1


def names(setting: LBP3DSetting) -> list[str]:
    """``lbp-3D-m1``, …, one a degree from 0, and ``lbp-3D-k``."""
    return [f"lbp-3D-m{level}" for level in range(1, setting.lbp3DLevels + 1)] + ["lbp-3D-k"]


def apply(image: Grid, roi: Mask, box: Box, setting: LBP3DSetting) -> Derived:
    """Energy of each degree, and last the kurtosis of the sphere, if none is constant."""
    if image.array.ndim != 3:
        reason = Undefined("LBP3D needs a 3D image")
        yield from ((name, reason) for name in names(setting))
        return
    inside = np.zeros_like(roi)
    inside[box] = roi[box]
    found = np.concatenate(list(_voxels(image.array, np.argwhere(inside), setting)))
    for name, values in zip(names(setting), found.T, strict=True):
        constant = np.count_nonzero(np.isnan(values))
        if constant:
            # PyRadiomics passes NaN on to its bins, where Python's min and max overlook it.
            yield name, Undefined(f"intensities around {constant} voxel(s) do not vary")
            continue
        derived = np.zeros(roi[box].shape)
        derived[roi[box]] = values
        yield name, derived


def _voxels(array: Array, places: Array, setting: LBP3DSetting) -> Iterator[_Reals]:
    from scipy.ndimage import map_coordinates, spline_filter
    from scipy.stats import kurtosis

    sphere = _icosphere(setting.lbp3DIcosphereSubdivision, float(setting.lbp3DIcosphereRadius))
    harmonics, degree = _harmonics(sphere, setting)
    coefficients = spline_filter(array, order=3, output=np.float64, mode="constant")
    for start in range(0, max(len(places), 1), _CHUNK):
        some = places[start : start + _CHUNK]
        coordinates = (some[None, :, :] + sphere[:, None, :]).T
        samples = map_coordinates(
            coefficients, coordinates, output=array.dtype, order=3, prefilter=False
        )
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            peakedness = kurtosis(samples, axis=1)
        higher = samples >= array[tuple(some.T)][:, None]
        yield np.column_stack([_energies(higher.astype(int), harmonics, degree), peakedness])


def _energies(higher: Array, harmonics: Array, degree: Array) -> _Reals:
    # Different patterns have mathematically equal energies, and percentiles part them by their last
    # bits: hence PyRadiomics' order of operations, in complex numbers.
    coefficients = np.multiply(higher[:, :, None], harmonics[None]).sum(axis=1)
    parts = [
        np.multiply(coefficients[:, None, orders], harmonics[None, :, orders])
        for orders in (degree == each for each in range(degree[-1] + 1))
    ]
    squares = np.concatenate([part.sum(axis=2, keepdims=True) for part in parts], axis=2) ** 2
    return np.asarray(np.real(np.sqrt(squares.sum(axis=1))))


def _harmonics(sphere: _Reals, setting: LBP3DSetting) -> tuple[Array, Array]:
    """Return the harmonics at the sphere's points, shape (points, orders), and their degrees."""
    from scipy.special import sph_harm_y

    # Polar angle and azimuth change places, as in PyRadiomics.
    azimuth = np.arccos(np.true_divide(sphere[:, 2], setting.lbp3DIcosphereRadius))
    polar = np.arctan2(sphere[:, 1], sphere[:, 0])
    orders = [(n, m) for n in range(setting.lbp3DLevels) for m in range(-n, n + 1)]
    columns = [sph_harm_y(n, m, polar, azimuth) for n, m in orders]
    return np.column_stack(columns), np.array([n for n, _ in orders])


def _icosphere(subdivisions: int, radius: float) -> _Reals:
    """Find the corners of an icosahedron and, in each subdivision, the middles of its edges.

    In trimesh's order, which decides the last bits of sums.
    """
    points = _icosahedron()
    # Corners of one face are the nearest to each other, at 1.05; others at 1.7 or more.
    near = np.linalg.norm(points[:, None] - points, axis=2) < 1.5
    faces = [face for face in combinations(range(12), 3) if near[np.ix_(face, face)].all()]
    for _ in range(subdivisions):
        pairs = {edge for face in faces for edge in combinations(face, 2)}
        edges = sorted(pairs, key=lambda edge: edge[::-1])
        middle = {edge: len(points) + place for place, edge in enumerate(edges)}
        points = np.concatenate([points, points[np.array(edges)].mean(axis=1)])
        points = _on_sphere(points, radius)
        faces = [part for face in faces for part in _quarters(face, middle)]
    return points if subdivisions else _on_sphere(points, radius)


def _icosahedron() -> _Reals:
    golden = (1 + math.sqrt(5)) / 2
    norm = math.sqrt(1 + golden**2)
    corners = [(a / norm, b * golden / norm, 0.0) for b in (1, -1) for a in (-1, 1)]
    return np.array([np.roll(corner, shift) for shift in range(3) for corner in corners])


def _quarters(
    face: tuple[int, int, int], middle: dict[tuple[int, int], int]
) -> Iterator[tuple[int, int, int]]:
    a, b, c = face
    ab, ac, bc = middle[a, b], middle[a, c], middle[b, c]
    # Indices ascend within a face, so that an edge has one name: middles come after corners.
    yield from ((a, ab, ac), (b, ab, bc), (c, ac, bc), (ab, ac, bc))


def _on_sphere(points: _Reals, radius: float) -> _Reals:
    norms: _Reals = np.sqrt((points**2).sum(axis=1, keepdims=True))
    return points + points / norms * (radius - norms)
