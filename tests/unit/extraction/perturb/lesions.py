"""A lesion whose noise, place and volume are known."""

import numpy as np

from radpipe.extraction.perturb.pair import Pair

SPACING = (3.0, 1.2, 1.0)


def ellipsoid(shape: tuple[int, ...] = (16, 48, 56), radius_mm: float = 12.0) -> np.ndarray:
    axes = np.ogrid[tuple(slice(0, size) for size in shape)]
    away = [
        (axis - (size - 1) / 2) * spacing * stretch
        for axis, size, spacing, stretch in zip(axes, shape, SPACING, (1, 1, 0.7), strict=True)
    ]
    return sum(each**2 for each in away) <= radius_mm**2


def lesion(sd: float = 0.0, seed: int = 0, contrast: float = 80.0, radius_mm: float = 12.0) -> Pair:
    roi = ellipsoid(radius_mm=radius_mm)
    rng = np.random.default_rng(seed)
    image = 100.0 + contrast * roi + rng.normal(0, sd, roi.shape)
    return Pair(image.astype(np.float32), roi, SPACING)
