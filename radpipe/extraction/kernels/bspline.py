"""Cubic B-splines through samples: Unser, IEEE Signal Process. Mag. 1999, doi:10.1109/79.799930.

The order of operations is ITK's, since it cuts fractions off where the image holds integers: a
value that misses 100 by one bit becomes 99.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

_POLE = np.sqrt(3.0) - 2.0
_GAIN = (1.0 - _POLE) * (1.0 - 1.0 / _POLE)
# ITK neglects terms below 1e-10.
_HORIZON = int(np.ceil(np.log(1e-10) / np.log(-_POLE)))


@kernel
def filter_lines(lines: npt.NDArray[np.float64]) -> None:
    """Turn samples into spline coefficients along the middle axis, in place.

    Parameters
    ----------
    lines : ndarray of float64, shape (blocks, samples, lines), C order
        At least two samples, mirrored at both ends.
    """
    last = lines.shape[1] - 1
    for a in range(lines.shape[0]):
        block = lines[a]
        for n in range(last + 1):
            for b in range(block.shape[1]):
                block[n, b] *= _GAIN
        _start(block)
        for n in range(1, last + 1):
            for b in range(block.shape[1]):
                block[n, b] += _POLE * block[n - 1, b]
        for b in range(block.shape[1]):
            ahead = _POLE * block[last - 1, b] + block[last, b]
            block[last, b] = (_POLE / (_POLE * _POLE - 1.0)) * ahead
        for n in range(last - 1, -1, -1):
            for b in range(block.shape[1]):
                block[n, b] = _POLE * (block[n + 1, b] - block[n, b])


@kernel
def _start(block: npt.NDArray[np.float64]) -> None:
    """Put the sum over the mirrored samples before the first one into it."""
    samples = block.shape[0]
    power = _POLE
    if samples > _HORIZON:
        for n in range(1, _HORIZON):
            for b in range(block.shape[1]):
                block[0, b] += power * block[n, b]
            power *= _POLE
        return
    mirrored = _POLE ** (samples - 1.0)
    for b in range(block.shape[1]):
        block[0, b] += mirrored * block[samples - 1, b]
    mirrored *= mirrored * (1.0 / _POLE)
    for n in range(1, samples - 1):
        for b in range(block.shape[1]):
            block[0, b] += (power + mirrored) * block[n, b]
        power *= _POLE
        mirrored *= 1.0 / _POLE
    for b in range(block.shape[1]):
        block[0, b] /= 1.0 - power * power


@kernel
def spline_values(
    coefficients: npt.NDArray[np.float64],
    z: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    x: npt.NDArray[np.int64],
    of_z: npt.NDArray[np.float64],
    of_y: npt.NDArray[np.float64],
    of_x: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Evaluate a spline on a grid whose axes are the coefficients' axes.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (z, y, x)
        Coefficients.
    z, y, x : ndarray of int64, shape (length, 4)
        The coefficients that count at each position along an axis.
    of_z, of_y, of_x : ndarray of float64, shape (length, 4)
        Their weights.

    Returns
    -------
    ndarray of float64, shape (len(z), len(y), len(x))
        Values.
    """
    values = np.zeros((z.shape[0], y.shape[0], x.shape[0]))
    needed = np.zeros(coefficients.shape[0], np.bool_)
    for k in range(z.shape[0]):
        for c in range(4):
            needed[z[k, c]] = True
    # Of one row of values: the coefficients behind each value and their weights, side by side.
    behind = np.empty((coefficients.shape[0], 4, 4, x.shape[0]))
    weights = np.empty((4, 4, x.shape[0]))
    for j in range(y.shape[0]):
        for b in range(4):
            for a in range(4):
                for i in range(x.shape[0]):
                    weights[b, a, i] = of_x[i, a] * of_y[j, b]
            for k in range(coefficients.shape[0]):
                if needed[k]:
                    row = coefficients[k, y[j, b]]
                    for a in range(4):
                        for i in range(x.shape[0]):
                            behind[k, b, a, i] = row[x[i, a]]
        for k in range(z.shape[0]):
            row = values[k, j]
            for c in range(4):
                weight = of_z[k, c]
                for b in range(4):
                    for a in range(4):
                        _add_products(row, weights[b, a], weight, behind[z[k, c], b, a])
    return values


@kernel
def _add_products(
    total: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    weight: float,
    numbers: npt.NDArray[np.float64],
) -> None:
    for i in range(total.size):
        total[i] += weights[i] * weight * numbers[i]
