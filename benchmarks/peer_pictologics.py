"""pictologics as a timed program, with its default number of threads; see peer.py.

It follows IBSI, so its values cannot be compared; it computes more features of each image type.
Morphology and the families intensity, histogram and texture stand for PyRadiomics' classes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pictologics
from peer import serve

FAMILIES = ["intensity", "histogram", "texture"]
# Its bins start at a fixed intensity: one below all intensities of CT and of their LoG images.
LOWEST_HU, LOWEST_FILTERED_HU = -1000.0, -5000.0


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    pipeline = pictologics.RadiomicsPipeline(load_standard=False)
    width = float(job["params"]["setting"]["binWidth"])
    for name, steps in _configurations(job["params"]["imageType"], width).items():
        pipeline.add_config(name, steps)
    image, mask = (pictologics.load_image(job[name]) for name in ("image", "mask"))

    def run() -> dict[str, Any]:
        found = pipeline.run(image, mask)
        return {f"{name}_{key}": value for name in found for key, value in found[name].items()}

    return run


def _configurations(image_types: dict[str, Any], width: float) -> dict[str, list[dict[str, Any]]]:
    features = {"step": "extract_features", "params": {"families": FAMILIES}}
    with_shape = {"step": "extract_features", "params": {"families": ["morphology", *FAMILIES]}}
    steps = {"original": [_bins(width, LOWEST_HU), with_shape]}
    for name, parameters in _filters(image_types).items():
        step = {"step": "filter", "params": parameters}
        steps[name] = [step, _bins(width, LOWEST_FILTERED_HU), features]
    return steps


def _bins(width: float, lowest: float) -> dict[str, Any]:
    parameters = {"method": "FBS", "bin_width": width, "min_val": lowest}
    return {"step": "discretise", "params": parameters}


def _filters(image_types: dict[str, Any]) -> dict[str, dict[str, Any]]:
    filters: dict[str, dict[str, Any]] = {}
    for sigma in image_types.get("LoG", {}).get("sigma", []):
        filters[f"log-{sigma}"] = {"type": "log", "sigma_mm": sigma, "boundary": "mirror"}
    for band in map("".join, product("LH", repeat=3) if "Wavelet" in image_types else ()):
        kind = {"type": "wavelet", "wavelet": "coif1", "boundary": "periodic"}
        filters[f"wavelet-{band}"] = {**kind, "decomposition": band}
    return filters


if __name__ == "__main__":
    serve("pictologics", prepare)
