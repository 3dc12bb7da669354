"""Intensities to grey levels (IBSI, discretisation), with PyRadiomics' bin edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from radpipe.errors import ExtractionError
from radpipe.extraction.grid import Array
from radpipe.extraction.kernels.discretise import count_edges_below
from radpipe.extraction.section import Count, Positive, Section

# Bytes: what the GLCM's 13 matrices of doubles may need.
MATRIX_LIMIT = 2**30
_MOST_LEVELS = math.isqrt(MATRIX_LIMIT // (13 * 8))
_MOST_BINS = np.iinfo(np.uint16).max


class DiscretiseSetting(Section):
    """Bins of a fixed width, or a fixed number of bins, which goes first."""

    binWidth: Positive = 25
    binCount: Count | None = None


def discretise(values: Array, setting: DiscretiseSetting) -> npt.NDArray[np.uint16]:
    """Give each voxel of an ROI its grey level.

    Parameters
    ----------
    values : ndarray, shape (voxels,)
        The ROI's intensities, of any real type; the edges are computed in it.
    setting : DiscretiseSetting
        Width or number of bins.

    Returns
    -------
    ndarray of uint16, shape (voxels,)
        Grey levels, from 1. Width w (IBSI Q3RU): floor(x / w) minus that of the ROI's minimum,
        plus 1; number of bins (IBSI K15C): of equal width from minimum to maximum.

    Raises
    ------
    ExtractionError
        An intensity is not finite, or there would be more grey levels than fit in memory.
    """
    _refuse_non_finite(values)
    edges = (
        _edges_of_count(values, setting) if setting.binCount else _edges_of_width(values, setting)
    )
    return count_edges_below(values.astype(np.float64), edges.astype(np.float64))


def _edges_of_count(values: Array, setting: DiscretiseSetting) -> Array:
    count = setting.binCount or 1
    if too_many := _too_many(count, values.size):
        raise ExtractionError(
            "too many grey levels",
            found=f"binCount {count} and {values.size} voxels",
            expected=f"at most {too_many}",
            remedy=f"binCount: {too_many} would do",
        )
    try:
        edges = np.histogram_bin_edges(values, count)
    except ValueError as error:
        raise _too_close(values, count) from error
    # Else the maximum, which lies on the last edge, would get a level of its own.
    edges[-1] += 1
    return edges


def _too_close(values: Array, count: int) -> ExtractionError:
    return ExtractionError(
        "the intensities are too close for that many grey levels",
        found=f"{np.min(values)} to {np.max(values)} as {values.dtype}",
        expected=f"room for {count} different edges",
        remedy="set a smaller `binCount`",
    )


def _edges_of_width(values: Array, setting: DiscretiseSetting) -> Array:
    # PyRadiomics' expression in the image's own type: in float32 edges are rounded as there. The
    # width is a float, since an integer one overflows in 8-bit images.
    width, low, high = float(setting.binWidth), np.min(values), np.max(values)
    _refuse_width(width, float(low), float(high), values.size)
    edges = np.arange(low - low % width, high + 2 * width, width)
    return edges if len(edges) > 1 else np.array([float(low) - 0.5, float(low) + 0.5])


def _refuse_width(width: float, low: float, high: float, voxels: int) -> None:
    # Halves, since the range of large doubles is no double.
    bins = 2 * (high / 2 / width - low / 2 / width) + 2
    if too_many := _too_many(bins, voxels):
        enough = _nice(2 * (high / 2 / (too_many - 2) - low / 2 / (too_many - 2)))
        raise ExtractionError(
            "too many grey levels",
            found=f"{math.floor(bins - 1) if math.isfinite(bins) else bins} levels of width "
            f"{width:g} over intensities of {low:g} to {high:g}",
            expected=f"at most {too_many}",
            remedy=f"binWidth: {enough:g} would do, or set binCount",
        )


def _too_many(bins: float, voxels: int) -> int | None:
    """Return the limit that is passed; no more levels can occur than there are voxels."""
    if bins > _MOST_LEVELS and voxels > _MOST_LEVELS:
        return _MOST_LEVELS
    return None if bins <= _MOST_BINS else _MOST_BINS


def _nice(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= least)


def _refuse_non_finite(values: npt.NDArray[Any]) -> None:
    broken = np.count_nonzero(~np.isfinite(values)) if values.dtype.kind == "f" else 0
    if broken:
        raise ExtractionError(
            "the image type has intensities that are not finite",
            found=f"{broken} of the ROI's {values.size} voxels",
            expected="finite intensities",
            remedy="look for NaN in the image; a filter that overflows needs a normalised image, "
            "or is left out",
        )
