"""What was computed from what, under PyRadiomics' keys."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import Any

import numpy as np
import pywt
import SimpleITK as sitk

from radpipe.extraction.grid import Array
from radpipe.extraction.preprocess.prepare import Prepared
from radpipe.extraction.preprocess.stage import Stage, pixels_of
from radpipe.extraction.settings import INITIAL, ExtractionSettings

_PREFIX = "diagnostics_"
_WITH_IMAGE = ("original", "interpolated")


def diagnostics_of(prepared: Prepared, settings: ExtractionSettings) -> dict[str, Any]:
    """Tell of an ROI's image and mask before and after the steps, and of the settings.

    Parameters
    ----------
    prepared : Prepared
        The ROI in its image.
    settings : ExtractionSettings
        What was asked for.

    Returns
    -------
    dict
        ``diagnostics_…``: PyRadiomics' keys and values, with radpipe's version in place of its
        own. Sizes, boxes and centres are in the order (x, y, z).
    """
    told = {f"Versions_{name}": found for name, found in _versions().items()}
    told |= _configuration(settings)
    for stage in prepared.stages:
        if stage.name in _WITH_IMAGE:
            told |= {f"Image-{stage.name}_{name}": found for name, found in _of_image(stage)}
        told |= {f"Mask-{stage.name}_{name}": found for name, found in _of_mask(stage)}
    return {f"{_PREFIX}{name}": found for name, found in told.items()}


def _versions() -> dict[str, str]:
    return {
        "radpipe": version("radpipe"),
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


def _of_image(stage: Stage) -> list[tuple[str, Any]]:
    image, array = stage.image, stage.intensities
    as_read = [("Hash", _hash(image)), ("Dimensionality", f"{image.GetDimension()}D")]
    return [
        *(as_read if stage.name == "original" else []),
        ("Spacing", image.GetSpacing()),
        ("Size", image.GetSize()),
        *_statistics(array),
    ]


def _of_mask(stage: Stage) -> list[tuple[str, Any]]:
    mask, inside = stage.mask, stage.roi[stage.box]
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
    if stage.name == "original":
        return [("Hash", _hash(mask)), *found]
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
    inside = np.nonzero(stage.roi[stage.box])
    sums = [at.sum() + part.start * at.size for at, part in zip(inside, stage.box, strict=True)]
    return tuple(float(total / inside[0].size) for total in sums[::-1])


def _parts(inside: Array) -> int:
    """Count the parts of an ROI whose voxels share a face, an edge or a corner."""
    components = sitk.ConnectedComponentImageFilter()
    components.FullyConnectedOn()
    components.Execute(sitk.GetImageFromArray(inside.astype(np.uint8)))
    return int(components.GetObjectCount())


def _hash(image: sitk.Image) -> str:
    # SimpleITK's own is the same SHA-1 at a tenth of the speed.
    return hashlib.sha1(pixels_of(image).data, usedforsecurity=False).hexdigest()
