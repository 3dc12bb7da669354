"""Synthetic cases that every numpy makes to the last voxel: raw PCG64 bits and integers alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from tests.reference import rois

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples" / "images"
Pair = tuple[sitk.Image, sitk.Image]
# pixel: gain, offset and divisor (a power of two: exact) of a texture of 0 to 255, and the level
# of one voxel far from the ROI, which whole-image quantities (a maximum, a mean) must see.
LEVELS = {
    "int8": (1, -128, 1, 255),
    "uint8": (1, 0, 1, 255),
    "int16": (4, -400, 1, 900),
    "uint16": (8, 100, 1, 900),
    "int32": (4, -400, 1, 900),
    "uint32": (8, 100, 1, 900),
    "int64": (4, -400, 1, 900),
    "float32": (1, 0, 16, 900),
    "float64": (3, -200, 8, 900),
}
# Columns are orthonormal to the last bits but one: 3, 4, 5 and 5, 12, 13.
OBLIQUE = tuple(value / 65 for value in (39, -20, 48, 52, 15, -36, 0, 60, 25))
FLIPPED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


@dataclass(frozen=True)
class Lesion:
    """A textured image and its mask; sizes and spacing in the order (z, y, x)."""

    roi: rois.Roi = rois.ball
    pixel: str = "int16"
    size: tuple[int, ...] = (14, 21, 24)
    spacing_mm: tuple[float, ...] = (3.0, 1.5, 1.25)
    direction: tuple[float, ...] = ()
    seed: int = 0
    flat: bool = False

    def __call__(self) -> Pair:
        levels = np.full(self.size, 120) if self.flat else texture(self.seed, self.size)
        gain, offset, divisor, outlier = LEVELS[self.pixel]
        levels.flat[-1] = outlier
        voxels = (levels * gain + offset) / divisor
        mask = rois.roughened(self.roi, self.size, noise(self.seed + 1, self.size))
        return self.on_grid(voxels.astype(self.pixel)), self.on_grid(mask.astype(np.uint8))

    def on_grid(self, array: np.ndarray) -> sitk.Image:
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(self.spacing_mm[::-1])
        image.SetOrigin((-30.5, 12.25, 100.0)[: image.GetDimension()])
        if self.direction:
            image.SetDirection(self.direction)
        return image


def noise(seed: int, size: tuple[int, ...]) -> np.ndarray:
    """Return integers of 0 to 255, from bits that numpy promises never to change."""
    raw = np.random.PCG64(seed).random_raw(int(np.prod(size)))
    return (raw >> np.uint64(56)).astype(np.int64).reshape(size)


def texture(seed: int, size: tuple[int, ...]) -> np.ndarray:
    """Return correlated integers of 0 to 255: the noise's mean over 2 voxels along each axis."""
    levels = noise(seed, size)
    for axis in range(levels.ndim):
        levels = levels + np.roll(levels, 1, axis)
    return levels // 2**levels.ndim


def sample(number: int) -> Callable[[], Pair]:
    def read() -> Pair:
        names = (f"SAMPLE-{number}_{kind}.nii.gz" for kind in ("image", "mask"))
        image, mask = (sitk.ReadImage(str(SAMPLES / name)) for name in names)
        return image, mask

    return read


def two_labels() -> Pair:
    """Label 2 is the ball, label 1 another ROI as far as it lies outside."""
    image, ball = Lesion()()
    return image, ball * 2 + Lesion(rois.touching)()[1] * (ball == 0)


def two_channels() -> Pair:
    image, ball = Lesion()()
    return image, sitk.Compose(Lesion(rois.touching)()[1], ball)


def mask_on_another_grid() -> Pair:
    """The mask's grid is a part of the image's, shifted by 0.8 mm."""
    image, mask = Lesion()()
    part = mask[2:22, 2:19, 1:13]
    part.SetOrigin([at + 0.8 for at in part.GetOrigin()])
    return image, part


def mask_slightly_off() -> Pair:
    image, mask = Lesion()()
    mask.SetOrigin([at + 0.001 for at in mask.GetOrigin()])
    return image, mask


CASES: dict[str, Callable[[], Pair]] = {
    "ball": Lesion(),
    "suv": Lesion(pixel="float32", size=(16, 18, 18), spacing_mm=(2.0, 2.0, 2.0), seed=2),
    "oblique": Lesion(pixel="float64", direction=OBLIQUE, seed=4),
    "flipped": Lesion(rois.two_parts, direction=FLIPPED, seed=6),
    "touching": Lesion(rois.touching, seed=8),
    "all but one": Lesion(rois.all_but_one, size=(8, 10, 12), seed=10),
    "small": Lesion(rois.small_ball, seed=36),
    "wide": Lesion(rois.wide_ball, size=(20, 33, 36), seed=38),
    "hollow": Lesion(rois.hollow, seed=12),
    "flat": Lesion(flat=True),
    "line": Lesion(rois.line, seed=14),
    "diagonal": Lesion(rois.diagonal, seed=16),
    "two voxels": Lesion(rois.two_voxels, seed=18),
    "three voxels": Lesion(rois.three_voxels, seed=20),
    "plane z": Lesion(rois.slab(0), seed=22),
    "plane y": Lesion(rois.slab(1), seed=24),
    "plane x": Lesion(rois.slab(2), seed=26),
    "thin image": Lesion(size=(3, 20, 20), seed=28),
    "one slice": Lesion(rois.slab(0), size=(1, 20, 22), seed=30),
    "2D": Lesion(rois.ball, size=(24, 27), spacing_mm=(1.5, 1.25), seed=32),
    "two labels": two_labels,
    "two channels": two_channels,
    "other grid": mask_on_another_grid,
    "slightly off": mask_slightly_off,
    **{pixel: Lesion(pixel=pixel, size=(8, 12, 14), seed=34) for pixel in LEVELS},
    **{f"SAMPLE-{number}": sample(number) for number in (1, 2, 3)},
}


def voxels_sha256() -> str:
    """Return one checksum of every image and mask."""
    total = hashlib.sha256()
    for make in CASES.values():
        for image in make():
            total.update(sitk.GetArrayFromImage(image).tobytes())
    return total.hexdigest()
