"""What PyRadiomics makes of an image and a mask before it filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk


def pyradiomics_steps(image: sitk.Image, mask: sitk.Image, settings: dict[str, Any]) -> Any:
    """Take the steps of its ``execute``: image, mask for shape, mask for features, box."""
    from radiomics import imageoperations
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    settings = {"interpolator": "sitkBSpline", "padDistance": 5, **settings}
    image, mask = RadiomicsFeatureExtractor.loadImage(image, mask, None, **settings)
    box, corrected = imageoperations.checkMask(image, mask, **settings)
    drawn = counted = mask if corrected is None else corrected
    if settings.get("resegmentRange") is not None:
        counted = imageoperations.resegmentMask(image, drawn, **settings)
        box, _ = imageoperations.checkMask(image, counted, **settings)
    if settings.get("resegmentShape"):
        drawn = counted
    return image, drawn, counted, box


def slices(box: Any) -> tuple[slice, ...]:
    """Turn PyRadiomics' box (x0, x1, y0, y1, …; both inside) into slices (z, y, x)."""
    pairs = np.asarray(box).reshape(-1, 2)[::-1]
    return tuple(slice(int(low), int(high) + 1) for low, high in pairs)
