"""Intensities to grey levels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def count_edges_below(
    values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint16]:
    """Count, for each value, the edges that are not above it, as ``numpy.digitize`` does.

    Parameters
    ----------
    values : ndarray of float64, shape (voxels,)
        Finite values.
    edges : ndarray of float64, shape (edges,)
        At least two, none below the one before, about evenly spaced.

    Returns
    -------
    ndarray of uint16, shape (voxels,)
        0 below the first edge.
    """
    n = edges.size
    below = np.empty(values.size, np.uint16)
    low, span = edges[0], edges[n - 1] - edges[0]
    # A width below the precision of float32 makes all edges one.
    first, per_width = (0.0, (n - 1) / span) if span > 0.0 else (n - 1.0, 0.0)
    for i in range(values.size):
        value = values[i]
        # A guess: rounding puts it one beside the truth now and then.
        guess = min(max(first + (value - low) * per_width, -1.0), n - 1.0)
        k = int(np.floor(guess)) + 1
        while k < n and edges[k] <= value:
            k += 1
        while k > 0 and edges[k - 1] > value:
            k -= 1
        below[i] = k
    return below


@kernel
def count_levels(levels: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Count the voxels of each grey level.

    Parameters
    ----------
    levels : ndarray of uint16, shape (voxels,)
        Grey levels, from 1.

    Returns
    -------
    ndarray of int64, shape (largest level + 1,)
        Numbers of voxels.
    """
    counts = np.zeros(np.int64(levels.max()) + 1, np.int64)
    for level in levels:
        counts[level] += 1
    return counts
