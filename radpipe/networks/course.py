"""The course of a training: epochs, the best of them, and what an interruption leaves."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from radpipe.errors import ModelError
from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.augmentation import Augmenter
from radpipe.networks.batches import Patients
from radpipe.networks.checkpoints import load_checkpoint, save_checkpoint
from radpipe.networks.methods import METHODS
from radpipe.networks.spec import EncoderSpec

if TYPE_CHECKING:
    from radpipe.networks.training import Training

_WEIGHT_DECAY = 0.01
_LONGEST_GRADIENT = 1.0
_WARM_UP = 0.1
_PARTS = ("encoder", "method", "optimiser")


class Course:
    """One training, from its first epoch or from a checkpoint to its last.

    Parameters
    ----------
    spec : EncoderSpec
        Whose network is trained.
    training : Training
        Resolved.
    patients : Patients
        What is learnt from.
    checkpoint : Path or None
        Kept after each epoch.

    Attributes
    ----------
    epochs : int
        At most.
    history : list of dict
        Of each epoch so far.
    """

    def __init__(
        self, spec: EncoderSpec, training: Training, patients: Patients, checkpoint: Path | None
    ) -> None:
        torch.manual_seed(training.seed)
        kind = METHODS[training.method]
        self.training, self.patients, self.checkpoint = training, patients, checkpoint
        self.epochs = training.epochs or kind.epochs
        self.encoder = ARCHITECTURES[spec.architecture](**spec.arguments)
        self.method = kind(spec.dimension, spec.channels)
        self.augment = Augmenter(training.augmentations or (), spec.channels)
        self.taught, self.held_out = patients.split(training.held_out if training.patience else 0)
        self.weights = [*self.encoder.parameters(), *self.method.parameters()]
        self.optimiser = torch.optim.AdamW(self.weights, weight_decay=_WEIGHT_DECAY, fused=True)
        self.history: list[dict[str, float]] = []
        self.best = self._copied()
        self.made_for = {
            "settings": {**asdict(training), "augmentations": [*(training.augmentations or ())]},
            "encoder": [spec.name, spec.keys],
            "patients": patients.fingerprint(),
        }
        if checkpoint is not None and checkpoint.exists():
            self._take_up(load_checkpoint(checkpoint, self.made_for))

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be learnt."""
        done = len(self.history)
        waited = done - self.best_epoch
        return done >= self.epochs or 0 < self.training.patience <= waited

    @property
    def best_epoch(self) -> int:
        """Whose weights are taken: the last, or those that held-out patients liked best."""
        if not self.training.patience or not self.history:
            return len(self.history)
        return int(np.argmin([each["held_out_loss"] for each in self.history])) + 1

    def run_epoch(self) -> None:
        """Show every patient once, and keep the checkpoint.

        Raises
        ------
        ModelError
            The loss is no longer a number.
        """
        epoch = len(self.history) + 1
        # Drawn from the epoch's number alone, so that a checkpoint need hold no generator.
        torch.manual_seed(_drawn(self.training.seed, epoch))
        self.encoder.train()
        self.method.train()
        batches = self.patients.batches(self.taught, self.training.batch, epoch)
        losses = [
            self._step(epoch, place, place / len(batches), rows) * len(rows)
            for place, rows in enumerate(batches)
        ]
        entry = {"epoch": epoch, "loss": sum(losses) / len(self.taught)}
        if self.training.patience:
            entry["held_out_loss"] = self._held_out_loss(epoch)
        self.history.append(entry)
        if self.best_epoch == epoch:
            self.best = self._copied()
        self._keep()

    def _step(self, epoch: int, place: int, part: float, rows: torch.Tensor) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(epoch - 1 + part)
        seeds = [_drawn(self.training.seed, epoch, place, n) for n in range(self.method.views)]
        views = [self.augment(self.patients.inputs[rows], seed) for seed in seeds]
        loss = self._loss(views, rows)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        length = nn.utils.clip_grad_norm_(self.weights, _LONGEST_GRADIENT)
        self._require_finite(loss + 0 * length, f"epoch {epoch}, step {place + 1}")
        self.optimiser.step()
        return loss.item()

    def _loss(self, views: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        outcome = self.patients.outcome
        return self.method.loss(self.encoder, views, outcome.of(rows) if outcome else None)

    @torch.no_grad()
    def _held_out_loss(self, epoch: int) -> float:
        self.encoder.eval()
        self.method.eval()
        rows = torch.from_numpy(self.held_out)
        patches = self.patients.inputs[rows]
        # The same views at each epoch: else luck would choose among epochs.
        several = [self.augment(patches, seed) for seed in range(self.method.views)]
        loss = self._loss(several if self.method.views > 1 else [patches], rows)
        self._require_finite(loss, f"epoch {epoch}, held-out patients")
        return loss.item()

    def _require_finite(self, loss: torch.Tensor, where: str) -> None:
        if not torch.isfinite(loss):
            good = len(self.history)
            kept = (
                f"; epoch {good} is kept in {self.checkpoint}" if good and self.checkpoint else ""
            )
            raise ModelError(
                "the training's loss or its gradient is no longer a number",
                where=where,
                found=loss.item(),
                expected="finite patches, and a learning rate that they bear",
                remedy="look for NaN in the patches, or lower learning_rate" + kept,
            )

    def _copied(self) -> dict[str, torch.Tensor]:
        return {name: each.clone() for name, each in self.encoder.state_dict().items()}

    def _keep(self) -> None:
        if self.checkpoint is not None:
            parts = {name: getattr(self, name).state_dict() for name in _PARTS}
            content = {**parts, "best": self.best, "history": self.history}
            save_checkpoint(self.checkpoint, content, self.made_for)

    def _take_up(self, content: dict[str, Any]) -> None:
        for name in _PARTS:
            getattr(self, name).load_state_dict(content[name])
        self.best, self.history = content["best"], content["history"]

    def _learning_rate(self, epochs: float) -> float:
        """Rise for a tenth of the training: at full rate, first steps throw weights far off."""
        done = epochs / self.epochs
        rise = min(1.0, (done + 0.01) / _WARM_UP)
        return self.training.learning_rate * rise * (1 + math.cos(math.pi * done)) / 2

    def network(self) -> nn.Module:
        """Return the encoder with the best epoch's weights.

        Returns
        -------
        Module
            Ready to embed.
        """
        self.encoder.load_state_dict(self.best)
        return self.encoder.eval().requires_grad_(False)


def _drawn(*of: int) -> int:
    return int(np.random.SeedSequence(of).generate_state(1)[0])
