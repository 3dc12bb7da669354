"""PyRadiomics as a timed program; see peer.py."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import radiomics
import SimpleITK as sitk
from peer import serve
from radiomics.featureextractor import RadiomicsFeatureExtractor


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    radiomics.setVerbosity(logging.CRITICAL)
    image, mask = (sitk.ReadImage(job[name]) for name in ("image", "mask"))

    def run() -> dict[str, Any]:
        extractor = RadiomicsFeatureExtractor(job["params"])
        found = extractor.execute(image, mask, voxelBased=job["maps"])
        values = {name: _array(found[name]) for name in found if "diagnostics_" not in name}
        # MCC fails where a voxel lacks a direction; its map is then left at its initial 0.
        failed = job["maps"] and not np.any(values.get("original_glcm_MCC"))
        return {name: value for name, value in values.items() if not (failed and "MCC" in name)}

    return run


def _array(value: Any) -> Any:
    # A copy: a view would outlive its image, and show what comes into that memory next.
    return sitk.GetArrayFromImage(value) if isinstance(value, sitk.Image) else value


if __name__ == "__main__":
    serve("pyradiomics", prepare)
