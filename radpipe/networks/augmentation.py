"""Augmentation: other patches that show the same tumour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import radians
from typing import Any

import torch
from monai.data.meta_obj import get_track_meta, set_track_meta
from monai.transforms.compose import Compose
from monai.transforms.intensity.array import (
    RandGaussianNoise,
    RandGaussianSmooth,
    RandScaleIntensity,
    RandShiftIntensity,
)
from monai.transforms.spatial.array import RandAffine, RandFlip
from monai.transforms.transform import Randomizable, Transform
from torch.nn.functional import max_pool3d, pad

_MASK = "mask"


@dataclass(frozen=True)
class Augmentation:
    """A way to change a patch.

    Attributes
    ----------
    channel : str or None
        Which it changes, ``image`` or ``mask``; None for all alike.
    build : callable or None
        Gives MONAI's transform.
    affine : mapping
        Or what it asks of the one affine transform that such share: to interpolate twice would
        blur twice.
    """

    channel: str | None = None
    build: Callable[[], Any] | None = None
    affine: Mapping[str, Any] = field(default_factory=dict)


class MaskJitter(Randomizable, Transform):
    """Move a mask by at most a voxel, and its border by one, as another reader would."""

    def __call__(self, mask: torch.Tensor) -> torch.Tensor:
        """Change a mask.

        Parameters
        ----------
        mask : Tensor, shape (1, z, y, x)
            Zeros and ones.

        Returns
        -------
        Tensor, shape (1, z, y, x)
            Zeros and ones.
        """
        shift, growth = self.R.randint(-1, 2, size=3), self.R.randint(-1, 2)
        # What leaves the patch on one side must not come in on the other.
        wide = pad(mask, (1,) * 6)
        mask = torch.roll(wide, tuple(shift), dims=(1, 2, 3))[:, 1:-1, 1:-1, 1:-1]
        if growth < 0:
            return 1 - max_pool3d(1 - mask, 3, stride=1, padding=1)
        return max_pool3d(mask, 3, stride=1, padding=1) if growth > 0 else mask


def _flips() -> Compose:
    return Compose([RandFlip(prob=0.5, spatial_axis=axis) for axis in range(3)])


def _intensity() -> Compose:
    return Compose([RandScaleIntensity(0.2, prob=1.0), RandShiftIntensity(0.2, prob=1.0)])


AUGMENTATIONS = {
    "flip": Augmentation(build=_flips),
    "rotate": Augmentation(affine={"rotate_range": (radians(15),) * 3}),
    "scale": Augmentation(affine={"scale_range": (0.1,) * 3}),
    "shift": Augmentation(affine={"translate_range": (2.0,) * 3}),
    "noise": Augmentation("image", lambda: RandGaussianNoise(prob=1.0, std=0.2)),
    "blur": Augmentation(
        "image", lambda: RandGaussianSmooth((0.3, 1.0), (0.3, 1.0), (0.3, 1.0), prob=1.0)
    ),
    "intensity": Augmentation("image", _intensity),
    "mask_jitter": Augmentation(_MASK, MaskJitter),
}


class Augmenter:
    """Change patches at random.

    Parameters
    ----------
    names : sequence of str
        Keys of :data:`AUGMENTATIONS`; none leaves patches as they are.
    channels : sequence of str
        What a patch holds, of ``image`` and ``mask``.
    """

    def __init__(self, names: Sequence[str], channels: Sequence[str]) -> None:
        chosen = [each for name, each in AUGMENTATIONS.items() if name in names]
        self._channels = tuple(channels)
        # All that moves voxels comes first, whatever the order of the names.
        self._steps: list[tuple[str | None, Any]] = [
            *((each.channel, each.build()) for each in chosen if each.build and not each.channel),
            *_affine(chosen),
            *((each.channel, each.build()) for each in chosen if each.build and each.channel),
        ]

    def __call__(self, patches: torch.Tensor, seed: int) -> torch.Tensor:
        """Change patches, each in its own way.

        Parameters
        ----------
        patches : Tensor of float32, shape (n, channels, z, y, x)
            Left as they are.
        seed : int
            The same gives the same.

        Returns
        -------
        Tensor of float32, shape (n, channels, z, y, x)
            Masks are zeros and ones.
        """
        for place, (_, step) in enumerate(self._steps):
            step.set_random_state(seed=(seed + place) % 2**32)
        with _without_metadata():
            return torch.stack([self._changed(patch) for patch in patches])

    def _changed(self, patch: torch.Tensor) -> torch.Tensor:
        for channel, step in self._steps:
            if channel is None:
                patch = step(patch)
                self._cut_mask(patch)
            elif channel in self._channels:
                place = self._channels.index(channel)
                patch = patch.clone()
                patch[place : place + 1] = step(patch[place : place + 1])
        return patch

    def _cut_mask(self, patch: torch.Tensor) -> None:
        if _MASK in self._channels:
            mask = patch[self._channels.index(_MASK)]
            mask.copy_(mask >= 0.5)


def _affine(chosen: Sequence[Augmentation]) -> list[tuple[None, RandAffine]]:
    arguments = {name: value for each in chosen for name, value in each.affine.items()}
    if not arguments:
        return []
    # Outside the patch is what was outside the image: 0.
    return [(None, RandAffine(prob=1.0, mode="bilinear", padding_mode="zeros", **arguments))]


@contextmanager
def _without_metadata() -> Iterator[None]:
    """Keep MONAI from noting beside a tensor what was done to it: it takes longer than flipping."""
    before = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(before)
