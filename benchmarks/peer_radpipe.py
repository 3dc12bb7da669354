"""radpipe as a timed program; see peer.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import SimpleITK as sitk
from peer import serve

import radpipe


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    image, mask = (sitk.ReadImage(job[name]) for name in ("image", "mask"))

    def features() -> dict[str, Any]:
        extractor = radpipe.FeatureExtractor(
            job["params"], engine=job["engine"], threads=job["threads"]
        )
        found = extractor.execute(image, mask)
        return {name: value for name, value in found.items() if "diagnostics_" not in name}

    def maps() -> dict[str, Any]:
        found = radpipe.feature_maps(image, mask, job["params"], threads=job["threads"])
        return {name: sitk.GetArrayFromImage(each) for name, each in found.items()}

    return maps if job["maps"] else features


if __name__ == "__main__":
    serve("radpipe", prepare)
