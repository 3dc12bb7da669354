"""Another reader: supervoxels at the ROI's edge are in or out, as likely as they lie inside."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, gaussian_filter

from radpipe.errors import SettingsError
from radpipe.extraction.grid import Box
from radpipe.extraction.perturb.pair import Pair, Roi

# A cube of some 6 mm, by which readers differ; smaller in an ROI that has fewer than so many. Below
# eight voxels the clusters fall apart into single ones.
_SUPERVOXEL_MM3 = 250.0
_LEAST_SUPERVOXELS, _LEAST_VOXELS = 20, 8
# Shape against intensities, which go from 0 to 1.
_COMPACTNESS = 0.1
_SMOOTH_VOXELS, _ROUNDS = 1.0, 5
_TAILS = (1, 99)


def require_supervoxels() -> None:
    """Refuse to randomise contours where scikit-image is missing.

    Raises
    ------
    SettingsError
        It is.
    """
    if find_spec("skimage") is None:
        raise SettingsError(
            "randomised contours need scikit-image, which is not installed",
            where="--perturbations contours",
            remedy='pip install "radpipe[lbp]", or leave contours out',
        )


def randomise(pair: Pair, asked: Set[str], rng: np.random.Generator) -> Pair:
    """Draw the ROI anew from supervoxels, each with its share inside the ROI for a probability.

    Its expected volume is the ROI's.

    Parameters
    ----------
    pair : Pair
        Image and ROI.
    asked : set of str
        ``contours``.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    Pair
        The image is the same.
    """
    size_mm3 = _supervoxel_mm3(pair)
    edge_mm = size_mm3 ** (1 / 3)
    box = pair.around(2 * edge_mm)
    labels = _supervoxels(pair, box, size_mm3)
    inside = pair.roi[box]
    sizes = np.maximum(np.bincount(labels.ravel()), 1)
    share = np.bincount(labels.ravel(), weights=inside.ravel()) / sizes
    # A draw is below 1 always and below 0 never: what lies wholly inside stays so.
    taken = rng.random(share.size) < share
    roi = np.zeros_like(pair.roi)
    roi[box] = _smoothed(taken[labels], edge_mm / 4, pair.spacing_mm)
    return replace(pair, roi=roi)


def _smoothed(roi: Roi, sd_mm: float, spacing_mm: tuple[float, ...]) -> Roi:
    """Round the corners of supervoxels off, as a hand does, at the same volume."""
    soft = gaussian_filter(roi.astype(np.float64), np.divide(sd_mm, spacing_mm), mode="nearest")
    found = np.zeros(roi.size, bool)
    found[np.argsort(-soft, axis=None, kind="stable")[: np.count_nonzero(roi)]] = True
    return found.reshape(roi.shape)


def _supervoxel_mm3(pair: Pair) -> float:
    voxel = float(np.prod(pair.spacing_mm))
    volume = voxel * np.count_nonzero(pair.roi)
    return max(min(_SUPERVOXEL_MM3, volume / _LEAST_SUPERVOXELS), _LEAST_VOXELS * voxel)


def _supervoxels(pair: Pair, box: Box, size_mm3: float) -> npt.NDArray[np.intp]:
    """Divide a box by simple linear iterative clustering (doi:10.1109/TPAMI.2012.120)."""
    from skimage.segmentation import slic

    pixels = pair.image[box]
    low, high = np.percentile(pixels[binary_dilation(pair.roi[box], iterations=3)], _TAILS)
    scaled = np.clip((pixels - low) / (high - low or 1.0), 0, 1)
    # Clusters start on a grid that counts voxels: thick slices would make them long.
    parts = max(round(pair.spacing_mm[0] / pair.spacing_mm[1]), 1) if len(pixels) > 1 else 1
    spacing = np.divide(pair.spacing_mm, (parts, 1, 1))
    found: npt.NDArray[np.intp] = slic(
        np.repeat(scaled, parts, axis=0),
        n_segments=max(round(pixels.size * np.prod(pair.spacing_mm) / size_mm3), 1),
        compactness=_COMPACTNESS,
        max_num_iter=_ROUNDS,
        sigma=_SMOOTH_VOXELS,
        spacing=spacing / spacing.min(),
        start_label=0,
        channel_axis=None,
    )
    return found[parts // 2 :: parts]
