"""Two views of a patch have one embedding, and embeddings of patients spread in all directions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import mse_loss

from radpipe.networks.methods.base import Method, Outcome

_PROJECTED = 256
_WEIGHTS = (25.0, 25.0, 1.0)
_TINY = 1e-4


class VicReg(Method):
    """Variance, invariance, covariance.

    What the augmentations change is what the embedding forgets, so that none that touches texture
    is among the usual ones.

    Parameters
    ----------
    dimension : int
        Of the embedding.
    channels : sequence of str
        What a patch holds, of ``image`` and ``mask``.

    References
    ----------
    Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
    """

    views = 2
    augmentations = ("flip", "intensity", "mask_jitter")

    def __init__(self, dimension: int, channels: Sequence[str]) -> None:
        super().__init__(dimension, channels)
        # Layers are normalised by patch, where its authors do so by batch: batches are small here.
        self.projector = nn.Sequential(
            nn.Linear(dimension, _PROJECTED),
            nn.LayerNorm(_PROJECTED),
            nn.ReLU(),
            nn.Linear(_PROJECTED, _PROJECTED),
        )

    def loss(
        self, encoder: nn.Module, views: Sequence[torch.Tensor], outcome: Outcome | None
    ) -> torch.Tensor:
        """Compare two views, and patients.

        Parameters
        ----------
        encoder : Module
            Patches to embeddings.
        views : sequence of Tensor of float32, shape (n, channels, z, y, x)
            Two.
        outcome : Outcome or None
            Not looked at.

        Returns
        -------
        Tensor, shape ()
            Smaller is better.
        """
        first, second = (self.projector(encoder(view)) for view in views)
        return vicreg_loss(first, second)


def vicreg_loss(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the loss of two projected views.

    Parameters
    ----------
    first, second : Tensor of float32, shape (n, k)
        The same patients in the same order; at least two.

    Returns
    -------
    Tensor, shape ()
        Smaller is better.

    Notes
    -----
    The terms' scales are those of its authors' code: means over columns, also of the invariance.
    """
    invariance = mse_loss(first, second)
    variance = (_spread_lacking(first) + _spread_lacking(second)) / 2
    covariance = _covariance(first) + _covariance(second)
    terms = zip(_WEIGHTS, (invariance, variance, covariance), strict=True)
    return torch.stack([weight * term for weight, term in terms]).sum()


def _spread_lacking(projected: torch.Tensor) -> torch.Tensor:
    return (1 - (projected.var(dim=0) + _TINY).sqrt()).relu().mean()


def _covariance(projected: torch.Tensor) -> torch.Tensor:
    n, k = projected.shape
    centred = projected - projected.mean(dim=0)
    squares = (centred.T @ centred / (n - 1)).square()
    return (squares.sum() - squares.diagonal().sum()) / k
