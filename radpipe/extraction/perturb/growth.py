"""A wider or a tighter hand: the ROI grown or shrunk by a share of its volume."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt

from radpipe.extraction.perturb.pair import Pair, Roi

_MOST = 0.2
_LEAST_VOXELS = 2


def grow(pair: Pair, asked: Set[str], rng: np.random.Generator) -> Pair:
    """Change the ROI's volume by up to a fifth.

    Parameters
    ----------
    pair : Pair
        Image and ROI.
    asked : set of str
        ``growth``.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    Pair
        The image is the same.
    """
    change = rng.uniform(-_MOST, _MOST)
    return replace(pair, roi=resized(pair, change, rng))


def resized(pair: Pair, change: float, rng: np.random.Generator) -> Roi:
    """Add the voxels nearest to an ROI, or take its outermost ones away.

    Distances are in mm, so that thick slices are added last. Of voxels at equal distance, as many
    as are needed are drawn.

    Parameters
    ----------
    pair : Pair
        Image and ROI.
    change : float
        Of the volume: 0.1 adds a tenth, -0.1 takes a tenth away.
    rng : numpy.random.Generator
        Draws.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        At least two voxels stay.
    """
    voxels = int(np.count_nonzero(pair.roi))
    wanted = max(round(voxels * (1 + change)), min(voxels, _LEAST_VOXELS))
    box = pair.around(_farther_mm(pair, change))
    part = pair.roi[box]
    changing = part if wanted < voxels else ~part
    away_mm = distance_transform_edt(changing, sampling=pair.spacing_mm)[changing]
    order = np.lexsort((rng.random(away_mm.size), away_mm))
    places = np.flatnonzero(changing)[order[: abs(wanted - voxels)]]
    changed, found = part.copy(), pair.roi.copy()
    changed.flat[places] = wanted > voxels
    found[box] = changed
    return found


def _farther_mm(pair: Pair, change: float) -> float:
    """Tell how far growth reaches: of all bodies of one volume a ball grows farthest.

    By the Brunn-Minkowski inequality.
    """
    volume_mm3 = float(np.count_nonzero(pair.roi)) * math.prod(pair.spacing_mm)
    radius_mm = (volume_mm3 * 3 / (4 * math.pi)) ** (1 / 3)
    return float(radius_mm * (max(1 + change, 1) ** (1 / 3) - 1))
