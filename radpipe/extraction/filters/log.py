"""Image type ``LoG``: Laplacian of a Gaussian, normalised across scales.

By Deriche's recursive Gaussian along each axis, as ITK does it and to the same bits.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from radpipe.extraction.filters.base import Derived
from radpipe.extraction.filters.deriche import gaussian_weights, second_derivative_weights
from radpipe.extraction.grid import Array, Box, Grid, Mask, Undefined
from radpipe.extraction.kernels.gaussian import recursive_filter
from radpipe.extraction.section import Positive, Section

_FEWEST_VOXELS = 4


class LoGSetting(Section):
    """Widths of the Gaussian in mm."""

    sigma: list[Positive] = Field(default_factory=list)


def names(setting: LoGSetting) -> list[str]:
    """Such as ``log-sigma-1-0-mm-3D``: the widths as the file gives them, 1 or 1.0."""
    return [f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in setting.sigma]


def apply(image: Grid, roi: Mask, box: Box, setting: LoGSetting) -> Derived:
    """Laplacian times the squared width, as float32; undefined where the image is too small."""
    intensities = _in_kernel_type(image.array)
    for name, sigma in zip(names(setting), setting.sigma, strict=True):
        reason = _too_small(image, sigma)
        if reason is None:
            yield name, _laplacian(intensities, image.spacing_mm, box, sigma)
        else:
            yield name, Undefined(reason)


def _too_small(image: Grid, sigma: float) -> str | None:
    fewest = min(image.array.shape)
    if fewest < _FEWEST_VOXELS:
        return f"LoG needs {_FEWEST_VOXELS} voxels along each axis, the image has {fewest}"
    for size, spacing in zip(image.array.shape, image.spacing_mm, strict=True):
        if size < math.ceil(sigma / spacing) + 1:
            return f"LoG of {sigma} mm needs more than {size} voxels of {spacing} mm along an axis"
    return None


def _in_kernel_type(array: Array) -> Array:
    single = np.ascontiguousarray(array, np.float32)
    same = array.dtype == np.float32 or np.array_equal(single, array)
    return single if same else np.ascontiguousarray(array, np.float64)


def _laplacian(array: Array, spacing_mm: tuple[float, ...], box: Box, sigma: float) -> Array:
    smooth = [gaussian_weights(sigma / spacing) for spacing in spacing_mm]
    curve = [second_derivative_weights(sigma / spacing, sigma * sigma) for spacing in spacing_mm]
    total = np.zeros([part.stop - part.start for part in box], np.float32)
    # x first: each filter's result is rounded to float32, and their order counts.
    axes = list(reversed(range(array.ndim)))
    for axis in axes:
        derived = _filtered(array, axis, box[axis], curve[axis])
        for other in axes:
            if other != axis:
                derived = _filtered(derived, other, box[other], smooth[other])
        per_area = 1.0 / (spacing_mm[axis] * spacing_mm[axis])
        total = (total + derived.astype(np.float64) * per_area).astype(np.float32)
    return total


def _filtered(array: Array, axis: int, part: slice, weights: Array) -> Array:
    shape = list(array.shape)
    shape[axis] = part.stop - part.start
    target = np.empty(shape, np.float32)
    recursive_filter(_lines(array, axis), _lines(target, axis), part.start, weights)
    return target


def _lines(array: Array, axis: int) -> Array:
    """View an array as sheets of lines along an axis, the lines side by side."""
    n = array.shape[axis]
    if axis == array.ndim - 1:
        return array.reshape(1, -1, n).transpose(0, 2, 1)
    return array.reshape(math.prod(array.shape[:axis]), n, -1)
