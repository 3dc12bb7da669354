"""Another acquisition of the same patient: as much noise again as the image has around the ROI."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

import numpy as np
import pywt

from radpipe.extraction.boxes import bounding_box, padded
from radpipe.extraction.perturb.pair import Pair

_WAVELET = "coif1"
# The median magnitude of a normal variable, in standard deviations.
_MEDIAN = 0.6745
# The body has the noise that matters; air or zeros around it have none.
_AROUND_VOXELS = 16


def add_noise(pair: Pair, asked: Set[str], rng: np.random.Generator) -> Pair:
    """Add normal noise of the standard deviation that :func:`noise_sd` finds.

    Parameters
    ----------
    pair : Pair
        Image and ROI.
    asked : set of str
        ``noise``.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    Pair
        Noisier; the ROI is the same.
    """
    drawn = rng.standard_normal(pair.image.shape, dtype=np.float32) * np.float32(noise_sd(pair))
    return replace(pair, image=pair.image + drawn)


def noise_sd(pair: Pair) -> float:
    """Estimate the noise around the ROI.

    From the median magnitude of the finest diagonal wavelet coefficients of the slices (Donoho and
    Johnstone 1994, doi:10.1093/biomet/81.3.425): edges and gradients hardly reach them. Noise that
    is correlated between neighbouring voxels, as smooth reconstructions make it, is underestimated.

    Parameters
    ----------
    pair : Pair
        Image and ROI.

    Returns
    -------
    float
        Standard deviation, in intensities.
    """
    around = padded(bounding_box(pair.roi), _AROUND_VOXELS, pair.roi.shape)
    slices = pair.image[bounding_box(pair.roi)[:1] + around[1:]]
    diagonal = pywt.dwtn(slices, _WAVELET, axes=(-2, -1))["dd"]
    return float(np.median(np.abs(diagonal)) / _MEDIAN)
