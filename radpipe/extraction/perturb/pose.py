"""Another position on the table: turned in the plane of the slices, shifted by parts of a voxel.

Both are one interpolation, since a second would smooth the image once more.
"""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from radpipe.extraction.boxes import bounding_box
from radpipe.extraction.grid import Box
from radpipe.extraction.perturb.pair import Pair, Roi

_MOST_DEGREES = 13.0
# More is a shift by whole voxels, which changes nothing, and a smaller one.
_MOST_VOXELS = 0.5
_CUBIC, _LINEAR = 3, 1
_Matrix = npt.NDArray[np.float64]


def move(pair: Pair, asked: Set[str], rng: np.random.Generator) -> Pair:
    """Turn an image by up to 13 degrees, shift it by up to half a voxel along each axis, or both.

    Parameters
    ----------
    pair : Pair
        Image and ROI.
    asked : set of str
        ``rotation``, ``shift`` or both.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    Pair
        Both moved.
    """
    degrees = rng.uniform(-_MOST_DEGREES, _MOST_DEGREES) if "rotation" in asked else 0.0
    shift = rng.uniform(-_MOST_VOXELS, _MOST_VOXELS, 3) if "shift" in asked else np.zeros(3)
    # Between slices that are not there nothing can be interpolated.
    shift = np.where(np.array(pair.roi.shape) > 1, shift, 0.0)
    return moved(pair, degrees, shift)


def moved(pair: Pair, degrees: float, shift: npt.NDArray[np.float64]) -> Pair:
    """Turn an image and its ROI about the ROI's centre, and shift them.

    The image by cubic B-splines, mirrored at its edges; the ROI linearly, a voxel being inside
    from one half on.

    Parameters
    ----------
    pair : Pair
        Image and ROI.
    degrees : float
        Angle in the plane of the slices.
    shift : ndarray, shape (3,)
        In voxels, (z, y, x), at most one half.

    Returns
    -------
    Pair
        On the same grid.
    """
    matrix = _turn(degrees, pair.spacing_mm)
    box = bounding_box(pair.roi)
    centre = np.array([(part.start + part.stop - 1) / 2 for part in box])
    offset = centre - matrix @ centre + shift
    return Pair(
        _moved_image(pair, matrix[1:, 1:], offset),
        _moved_roi(pair, matrix, offset, pair.around(_farther_mm(pair, degrees))),
        pair.spacing_mm,
    )


def _turn(degrees: float, spacing_mm: tuple[float, ...]) -> _Matrix:
    """Make the matrix that takes voxels of the turned image to where they come from."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    ratio = spacing_mm[2] / spacing_mm[1]
    return np.array([[1, 0, 0], [0, cosine, -sine * ratio], [0, sine / ratio, cosine]])


def _moved_image(pair: Pair, matrix: _Matrix, offset: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Interpolate slice by slice: splines are separable, and 64 voxels a voxel become 20."""
    image = pair.image
    splines = ndimage.spline_filter1d(image, _CUBIC, axis=1, output=image.dtype)
    splines = ndimage.spline_filter1d(splines, _CUBIC, axis=2, output=image.dtype)
    if offset[0]:
        splines = ndimage.spline_filter1d(splines, _CUBIC, axis=0, output=image.dtype)
        splines = ndimage.correlate1d(splines, _weights(offset[0]), axis=0, mode="mirror")
    found = np.empty_like(image)
    for part, out in zip(splines, found, strict=True):
        ndimage.affine_transform(
            part, matrix, offset[1:], output=out, order=_CUBIC, mode="mirror", prefilter=False
        )
    return found


def _weights(shift: float) -> npt.NDArray[np.float64]:
    """Evaluate the cubic B-spline at the five voxels around a place."""
    away = np.abs(np.arange(-2, 3) - shift)
    near, far = 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0) ** 3 / 6
    weights: npt.NDArray[np.float64] = np.where(away < 1, near, far)
    return weights


def _moved_roi(pair: Pair, matrix: _Matrix, offset: npt.NDArray[np.float64], part: Box) -> Roi:
    corner = np.array([along.start for along in part])
    found = np.zeros_like(pair.roi)
    found[part] = (
        ndimage.affine_transform(
            pair.roi[part].astype(np.float64),
            matrix,
            offset + matrix @ corner - corner,
            order=_LINEAR,
        )
        >= 0.5
    )
    return found


def _farther_mm(pair: Pair, degrees: float) -> float:
    """Tell how far the ROI may leave its box."""
    sides = [part.stop - part.start for part in bounding_box(pair.roi)[1:]]
    reach_mm = math.hypot(*np.multiply(sides, pair.spacing_mm[1:])) / 2
    return reach_mm * abs(math.sin(math.radians(degrees)))
