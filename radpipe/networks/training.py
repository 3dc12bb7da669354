"""Train an encoder on a cohort: the same call gives the same bytes, also after an interruption."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from radpipe.errors import ModelError, SettingsError
from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.augmentation import AUGMENTATIONS, Augmenter
from radpipe.networks.batches import Patients, make_patients
from radpipe.networks.checkpoints import load_checkpoint, save_checkpoint
from radpipe.networks.methods import METHODS
from radpipe.networks.spec import EncoderSpec
from radpipe.progress import progress_bar

_FEW_EVENTS = 100
_WEIGHT_DECAY = 0.01
_LONGEST_GRADIENT = 1.0
_WARM_UP = 0.1
_logger = logging.getLogger("radpipe")


@dataclass(frozen=True)
class Training:
    """How an encoder is trained; plain values, so that JSON holds them.

    Attributes
    ----------
    method : str
        Key of :data:`radpipe.networks.methods.METHODS`.
    epochs : int
        How often each patient is shown, at most.
    batch : int
        Patients at a time, about.
    learning_rate : float
        The highest; it rises at first, then falls to 0 as a cosine.
    patience : int
        Epochs without a better loss of held-out patients after which training stops; the best
        epoch's weights are taken. 0: nobody is held out, and the last epoch's are.
    held_out : float
        Share of the patients given.
    seed : int
        Of all that is drawn.
    augmentations : tuple of str or None
        Keys of :data:`radpipe.networks.augmentation.AUGMENTATIONS`; None for the method's own.
    """

    method: str = "autoencoder"
    epochs: int = 25
    batch: int = 8
    learning_rate: float = 3e-3
    patience: int = 0
    held_out: float = 0.2
    seed: int = 0
    augmentations: tuple[str, ...] | None = None

    def require_sense(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        SettingsError
            Naming the setting.
        """
        _require_known("method", self.method, list(METHODS))
        for name in self.augmentations or ():
            _require_known("augmentations", name, list(AUGMENTATIONS))
        ranges = {
            "epochs": (self.epochs >= 1, "at least 1"),
            "batch": (self.batch >= 2, "at least 2"),
            "learning_rate": (0 < self.learning_rate < 1, "above 0 and below 1"),
            "patience": (self.patience >= 0, "at least 0"),
            "held_out": (0 < self.held_out <= 0.5, "above 0 and at most 0.5"),
            "seed": (self.seed >= 0, "at least 0"),
        }
        for name, (sensible, expected) in ranges.items():
            if not sensible:
                raise SettingsError(
                    "out of range", where=name, found=getattr(self, name), expected=expected
                )


@dataclass(frozen=True)
class Trained:
    """An encoder, and how it came about.

    Attributes
    ----------
    network : Module
        Ready to embed.
    history : tuple of dict
        Of each epoch its number ``epoch``, its ``loss`` and, where patients were held out, their
        ``held_out_loss``.
    epoch : int
        Whose weights these are.
    """

    network: nn.Module
    history: tuple[dict[str, float], ...]
    epoch: int


def train_encoder(
    spec: EncoderSpec,
    training: Training,
    inputs: npt.NDArray[np.float32],
    outcome: npt.NDArray[Any] | None = None,
    *,
    checkpoint: Path | None = None,
    shown: bool = False,
) -> Trained:
    """Train an encoder, on one thread and without touching any other random numbers.

    Parameters
    ----------
    spec : EncoderSpec
        Whose network is trained, from random weights.
    training : Training
        How.
    inputs : ndarray of float32, shape (n, channels, z, y, x)
        What the network is given of each patient.
    outcome : structured ndarray with ``event`` and ``time``, or ndarray of bool, shape (n,)
        What a supervised method needs; others do not look at it.
    checkpoint : Path, optional
        Kept after each epoch; where it is there already, training goes on from it.
    shown : bool
        Whether a progress bar is shown.

    Returns
    -------
    Trained
        On the CPU.

    Raises
    ------
    SettingsError
        A setting makes no sense, or a supervised method has no outcome.
    ModelError
        There are too few patients, the loss is no longer a number, or the checkpoint is damaged or
        of another training.
    """
    training.require_sense()
    supervised = METHODS[training.method].supervised
    if supervised and outcome is None:
        raise SettingsError("this method needs outcomes", where="method", found=training.method)
    patients = make_patients(inputs, outcome if supervised else None, training.seed)
    with _one_thread(), torch.random.fork_rng(devices=[]):
        course = _Course(spec, training, patients, checkpoint)
        with progress_bar(f"train {spec.name}", training.epochs, shown) as step:
            step(done=len(course.history))
            while not course.finished:
                course.run_epoch()
                step(f"loss {course.history[-1]['loss']:.3f}")
        return course.trained()


def warn_of_few_events(events: int) -> None:
    """Tell the log where an encoder of a risk has too little to learn from.

    Parameters
    ----------
    events : int
        Patients with the event.
    """
    if events < _FEW_EVENTS:
        _logger.warning(
            "an encoder trained on %d events: below %d it mostly learns the patients by heart",
            events,
            _FEW_EVENTS,
        )


class _Course:
    """One training, from its first epoch or from a checkpoint to its last."""

    def __init__(
        self, spec: EncoderSpec, training: Training, patients: Patients, checkpoint: Path | None
    ) -> None:
        torch.manual_seed(training.seed)
        kind = METHODS[training.method]
        self.training, self.patients, self.checkpoint = training, patients, checkpoint
        self.encoder = ARCHITECTURES[spec.architecture](**spec.arguments)
        self.method = kind(spec.dimension, spec.channels)
        names = kind.augmentations if training.augmentations is None else training.augmentations
        self.augment = Augmenter(names, spec.channels)
        self.taught, self.held_out = patients.split(training.held_out if training.patience else 0)
        self.weights = [*self.encoder.parameters(), *self.method.parameters()]
        self.optimiser = torch.optim.AdamW(self.weights, weight_decay=_WEIGHT_DECAY)
        self.history: list[dict[str, float]] = []
        self.best = self._copied()
        self.made_for = {
            "settings": {**asdict(training), "augmentations": list(names)},
            "encoder": [spec.name, spec.keys],
            "patients": patients.fingerprint(),
        }
        if checkpoint is not None and checkpoint.exists():
            self._take_up(load_checkpoint(checkpoint, self.made_for))

    @property
    def finished(self) -> bool:
        done = len(self.history)
        waited = done - self.best_epoch
        return done >= self.training.epochs or 0 < self.training.patience <= waited

    @property
    def best_epoch(self) -> int:
        if not self.training.patience or not self.history:
            return len(self.history)
        return int(np.argmin([each["held_out_loss"] for each in self.history])) + 1

    def run_epoch(self) -> None:
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
            group["lr"] = _learning_rate(self.training, epoch - 1 + part)
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

    def trained(self) -> Trained:
        self.encoder.load_state_dict(self.best)
        network = self.encoder.eval().requires_grad_(False)
        return Trained(network, tuple(self.history), self.best_epoch)


_PARTS = ("encoder", "method", "optimiser")


def _learning_rate(training: Training, epochs: float) -> float:
    """Rise for a tenth of the training: at full rate, first steps throw weights far off."""
    done = epochs / training.epochs
    rise = min(1.0, (done + 0.01) / _WARM_UP)
    return training.learning_rate * rise * (1 + math.cos(math.pi * done)) / 2


def _drawn(*of: int) -> int:
    return int(np.random.SeedSequence(of).generate_state(1)[0])


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _require_known(setting: str, name: str, names: list[str]) -> None:
    if name not in names:
        near = get_close_matches(str(name), names, n=1)
        raise SettingsError(
            "there is no such name",
            where=setting,
            found=repr(name),
            expected=f"of {', '.join(names)}",
            remedy=f"did you mean {near[0]!r}?" if near else None,
        )
