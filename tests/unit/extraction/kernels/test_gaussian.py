"""The recursion against scipy's, on lines that go on beyond their borders."""

import numpy as np
import pytest
from scipy.signal import lfilter

from radpipe.extraction.filters.deriche import gaussian_weights, second_derivative_weights
from radpipe.extraction.kernels.gaussian import recursive_filter

BEYOND = 300


def by_scipy(lines: np.ndarray, weights: np.ndarray) -> np.ndarray:
    long = np.pad(lines.astype(float), ((0, 0), (BEYOND, BEYOND), (0, 0)), "edge")
    forwards = lfilter(weights[0, 0], [1, *weights[0, 1]], long, axis=1)
    ahead, feedback = [0, *weights[1, 0]], [1, *weights[1, 1]]
    backwards = lfilter(ahead, feedback, long[:, ::-1], axis=1)[:, ::-1]
    return (forwards + backwards)[:, BEYOND:-BEYOND]


@pytest.mark.parametrize("shape", [(1, 4, 1), (2, 6, 33), (1, 9, 40)])
@pytest.mark.parametrize(
    "weights", [gaussian_weights(1.3), second_derivative_weights(2.0, 4.0)], ids=["0", "2"]
)
def test_it_is_scipy_s_recursion(shape: tuple[int, int, int], weights: np.ndarray) -> None:
    lines = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = np.full(shape, np.nan, np.float32)
    recursive_filter(lines, found, 0, weights)
    np.testing.assert_allclose(found, by_scipy(lines, weights), rtol=1e-5, atol=1e-6)


def test_a_part_is_a_part_of_the_whole() -> None:
    lines = np.random.default_rng(0).normal(size=(2, 7, 5)).astype(np.float32)
    whole, part = np.empty_like(lines), np.empty((2, 3, 5), np.float32)
    recursive_filter(lines, whole, 0, gaussian_weights(1.5))
    recursive_filter(lines, part, 2, gaussian_weights(1.5))
    np.testing.assert_array_equal(part, whole[:, 2:5])


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 5.0])
def test_the_response_is_a_gaussian_to_some_per_mille_of_its_peak(sigma: float) -> None:
    places = np.arange(-100, 101)
    response = by_scipy((places == 0).astype(float)[None, :, None], gaussian_weights(sigma)).ravel()
    assert response.sum() == pytest.approx(1, rel=1e-9)
    gaussian = np.exp(-(places**2) / (2 * sigma**2))
    gaussian /= gaussian.sum()
    np.testing.assert_allclose(response, gaussian, rtol=0, atol=0.004 * gaussian.max())


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_the_second_derivative_of_a_parabola_is_the_scale(sigma: float) -> None:
    places = np.arange(-100, 101)
    weights = second_derivative_weights(sigma, 3.0)
    response = by_scipy((places == 0).astype(float)[None, :, None], weights).ravel()
    assert response.sum() == pytest.approx(0, abs=1e-9)
    assert (response * places**2 / 2).sum() == pytest.approx(3, rel=1e-6)
