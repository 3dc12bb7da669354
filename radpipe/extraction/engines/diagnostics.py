"""What was computed from what, under PyRadiomics' keys."""

from __future__ import annotations

import hashlib
import platform
from typing import Any

import numpy as np
import pywt
import SimpleITK as sitk
from scipy.ndimage import label

from radpipe.extraction.grid import Array
from radpipe.extraction.preprocess.prepare import Prepared
from radpipe.extraction.preprocess.stage import Stage, pixels_of
from radpipe.extraction.settings import INITIAL, ExtractionSettings
from radpipe.extraction.shared import Scope, Shared
from radpipe.version import VERSION

_PREFIX = "diagnostics_"
_AS_READ = "original"
_WITH_IMAGE = (_AS_READ, "interpolated")


def diagnostics_of(
    prepared: Prepared, settings: ExtractionSettings, shared: Shared | None = None
) -> dict[str, Any]:
    """Tell of an ROI's image and mask before and after the steps, and of the settings.

    Parameters
    ----------
    prepared : Prepared
        The ROI in its image.
    settings : ExtractionSettings
        What was asked for.
    shared : Shared, optional
        What other ROIs of the image have told.

    Returns
    -------
    dict
        ``diagnostics_…``: PyRadiomics' keys and values, with radpipe's version in place of its
        own. Sizes, boxes and centres are in the order (x, y, z).
    """
    told = {f"Versions_{name}": found for name, found in _versions().items()}
    told |= _configuration(settings)
    shared = shared or Shared()
    for stage in prepared.stages:
        if stage.name in _WITH_IMAGE:
            told |= {
                f"Image-{stage.name}_{name}": found for name, found in _of_image(stage, shared)
            }
        told |= {f"Mask-{stage.name}_{name}": found for name, found in _of_mask(stage, shared)}
    return {f"{_PREFIX}{name}": found for name, found in told.items()}


def _versions() -> dict[str, str]:
    return {
        "radpipe": VERSION,
        "Numpy": np.__version__,
        "SimpleITK": sitk.Version().VersionString(),
        "PyWavelet": pywt.__version__,
        "Python": platform.python_version(),
    }


def _configuration(settings: ExtractionSettings) -> dict[str, Any]:
    written = settings.as_written()
    # PyRadiomics leaves other settings at their default out.
    always = settings.setting.model_dump(include={*INITIAL, "binWidth"})
    return {
        "Configuration_Settings": always | written["setting"] | written["voxelSetting"],
        "Configuration_EnabledImageTypes": written["imageType"],
    }


def _of_image(stage: Stage, shared: Shared) -> list[tuple[str, Any]]:
    image = stage.image
    found = [
        ("Spacing", image.GetSpacing()),
        ("Size", image.GetSize()),
    ]
    if stage.name != _AS_READ:
        return found + _statistics(stage.intensities)
    return [
        ("Hash", shared.once(Scope.IMAGE, "hash", lambda: _hash(image))),
        ("Dimensionality", f"{image.GetDimension()}D"),
        *found,
        *shared.once(Scope.IMAGE, "statistics", lambda: _statistics(stage.intensities)),
    ]


def _of_mask(stage: Stage, shared: Shared) -> list[tuple[str, Any]]:
    mask, inside = stage.mask, stage.inside
    centre = _centre(stage)
    first, length = zip(*((part.start, part.stop - part.start) for part in stage.box), strict=True)
    found = [
        ("Spacing", mask.GetSpacing()),
        ("Size", mask.GetSize()),
        ("BoundingBox", first[::-1] + length[::-1]),
        ("VoxelNum", int(np.count_nonzero(inside))),
        ("VolumeNum", _parts(inside)),
        ("CenterOfMassIndex", centre),
        ("CenterOfMass", mask.TransformContinuousIndexToPhysicalPoint(centre)),
    ]
    # The mask as read may lie on another grid than the image.
    if stage.name == _AS_READ:
        return [("Hash", shared.once(Scope.MASK, "hash", lambda: _hash(mask))), *found]
    return found + _statistics(stage.intensities[stage.box][inside])


def _statistics(intensities: Array) -> list[tuple[str, Any]]:
    return [
        ("Mean", _mean(intensities)),
        ("Minimum", float(np.min(intensities))),
        ("Maximum", float(np.max(intensities))),
    ]


def _mean(intensities: Array) -> float:
    # Sums of such integers are exact in any order, so no copy as floats is needed.
    if intensities.dtype.kind in "iu" and intensities.itemsize <= 4:
        return float(intensities.sum(dtype=np.int64) / intensities.size)
    return float(np.mean(intensities.astype(np.float64)))


def _centre(stage: Stage) -> tuple[float, ...]:
    inside = np.nonzero(stage.inside)
    sums = [at.sum() + part.start * at.size for at, part in zip(inside, stage.box, strict=True)]
    return tuple(float(total / inside[0].size) for total in sums[::-1])


def _parts(inside: Array) -> int:
    """Count the parts of an ROI whose voxels share a face, an edge or a corner."""
    # SimpleITK's filter first starts its threads, which takes longer than a small ROI.
    return int(label(inside, np.ones((3,) * inside.ndim))[1])


def _hash(image: sitk.Image) -> str:
    # SimpleITK's own is the same SHA-1 at a tenth of the speed.
    return hashlib.sha1(pixels_of(image).data, usedforsecurity=False).hexdigest()
