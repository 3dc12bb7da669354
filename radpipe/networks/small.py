"""`radpipe-small`: an encoder small enough to be trained on one cohort, on one thread."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool3d, batch_norm

_WIDTHS = (16, 32, 64, 128)
_CHANNELS_TOGETHER = 4
# What a voxel outside the ROI counts beside one inside.
SURROUNDINGS = 0.02
_TINY = 1e-4
_ONE_DNN = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class SmallResNet(nn.Module):
    """Four residual blocks behind a wide first layer; mean and spread of each block's maps.

    Texture is a spread: the mean alone hardly knows it before long training. Both are taken of the
    tumour, its surroundings counting a little. Nothing looks at other patches: filters are
    standardised, and groups of channels of one patch are, so that a patch has the same embedding
    in any batch.

    Parameters
    ----------
    channels : int
        What it is given: the image, or image and mask.

    References
    ----------
    He et al. 2016, doi 10.1109/CVPR.2016.90; Wu and He 2018, doi 10.1007/978-3-030-01261-8_1;
    Qiao et al. 2019, arXiv 1903.10520.
    """

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _Conv3d(channels, _WIDTHS[0], 5, stride=2, padding=2, bias=False),
            _normalised(_WIDTHS[0]),
            nn.ReLU(),
        )
        steps = zip((_WIDTHS[0], *_WIDTHS), _WIDTHS, (1, 2, 2, 2), strict=False)
        self.blocks = nn.ModuleList(_Block(*step) for step in steps)
        self.out = nn.Linear(2 * sum(_WIDTHS), _WIDTHS[-1])

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Embed patches.

        Parameters
        ----------
        patches : Tensor of float32, shape (n, channels, z, y, x)
            Intensities and masks.

        Returns
        -------
        Tensor of float32, shape (n, 128)
            Embeddings.
        """
        mask = patches[:, -1:] if patches.shape[1] > 1 else torch.ones_like(patches)
        maps, told = self.stem(patches), []
        for block in self.blocks:
            maps = block(maps)
            told.append(_mean_and_spread(maps, mask))
        embeddings: torch.Tensor = self.out(torch.cat(told, dim=1))
        return embeddings


class _Block(nn.Module):
    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _Conv3d(width, out, 3, stride=stride, padding=1, bias=False),
            _normalised(out),
            nn.ReLU(),
            _Conv3d(out, out, 3, padding=1, bias=False),
            _normalised(out),
        )
        self.shortcut = (
            nn.Identity() if width == out else nn.Conv3d(width, out, 1, stride=stride, bias=False)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.inner(maps) + self.shortcut(maps)
        return found.relu()


class _Conv3d(nn.Conv3d):
    """A filter of mean 0 and length 1 sees differences between voxels, and not intensity."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        filters = self.weight.flatten(1)
        # A batch of one, whose channels are the filters: one pass, where sums and roots take ten.
        standard = batch_norm(filters[None], None, None, training=True, eps=_TINY**2)
        weight = (standard * filters.shape[1] ** -0.5).view_as(self.weight)
        alone = len(maps) == 1 and maps.device.type == "cpu" and not torch.is_grad_enabled()
        if alone and _ONE_DNN:
            # Of one patch torch takes a convolution of its own, which is five times as slow.
            steps = (self.padding, self.stride, self.dilation, self.groups)
            found: torch.Tensor = torch.ops.aten.mkldnn_convolution(maps, weight, None, *steps)
        else:
            found = self._conv_forward(maps, weight, None)
        return found


def _normalised(width: int) -> nn.Module:
    return nn.GroupNorm(width // _CHANNELS_TOGETHER, width)


def _mean_and_spread(maps: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weight = adaptive_avg_pool3d(mask, (*maps.shape[2:],)) + SURROUNDINGS
    weight = weight / weight.sum(dim=(2, 3, 4), keepdim=True)
    mean = (maps * weight).sum(dim=(2, 3, 4), keepdim=True)
    variance = ((maps - mean).square() * weight).sum(dim=(2, 3, 4))
    return torch.cat([mean.flatten(1), (variance + _TINY).sqrt()], dim=1)
