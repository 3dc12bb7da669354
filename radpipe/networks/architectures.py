"""Networks that turn a patch into an embedding: built by MONAI, mended where it differs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from monai.networks.nets.resnet import resnet10, resnet18, resnet34, resnet50
from monai.networks.nets.segresnet_ds import SegResEncoder
from torch import nn

from radpipe.networks.small import SmallResNet

_RESNETS = {10: (resnet10, "B"), 18: (resnet18, "A"), 34: (resnet34, "A"), 50: (resnet50, "B")}


def medicalnet(depth: int) -> nn.Module:
    """Build Tencent's 3D ResNet.

    MONAI's loads the same weights and computes something else: layers 3 and 4 of the published
    definition keep their resolution and widen their kernels instead.

    Parameters
    ----------
    depth : int
        10, 18, 34 or 50.

    Returns
    -------
    Module
        (n, 1, z, y, x) to (n, 512), or 2048 of depth 50; random weights.

    References
    ----------
    Chen et al. 2019, arXiv 1904.00625.
    """
    build, shortcut = _RESNETS[depth]
    network = build(
        spatial_dims=3,
        n_input_channels=1,
        feed_forward=False,
        shortcut_type=shortcut,
        bias_downsample=False,
        conv1_t_stride=2,
    )
    for layer, dilation in ((network.layer3, 2), (network.layer4, 4)):
        for block in layer:
            _widen(block, dilation)
    return network


def _widen(block: Any, dilation: int) -> None:
    for module in block.modules():
        if isinstance(module, nn.Conv3d):
            module.stride = (1, 1, 1)
            if module.kernel_size == (3, 3, 3):
                module.dilation = module.padding = (dilation,) * 3
    shortcut = block.downsample
    if isinstance(shortcut, partial):
        # MONAI's shortcut A is no module, and so nothing that modules() finds.
        block.downsample = partial(shortcut, stride=1)


def fmcib() -> nn.Module:
    """Build the encoder of the foundation model for cancer imaging biomarkers.

    Returns
    -------
    Module
        (n, 1, z, y, x) to (n, 4096); random weights.

    References
    ----------
    Pai et al. 2024, doi 10.1038/s42256-024-00807-9.
    """
    return resnet50(
        spatial_dims=3,
        n_input_channels=1,
        feed_forward=False,
        widen_factor=2,
        conv1_t_stride=2,
        bias_downsample=True,
    )


def ctfm() -> nn.Module:
    """Build the encoder of CT-FM.

    Returns
    -------
    Module
        (n, 1, z, y, x) to (n, 512); random weights.

    References
    ----------
    Pai et al. 2025, arXiv 2501.09001.
    """
    return SegResEncoder(
        spatial_dims=3,
        in_channels=1,
        init_filters=32,
        blocks_down=(1, 2, 2, 4, 4),
        norm="batch",
        head_module=_MeanOfLast(),
    )


class _MeanOfLast(nn.Module):
    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        return maps[-1].mean(dim=(2, 3, 4))


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "medicalnet": medicalnet,
    "fmcib": fmcib,
    "ctfm": ctfm,
    "small": SmallResNet,
}
