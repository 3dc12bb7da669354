"""Recursive filters of fourth order along the lines of one axis, such as Deriche's Gaussian."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

# Lines that lie side by side are filtered at once, a lane of the processor's vectors each.
_LANES = 32
_ORDER = 4

_Block = npt.NDArray[np.float64]


@kernel
def recursive_filter(
    source: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
    first: int,
    weights: npt.NDArray[np.float64],
) -> None:
    """Filter lines forwards and backwards, add both, and keep a part.

    Beyond the borders a line goes on with its first and its last intensity.

    Parameters
    ----------
    source : ndarray of float32 or float64, shape (sheets, n, lines)
        Intensities; the middle axis is filtered, n is 4 or more.
    target : ndarray of float32, shape (sheets, kept, lines)
        Takes the result from place ``first`` on.
    first : int
        Where in a line the part begins.
    weights : ndarray of float64, shape (2, 3, 4)
        Forwards, of the intensity and the three before it; backwards, of the four behind it. For
        each direction of the intensities, of the four results before, which are subtracted, and
        of the border's intensity where these results lie beyond the border.
    """
    n = source.shape[1]
    intensities = np.zeros((_ORDER + n, _LANES))
    reverse = np.zeros((_ORDER + n, _LANES))
    forwards = np.zeros((n, _LANES))
    backwards = np.zeros((n, _LANES))
    for sheet in range(source.shape[0]):
        for line in range(0, source.shape[2], _LANES):
            stop = min(line + _LANES, source.shape[2])
            _load(source[sheet, :, line:stop], intensities, reverse)
            _run(intensities[1:], weights[0], forwards)
            _run(reverse, weights[1], backwards)
            _store(forwards, backwards, first, target[sheet, :, line:stop])


@kernel
def _load(lines: npt.NDArray[np.float32], intensities: _Block, reverse: _Block) -> None:
    n, lanes = lines.shape
    for i in range(n):
        for lane in range(lanes):
            intensities[_ORDER + i, lane] = lines[i, lane]
    for i in range(_ORDER):
        for lane in range(lanes):
            intensities[i, lane] = lines[0, lane]
            reverse[i, lane] = lines[n - 1, lane]
    for i in range(n):
        for lane in range(_LANES):
            reverse[_ORDER + i, lane] = intensities[_ORDER + n - 1 - i, lane]


@kernel
def _run(x: _Block, weights: npt.NDArray[np.float64], y: _Block) -> None:
    a, b, c, d = weights[0, 0], weights[0, 1], weights[0, 2], weights[0, 3]
    p, q, r, s = weights[1, 0], weights[1, 1], weights[1, 2], weights[1, 3]
    for i in range(_ORDER):
        for lane in range(_LANES):
            before = 0.0
            for k in range(_ORDER):
                if k < i:
                    before += y[i - 1 - k, lane] * weights[1, k]
                else:
                    before += x[0, lane] * weights[2, k]
            y[i, lane] = (
                x[i + 3, lane] * a
                + x[i + 2, lane] * b
                + x[i + 1, lane] * c
                + x[i, lane] * d
                - before
            )
    for i in range(_ORDER, y.shape[0]):
        for lane in range(_LANES):
            y[i, lane] = (
                x[i + 3, lane] * a + x[i + 2, lane] * b + x[i + 1, lane] * c + x[i, lane] * d
            ) - (y[i - 1, lane] * p + y[i - 2, lane] * q + y[i - 3, lane] * r + y[i - 4, lane] * s)


@kernel
def _store(forwards: _Block, backwards: _Block, first: int, lines: npt.NDArray[np.float32]) -> None:
    n, last = lines.shape[0], forwards.shape[0] - 1 - first
    for i in range(n):
        for lane in range(lines.shape[1]):
            lines[i, lane] = np.float32(forwards[first + i, lane] + backwards[last - i, lane])
