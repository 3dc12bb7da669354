"""What a way of training an encoder is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn


@dataclass(frozen=True)
class Outcome:
    """What became of patients.

    Attributes
    ----------
    event : Tensor of bool, shape (n,)
        Whether it happened; the class, where there is no time.
    time : Tensor of int64, shape (n,), or None
        Rank of the time among all patients', so that no rounding makes two of them equal.
    """

    event: torch.Tensor
    time: torch.Tensor | None

    def of(self, rows: torch.Tensor) -> Outcome:
        """Take some patients.

        Parameters
        ----------
        rows : Tensor of int64, shape (k,)
            Which.

        Returns
        -------
        Outcome
            Theirs.
        """
        return Outcome(self.event[rows], None if self.time is None else self.time[rows])


class Method(nn.Module):
    """A way to train an encoder: what is trained beside it and dropped afterwards, and a loss.

    Attributes
    ----------
    supervised : bool
        Whether it needs outcomes.
    views : int
        How many augmented versions of a patch a loss compares.
    epochs : int
        How often each patient is shown if nobody says otherwise.
    augmentations : tuple of str
        Which it uses if nobody names others.

    Parameters
    ----------
    dimension : int
        Of the embedding.
    channels : sequence of str
        What a patch holds, of ``image`` and ``mask``.
    """

    supervised: ClassVar[bool] = False
    views: ClassVar[int] = 1
    epochs: ClassVar[int] = 12
    augmentations: ClassVar[tuple[str, ...]] = ()

    def __init__(self, dimension: int, channels: Sequence[str]) -> None:
        super().__init__()
        self.channels = tuple(channels)

    def loss(
        self, encoder: nn.Module, views: Sequence[torch.Tensor], outcome: Outcome | None
    ) -> torch.Tensor:
        """Tell how far the encoder is from what it should be.

        Parameters
        ----------
        encoder : Module
            Patches to embeddings.
        views : sequence of Tensor of float32, shape (n, channels, z, y, x)
            As many as the method wants; the same patients in the same order.
        outcome : Outcome or None
            Theirs, where the method needs it.

        Returns
        -------
        Tensor, shape ()
            Smaller is better.
        """
        raise NotImplementedError
