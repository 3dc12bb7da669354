"""A network that learnt nothing: what a map of attention is held against."""

from __future__ import annotations

import torch
from torch import nn

from radpipe.networks.spec import EncoderSpec
from radpipe.networks.weights import build


def untrained(spec: EncoderSpec, seed: int = 0) -> nn.Module:
    """Build an encoder with random weights, as its training would begin.

    Parameters
    ----------
    spec : EncoderSpec
        Its architecture.
    seed : int
        Of the weights; torch's own generator stays as it was.

    Returns
    -------
    Module
        Ready to embed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(spec).requires_grad_(False)
