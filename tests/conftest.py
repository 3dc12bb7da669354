"""What several rooms' tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from hypothesis import settings

# What lands must not depend on luck; `make test-all` looks for new examples each time.
settings.register_profile("landing", derandomize=True)
settings.register_profile("exploring", derandomize=False)
settings.load_profile("landing")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """Real data that no commit may hold."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared/data, which is absent")
    return SHARED


@pytest.fixture
def pyradiomics() -> None:
    if find_spec("radiomics") is None:
        pytest.skip("needs PyRadiomics, which is not installed (Python 3.11 only)")


@dataclass
class Pair:
    """A small textured lesion and its mask, to be spoiled by a test."""

    image: sitk.Image
    mask: sitk.Image

    def write(self, folder: Path, name: str = "case", suffix: str = ".nii.gz") -> tuple[Path, Path]:
        paths = folder / f"{name}_image{suffix}", folder / f"{name}_mask{suffix}"
        sitk.WriteImage(self.image, str(paths[0]))
        sitk.WriteImage(self.mask, str(paths[1]))
        return paths

    def change_image(self, change: Callable[[np.ndarray], None]) -> None:
        self.image = _changed(self.image, change)

    def change_mask(self, change: Callable[[np.ndarray], None]) -> None:
        self.mask = _changed(self.mask, change)


def _changed(image: sitk.Image, change: Callable[[np.ndarray], None]) -> sitk.Image:
    array = sitk.GetArrayFromImage(image)
    change(array)
    result = sitk.GetImageFromArray(array)
    result.CopyInformation(image)
    return result


def make_pair(seed: int = 0, radius: float = 4.5, pixel: type = np.float32) -> Pair:
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:10, :20, :22]
    roi = (z - 5) ** 2 * 4 + (y - 10) ** 2 + (x - 11) ** 2 <= radius**2
    image = sitk.GetImageFromArray((rng.normal(60, 30, roi.shape) + 60 * roi).astype(pixel))
    mask = sitk.GetImageFromArray(roi.astype(np.uint8))
    for each in (image, mask):
        each.SetSpacing((1.0, 1.5, 2.0))
        each.SetOrigin((-10.0, 5.0, 30.0))
    return Pair(image, mask)


@pytest.fixture
def pair() -> Pair:
    return make_pair()


@pytest.fixture
def make_cohort(tmp_path: Path) -> Callable[..., Path]:
    """Write a manifest of small cases; ``spoil`` maps a case's number to a change of its pair."""

    def make(count: int = 3, spoil: dict[int, Callable[[Pair], None]] | None = None) -> Path:
        rows = []
        for number in range(count):
            pair = make_pair(seed=number, radius=4.5 + 0.25 * (number % 4))
            (spoil or {}).get(number, lambda pair: None)(pair)
            image, mask = pair.write(tmp_path, f"p{number}")
            rows.append({"patient_id": f"p{number}", "image": image.name, "mask": mask.name})
        manifest = tmp_path / "cohort.csv"
        pd.DataFrame(rows).to_csv(manifest, index=False)
        return manifest

    return make
