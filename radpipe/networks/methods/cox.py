"""The encoder of a risk: Cox's partial likelihood, or a class's probability."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from radpipe.networks.methods.base import Method, Outcome


class Cox(Method):
    """One linear risk of the embedding.

    Parameters
    ----------
    dimension : int
        Of the embedding.
    channels : sequence of str
        What a patch holds, of ``image`` and ``mask``.

    References
    ----------
    Katzman et al. 2018, doi 10.1186/s12874-018-0482-1; Efron 1977,
    doi 10.1080/01621459.1977.10480613, for ties.
    """

    supervised = True
    # Of few patients it soon knows the outcomes by heart; longer training found no more.
    epochs = 8
    augmentations = ("flip",)

    def __init__(self, dimension: int, channels: Sequence[str]) -> None:
        super().__init__(dimension, channels)
        self.head = nn.Linear(dimension, 1)

    def loss(
        self, encoder: nn.Module, views: Sequence[torch.Tensor], outcome: Outcome | None
    ) -> torch.Tensor:
        """Compare risks with what happened.

        Parameters
        ----------
        encoder : Module
            Patches to embeddings.
        views : sequence of Tensor of float32, shape (n, channels, z, y, x)
            One.
        outcome : Outcome
            Events and times, or classes.

        Returns
        -------
        Tensor, shape ()
            Smaller is better.
        """
        assert outcome is not None
        risk = self.head(encoder(views[0])).squeeze(1)
        return risk_loss(risk, outcome)


def risk_loss(risk: torch.Tensor, outcome: Outcome) -> torch.Tensor:
    """Return the loss of risks.

    Parameters
    ----------
    risk : Tensor of float32, shape (n,)
        Log-hazards, or log-odds where the outcome has no time.
    outcome : Outcome
        What happened.

    Returns
    -------
    Tensor, shape ()
        Negative log partial likelihood, averaged over the distinct times of events as torchsurv
        does, or log loss of a patient; 0 where nobody had the event.
    """
    if outcome.time is None:
        return binary_cross_entropy_with_logits(risk, outcome.event.float())
    if not outcome.event.any():
        return 0 * risk.sum()
    if not risk.isfinite().all():
        # torchsurv would raise, and not say at which step.
        return risk.sum()
    with warnings.catch_warnings():
        # torchsurv compiles with TorchScript, which torch has given up, and tells of every tie.
        warnings.simplefilter("ignore")
        from torchsurv.loss.cox import neg_partial_log_likelihood

        loss: torch.Tensor = neg_partial_log_likelihood(risk, outcome.event, outcome.time.float())
    return loss
