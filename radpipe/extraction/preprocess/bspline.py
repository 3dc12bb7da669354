"""B-spline interpolation of the part of an image that is needed, with ITK's values.

ITK computes the coefficients of the whole image first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.extraction.grid import Array
from radpipe.extraction.kernels.bspline import filter_lines, spline_values
from radpipe.extraction.preprocess.stage import pixels_of
from radpipe.extraction.preprocess.target_grid import TargetGrid

# Voxels after which a sample's weight in a coefficient, 0.268 to their power, is lost in rounding.
_REACH = 40
# Voxels by which axes may part over the grid's length and still count as parallel.
_PARALLEL = 1e-9
# Voxels, or units of intensity: what rounding may turn over.
_UNDECIDED = 1e-8


@dataclass(frozen=True)
class _Axis:
    """Where new voxels lie along one axis of the image, in voxels."""

    at: npt.NDArray[np.float64]
    length: int

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        inside: npt.NDArray[np.bool_] = (self.at >= -0.5) & (self.at < self.length - 0.5)
        return inside

    @property
    def first(self) -> npt.NDArray[np.int64]:
        """The second of the four samples that count."""
        # ITK rounds to float32 here, so that 2.9999999999 counts as 3.
        return np.floor(self.at.astype(np.float32)).astype(np.int64)

    def samples(self) -> npt.NDArray[np.int64]:
        """Return the four samples that count at each place, mirrored at the image's ends."""
        if self.length == 1:
            return np.zeros((self.at.size, 4), np.int64)
        # Of two voxels the fourth sample is mirrored twice; ITK reads beyond its memory there.
        last = self.length - 1
        samples = np.abs(self.first[:, None] + np.arange(-1, 3)) % (2 * last)
        return np.asarray(np.where(samples > last, 2 * last - samples, samples))

    def weights(self) -> npt.NDArray[np.float64]:
        """Return their weights."""
        w = self.at - self.first
        after = (1 / 6) * w * w * w
        before = (1 / 6) + 0.5 * w * (w - 1) - after
        right = w + before - 2 * after
        return np.stack([before, 1 - before - right - after, right, after], axis=1)


def resample_bspline(image: sitk.Image, grid: TargetGrid) -> sitk.Image:
    """Resample an image by cubic B-splines.

    Parameters
    ----------
    image : SimpleITK.Image
        The image.
    grid : TargetGrid
        Where to.

    Returns
    -------
    SimpleITK.Image
        In the image's own type: fractions are cut off where it holds integers. 0 beyond the image.
    """
    array = pixels_of(image)
    # Places on an oblique grid differ in their last bits, and so would values in double precision.
    in_last_bits = _is_oblique(image) and array.dtype == np.float64
    if in_last_bits or array.dtype in (np.int64, np.uint64) or not _parallel(image, grid):
        return grid.resample(image, sitk.sitkBSpline)
    axes = _axes(image, grid)
    values = _values(array, axes)
    if _is_oblique(image) and (_at_edge(axes) or _nearly_whole(values, array.dtype)):
        return grid.resample(image, sitk.sitkBSpline)
    result = sitk.GetImageFromArray(_cast(values, array.dtype))
    grid.locate(result)
    return result


def _is_oblique(image: sitk.Image) -> bool:
    """Tell whether places along one axis depend, in their last bits, on those along the others."""
    return bool(np.count_nonzero(image.GetDirection()) > image.GetDimension())


def _at_edge(axes: list[_Axis]) -> bool:
    """Tell whether the last bits of places decide what lies inside the image."""
    return any(
        (np.abs(axis.at - edge) < _UNDECIDED).any()
        for axis in axes
        for edge in (-0.5, axis.length - 0.5)
    )


def _nearly_whole(values: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> bool:
    """Tell whether the last bits of places decide what is left when fractions are cut off."""
    if dtype.kind == "f":
        return False
    whole = np.rint(values)
    # Around 0 both sides are cut to it.
    return bool(((np.abs(values - whole) < _UNDECIDED) & (whole != 0)).any())


def _parallel(image: sitk.Image, grid: TargetGrid) -> bool:
    n = image.GetDimension()
    cosines = np.reshape(image.GetDirection(), (n, n)), np.reshape(grid.direction, (n, n))
    between = np.linalg.inv(cosines[0]) @ cosines[1]
    lengths_mm = np.multiply(grid.size, grid.spacing_mm)
    apart = np.abs(between - np.diag(np.diag(between))) * lengths_mm
    return bool((apart < _PARALLEL * min(image.GetSpacing())).all())


def _axes(image: sitk.Image, grid: TargetGrid) -> list[_Axis]:
    """Find the new voxels' places in the order (z, y, x), with the rounding of ITK's path."""
    n = image.GetDimension()
    corner = sitk.Image([1] * n, sitk.sitkUInt8)
    grid.locate(corner)

    def at(axis: int, index: int) -> float:
        place = [index if each == axis else 0 for each in range(n)]
        point = corner.TransformIndexToPhysicalPoint(place)
        return float(image.TransformPhysicalPointToContinuousIndex(point)[axis])

    first, beyond = at(0, 0), at(0, grid.size[0])
    # Along x ITK interpolates between the ends of a line.
    along_x = first + np.arange(grid.size[0]) / grid.size[0] * (beyond - first)
    others = [np.array([at(axis, k) for k in range(grid.size[axis])]) for axis in range(1, n)]
    lengths = image.GetSize()
    return [_Axis(places, lengths[axis]) for axis, places in enumerate([along_x, *others])][::-1]


def _values(array: Array, axes: list[_Axis]) -> npt.NDArray[np.float64]:
    inside = [axis.inside for axis in axes]
    values = np.zeros([part.size for part in inside])
    if all(part.any() for part in inside):
        kept = [_Axis(axis.at[part], axis.length) for axis, part in zip(axes, inside, strict=True)]
        values[np.ix_(*inside)] = _values_inside(array, kept)
    return values


def _values_inside(array: Array, axes: list[_Axis]) -> npt.NDArray[np.float64]:
    samples = [axis.samples() for axis in axes]
    kept = [slice(int(each.min()), int(each.max()) + 1) for each in samples]
    coefficients = _coefficients(array, kept)
    x, y = samples[-1] - kept[-1].start, samples[-2] - kept[-2].start
    of_x, of_y = axes[-1].weights(), axes[-2].weights()
    if len(axes) == 2:
        z, of_z = np.zeros((1, 4), np.int64), np.array([[1.0, 0.0, 0.0, 0.0]])
        return np.asarray(spline_values(coefficients[None], z, y, x, of_z, of_y, of_x)[0])
    z, of_z = samples[0] - kept[0].start, axes[0].weights()
    return spline_values(coefficients, z, y, x, of_z, of_y, of_x)


def _coefficients(array: Array, kept: list[slice]) -> npt.NDArray[np.float64]:
    """Compute a part of the coefficients, axis by axis from the last, from what they depend on."""
    wide = [
        slice(max(part.start - _REACH, 0), min(part.stop + _REACH, length))
        for part, length in zip(kept, array.shape, strict=True)
    ]
    # Rows lie across lines of samples, so that a processor filters several lines at a time.
    part = np.array(array[tuple(wide)].swapaxes(-1, -2), np.float64, order="C")
    part = _filtered(part, part.ndim - 2, wide[-1], kept[-1]).swapaxes(-1, -2)
    for axis in range(array.ndim - 1)[::-1]:
        part = _filtered(np.ascontiguousarray(part), axis, wide[axis], kept[axis])
    return np.ascontiguousarray(part)


def _filtered(
    part: npt.NDArray[np.float64], axis: int, wide: slice, kept: slice
) -> npt.NDArray[np.float64]:
    if part.shape[axis] > 1:
        behind = math.prod(part.shape[axis + 1 :])
        filter_lines(part.reshape(-1, part.shape[axis], behind))
    trimmed = slice(kept.start - wide.start, kept.stop - wide.start)
    return part[(slice(None),) * axis + (trimmed,)]


def _cast(values: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(values, limits.min, limits.max).astype(dtype)
