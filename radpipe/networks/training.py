"""Train an encoder on a cohort: the same call gives the same bytes, also after an interruption."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from radpipe.errors import SettingsError
from radpipe.networks.augmentation import AUGMENTATIONS
from radpipe.networks.batches import make_patients
from radpipe.networks.course import Course
from radpipe.networks.methods import METHODS
from radpipe.networks.spec import EncoderSpec
from radpipe.progress import progress_bar

_FEW_EVENTS = 100
_logger = logging.getLogger("radpipe")


@dataclass(frozen=True)
class Training:
    """How an encoder is trained; plain values, so that JSON holds them.

    Attributes
    ----------
    method : str
        Key of :data:`radpipe.networks.methods.METHODS`.
    epochs : int or None
        How often each patient is shown, at most; None for the method's own.
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
    epochs: int | None = None
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
            _require_known("--augment", name, list(AUGMENTATIONS))
        ranges = {
            "epochs": (self.epochs is None or self.epochs >= 1, "at least 1"),
            "batch": (self.batch >= 2, "at least 2"),
            "learning_rate": (0 < self.learning_rate < 1, "above 0 and below 1"),
            "patience": (self.patience >= 0, "at least 0"),
            "held_out": (0 < self.held_out <= 0.5, "above 0 and at most 0.5"),
            "seed": (self.seed >= 0, "at least 0"),
        }
        for name, (sensible, expected) in ranges.items():
            if not sensible:
                raise SettingsError(
                    "out of range",
                    where=name,
                    found=getattr(self, name),
                    expected=expected,
                    remedy="mend it, or leave it out",
                )

    def resolved(self) -> Training:
        """Put the method's own in the place of what nobody named.

        Returns
        -------
        Training
            As it is carried out, and kept.

        Raises
        ------
        SettingsError
            A setting makes no sense.
        """
        self.require_sense()
        method = METHODS[self.method]
        epochs = method.epochs if self.epochs is None else self.epochs
        named = method.augmentations if self.augmentations is None else self.augmentations
        return replace(self, epochs=epochs, augmentations=tuple(named))


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
    shown: bool | None = None,
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
    shown : bool, optional
        Whether a progress bar is shown; as of :func:`radpipe.progress.progress_bar`.

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
    training = training.resolved()
    supervised = METHODS[training.method].supervised
    if supervised and outcome is None:
        raise SettingsError(
            "this method needs outcomes",
            where="method",
            found=training.method,
            expected="events and times, or classes",
            remedy="give them, or take a method that looks at images alone",
        )
    patients = make_patients(inputs, outcome if supervised else None, training.seed)
    with _one_thread(), torch.random.fork_rng(devices=[]):
        course = Course(spec, training, patients, checkpoint)
        with progress_bar(f"train {spec.name}", course.epochs, shown) as step:
            step(done=len(course.history))
            while not course.finished:
                course.run_epoch()
                step(f"loss {course.history[-1]['loss']:.3f}")
        return Trained(course.network(), tuple(course.history), course.best_epoch)


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
            remedy=f"did you mean {near[0]!r}?" if near else "take one of these",
        )
