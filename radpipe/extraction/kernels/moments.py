"""Sums over intensities, one row a region; NaN is skipped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

# Sums of blocks round less than one long sum.
_BLOCK = 1024


@kernel
def power_sums(
    values: npt.NDArray[np.float64], centre: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Sum the second, third and fourth powers of distances from a centre.

    Parameters
    ----------
    values : ndarray of float64, shape (regions, n)
        Intensities.
    centre : ndarray of float64, shape (regions,)
        Centres.

    Returns
    -------
    ndarray of float64, shape (3, regions)
        Sums.
    """
    sums = np.zeros((3, len(values)))
    for k in range(len(values)):
        row, middle = values[k], centre[k]
        for start in range(0, row.size, _BLOCK):
            second = third = fourth = 0.0
            for i in range(start, min(start + _BLOCK, row.size)):
                distance = row[i] - middle
                if distance == distance:
                    square = distance * distance
                    second += square
                    third += square * distance
                    fourth += square * square
            sums[0, k] += second
            sums[1, k] += third
            sums[2, k] += fourth
    return sums


@kernel
def _mean_within(
    row: npt.NDArray[np.float64], low: float, high: float, centre: float, absolute: bool
) -> float:
    total, count = 0.0, 0
    for start in range(0, row.size, _BLOCK):
        part = 0.0
        for i in range(start, min(start + _BLOCK, row.size)):
            if low <= row[i] <= high:
                distance = row[i] - centre
                part += abs(distance) if absolute else distance
                count += 1
        total += part
    return total / count if count else np.nan


@kernel
def absolute_deviation(
    values: npt.NDArray[np.float64],
    lowest: npt.NDArray[np.float64],
    highest: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Average the distances from the mean, of intensities within limits.

    Parameters
    ----------
    values : ndarray of float64, shape (regions, n)
        Intensities; fastest where they ascend.
    lowest, highest : ndarray of float64, shape (regions,)
        Limits; both belong to the range.

    Returns
    -------
    ndarray of float64, shape (regions,)
        Mean absolute deviations; NaN where no intensity lies within the limits.
    """
    deviations = np.empty(len(values))
    for k in range(len(values)):
        row, low, high = values[k], lowest[k], highest[k]
        # From the lower limit: equal intensities shall deviate by exactly 0.
        mean = low + _mean_within(row, low, high, low, False)
        deviations[k] = _mean_within(row, low, high, mean, True)
    return deviations
