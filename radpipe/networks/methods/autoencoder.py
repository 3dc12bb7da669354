"""What the embedding holds is enough to draw the patch again, coarsely, and its texture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import avg_pool3d, interpolate

from radpipe.networks.methods.base import Method, Outcome
from radpipe.networks.small import SURROUNDINGS

_OCTAVES = 3
_CELL = 4
_WHOLE = 5.0
_TINY = 1e-3


class Autoencoder(Method):
    """Draw the patch again: the intensity of each cell of 4 voxels, and its texture by octaves.

    Voxels as such cannot be drawn of 128 numbers: squared error would make of them their mean,
    which knows nothing of texture. So what is finer than a cell is drawn as its energy. The mask is
    given, and need not be remembered; the tumour counts, its surroundings hardly.

    Parameters
    ----------
    dimension : int
        Of the embedding.
    channels : sequence of str
        What a patch holds, of ``image`` and ``mask``.

    References
    ----------
    Burt and Adelson 1983, doi 10.1109/TCOM.1983.1095851, for the octaves.
    """

    augmentations = ("flip",)

    def __init__(self, dimension: int, channels: Sequence[str]) -> None:
        super().__init__(dimension, channels)
        self.decoder = nn.Sequential(
            nn.Linear(dimension, 32 * 2**3),
            nn.ReLU(),
            nn.Unflatten(1, (32, 2, 2, 2)),
            nn.ConvTranspose3d(32, 32, 4, stride=4),
        )
        self.drawing = nn.Sequential(
            nn.Conv3d(33, 32, 3, padding=1), nn.ReLU(), nn.Conv3d(32, 1 + _OCTAVES, 1)
        )

    def loss(
        self, encoder: nn.Module, views: Sequence[torch.Tensor], outcome: Outcome | None
    ) -> torch.Tensor:
        """Compare the drawn patch with the true one, by cells and as a whole.

        Parameters
        ----------
        encoder : Module
            Patches to embeddings.
        views : sequence of Tensor of float32, shape (n, channels, z, y, x)
            One; sides are 32.
        outcome : Outcome or None
            Not looked at.

        Returns
        -------
        Tensor, shape ()
            Smaller is better.
        """
        image, weight = self._parts(views[0])
        share = avg_pool3d(weight, _CELL)
        drawn = self.drawing(torch.cat([self.decoder(encoder(views[0])), share], dim=1))
        error = drawn - draw(image, weight)
        share = share / share.sum(dim=(2, 3, 4), keepdim=True)
        cells = (error.square() * share).sum(dim=(2, 3, 4)).mean(dim=0)
        whole = (error * share).sum(dim=(2, 3, 4)).square().mean(dim=0)
        loss: torch.Tensor = (cells + _WHOLE * whole).sum()
        return loss

    def _parts(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        image = patches[:, self.channels.index("image")].unsqueeze(1)
        if "mask" not in self.channels:
            return image, torch.ones_like(image)
        mask = patches[:, self.channels.index("mask")].unsqueeze(1)
        return image, mask + SURROUNDINGS


def draw(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Describe each cell of 4 voxels of an image.

    Parameters
    ----------
    image, weight : Tensor of float32, shape (n, 1, z, y, x)
        Intensities, and how much each voxel counts; sides are multiples of 8.

    Returns
    -------
    Tensor of float32, shape (n, 4, z / 4, y / 4, x / 4)
        Mean intensity; log of the mean square, within 8 voxels, of what is lost if two, four, eight
        voxels are made one.
    """
    told = [avg_pool3d(image * weight, _CELL) / avg_pool3d(weight, _CELL)]
    finer = image
    for octave in range(1, _OCTAVES + 1):
        coarser = interpolate(avg_pool3d(image, 2**octave), scale_factor=2**octave)
        square = (finer - coarser).square()
        energy = _around(square * weight) / _around(weight)
        told.append((energy + _TINY).log())
        finer = coarser
    return torch.cat(told, dim=1)


def _around(values: torch.Tensor) -> torch.Tensor:
    return avg_pool3d(values, 2 * _CELL, stride=_CELL, padding=_CELL // 2)
