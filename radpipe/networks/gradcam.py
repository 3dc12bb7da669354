"""Grad-CAM: which places on a network's maps speak for a weighted sum of its embedding."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from radpipe.errors import SettingsError

# By architecture: the last maps that all of the embedding is made of. radpipe-small reads every
# block, and the last one's maps are 2 by 2 by 2.
MAPS: dict[str, Callable[[Any], nn.Module]] = {
    "medicalnet": lambda network: network.layer4,
    "fmcib": lambda network: network.layer4,
    "ctfm": lambda network: network.layers[-1]["blocks"],
    "small": lambda network: network.blocks[0],
}


def grad_cam(
    network: nn.Module,
    architecture: str,
    inputs: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Map what raises and what lowers a weighted sum of an embedding.

    Maps times gradients, place by place. Where an embedding is a mean of the maps, as that of every
    published encoder here, this is Grad-CAM. Elsewhere Grad-CAM's averaging of gradients would hide
    what is read: those of a spread add up to nothing.

    Parameters
    ----------
    network : Module
        (n, channels, z, y, x) to (n, dimension).
    architecture : str
        A key of :data:`MAPS`.
    inputs : ndarray of float32, shape (channels, z, y, x)
        One patch.
    weights : ndarray of float64, shape (dimension,)
        Of the sum.

    Returns
    -------
    ndarray of float64, shape (z, y, x)
        Interpolated linearly from the maps. Positive: what is there raises the sum. Negative parts
        are kept, which the publications cut off.

    Raises
    ------
    SettingsError
        captum is not installed, or nobody said which maps are the network's.

    References
    ----------
    Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74; Draelos and Carin 2020, arXiv 2011.08891;
    captum's implementation.
    """
    _require(architecture)
    from captum.attr import LayerAttribution, LayerGradientXActivation

    along = torch.tensor(weights, dtype=torch.float32)
    layer = MAPS[architecture](network)
    found = LayerGradientXActivation(lambda patch: network(patch) @ along, layer)
    # Weights are frozen: without this there would be nothing to take a gradient of.
    patch = torch.tensor(inputs[np.newaxis]).requires_grad_()
    maps = found.attribute(patch).sum(dim=1, keepdim=True)
    wide = LayerAttribution.interpolate(maps, inputs.shape[1:], "trilinear")
    return np.asarray(wide.detach().numpy()[0, 0], dtype=np.float64)


def _require(architecture: str) -> None:
    if find_spec("captum") is None:
        raise SettingsError(
            "Grad-CAM needs a package that is not installed",
            where="--method gradcam",
            found="no captum",
            expected="the extra cnn",
            remedy="pip install 'radpipe[cnn]', or take --method occlusion",
        )
    if architecture not in MAPS:
        raise SettingsError(
            "Grad-CAM does not know the maps of this network",
            where="--method gradcam",
            found=architecture,
            expected=", ".join(MAPS),
            remedy="take --method occlusion",
        )
