"""Weights of Deriche's recursive Gaussian and of its second derivative.

Half of each is fitted by two damped waves, which a recursion of fourth order runs through:
R. Deriche, Recursively implementing the Gaussian and its derivatives, INRIA report 1893, 1993.
The constants are those that ITK uses: Farnebäck, Westin 2006, doi:10.1007/s10851-006-8464-z. The
order of the operations is ITK's as well, whose last bits it keeps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Frequency and decay of the two waves; and the cosine's and the sine's share in each.
_WAVES = (0.6681, -1.3932), (2.0787, -1.3732)
_GAUSSIAN = (1.3530, 1.8151), (-0.3531, 0.0902)
_SECOND_DERIVATIVE = (-1.3563, 5.2318), (0.3446, -2.2355)


def gaussian_weights(sigma: float) -> npt.NDArray[np.float64]:
    """Find the weights of a Gaussian.

    Parameters
    ----------
    sigma : float
        Its width in voxels.

    Returns
    -------
    ndarray of float64, shape (2, 3, 4)
        As the kernel ``recursive_filter`` takes them; the impulse response adds up to 1.
    """
    feedback = _feedback(sigma)
    response = _response(sigma, _GAUSSIAN)
    area = 2 * response.moments[0] / _moment((1.0, *feedback), 0) - response.weights[0]
    return _both_directions([weight * (1.0 / area) for weight in response.weights], feedback)


def second_derivative_weights(sigma: float, scale: float) -> npt.NDArray[np.float64]:
    """Find the weights of a Gaussian's second derivative.

    Parameters
    ----------
    sigma : float
        The Gaussian's width in voxels.
    scale : float
        What a parabola x²/2 gives.

    Returns
    -------
    ndarray of float64, shape (2, 3, 4)
        As the kernel ``recursive_filter`` takes them; a constant gives 0.
    """
    feedback = _feedback(sigma)
    gaussian = _response(sigma, _GAUSSIAN)
    response = _response(sigma, _SECOND_DERIVATIVE)
    d0, d1, d2 = (_moment((1.0, *feedback), power) for power in range(3))
    share = -(2 * response.moments[0] - d0 * response.weights[0]) / (
        2 * gaussian.moments[0] - d0 * gaussian.weights[0]
    )
    response = response.plus(share, gaussian)
    n0, n1, n2 = response.moments
    curvature = n2 * d0 * d0 - d2 * n0 * d0 - 2 * n1 * d1 * d0 + 2 * d1 * d1 * n0
    factor = scale / (curvature / (d0 * d0 * d0))
    return _both_directions([weight * factor for weight in response.weights], feedback)


@dataclass(frozen=True)
class _Response:
    """Weights of the intensities, and their moments 0, 1, 2."""

    weights: tuple[float, ...]
    moments: tuple[float, ...]

    def plus(self, share: float, other: _Response) -> _Response:
        return _Response(
            tuple(a + share * b for a, b in zip(self.weights, other.weights, strict=True)),
            tuple(a + share * b for a, b in zip(self.moments, other.moments, strict=True)),
        )


def _waves(sigma: float) -> list[tuple[float, float, float]]:
    return [
        (math.cos(frequency / sigma), math.sin(frequency / sigma), math.exp(decay / sigma))
        for frequency, decay in _WAVES
    ]


def _feedback(sigma: float) -> tuple[float, ...]:
    (cos1, _, exp1), (cos2, _, exp2) = _waves(sigma)
    return (
        -2 * (exp2 * cos2 + exp1 * cos1),
        4 * cos2 * cos1 * exp1 * exp2 + (exp1 * exp1 + exp2 * exp2),
        -2 * (cos1 * exp1 * exp2 * exp2 + cos2 * exp2 * exp1 * exp1),
        exp1 * exp1 * exp2 * exp2,
    )


def _response(sigma: float, shares: tuple[tuple[float, float], tuple[float, float]]) -> _Response:
    (cos1, sin1, exp1), (cos2, sin2, exp2) = _waves(sigma)
    (a1, b1), (a2, b2) = shares
    mixed = (a1 + a2) * cos2 * cos1 - (b1 * cos2 * sin1 + b2 * cos1 * sin2)
    weights = (
        a1 + a2,
        exp2 * (b2 * sin2 - (a2 + 2 * a1) * cos2) + exp1 * (b1 * sin1 - (a1 + 2 * a2) * cos1),
        mixed * (2 * exp1 * exp2) + (a2 * exp1 * exp1 + a1 * exp2 * exp2),
        exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2) + exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1),
    )
    return _Response(weights, tuple(_moment(weights, power) for power in range(3)))


def _moment(series: Sequence[float], power: int) -> float:
    # From Python 3.12 on, sum() corrects what floats round away.
    total = 0.0
    for place, value in enumerate(series):
        total += place**power * value
    return total


def _both_directions(forwards: list[float], feedback: tuple[float, ...]) -> npt.NDArray[np.float64]:
    ahead = [*forwards[1:], 0.0]
    backwards = [n - d * forwards[0] for n, d in zip(ahead, feedback, strict=True)]
    gain = _moment((1.0, *feedback), 0)
    return np.array(
        [
            [weights, feedback, [d * _moment(weights, 0) / gain for d in feedback]]
            for weights in (forwards, backwards)
        ]
    )
