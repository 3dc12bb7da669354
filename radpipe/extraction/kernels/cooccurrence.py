"""How often two grey levels are neighbours (GLCM)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel


@kernel
def count_pairs(
    codes: npt.NDArray[np.uint16],
    voxels: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    top: int,
) -> npt.NDArray[np.uint32]:
    """Count pairs of codes in each direction.

    Parameters
    ----------
    codes : ndarray of uint16, shape (voxels of the grid,)
        Flat padded grid; 0 outside the ROI.
    voxels : ndarray of int64
        Places of the ROI's voxels.
    steps : ndarray of int64, shape (directions,)
        Distance from a voxel to its neighbour ahead.
    top : int
        The largest code.

    Returns
    -------
    ndarray of uint32, shape (directions, top + 1, top + 1)
        Pairs of a voxel's code and its neighbour's; row and column 0 count what is outside.
    """
    pairs = np.zeros((steps.size, top + 1, top + 1), np.uint32)
    for a in range(steps.size):
        of_direction = pairs[a]
        step = steps[a]
        for k in range(voxels.size):
            v = voxels[k]
            of_direction[codes[v], codes[v + step]] += 1
    return pairs


@kernel
def correlation_matrices(p: npt.NDArray[np.float64], epsilon: float) -> npt.NDArray[np.float64]:
    """Compute the matrices Q whose second eigenvalue is the squared maximal correlation.

    Parameters
    ----------
    p : ndarray of float64, shape (matrices, levels, levels)
        Co-occurrence probabilities.
    epsilon : float
        Added to every divisor.

    Returns
    -------
    ndarray of float64, shape (matrices, levels, levels)
        Sum over k of p(i, k) p(j, k) / (px(i) py(k) + epsilon).
    """
    matrices, n = p.shape[0], p.shape[1]
    q = np.zeros((matrices, n, n))
    transposed = np.empty((n, n))
    for a in range(matrices):
        px, py = np.zeros(n), np.zeros(n)
        for i in range(n):
            for k in range(n):
                px[i] += p[a, i, k]
                py[k] += p[a, i, k]
                transposed[k, i] = p[a, i, k]
        for i in range(n):
            row = q[a, i]
            for k in range(n):
                if p[a, i, k] == 0:
                    continue
                other = transposed[k]
                divisor = px[i] * py[k] + epsilon
                for j in range(n):
                    row[j] += p[a, i, k] * other[j] / divisor
    return q
