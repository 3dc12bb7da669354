"""Patients in batches: who is taught, who is held out, in which order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from radpipe.errors import ModelError
from radpipe.networks.methods.base import Outcome

Rows = npt.NDArray[np.intp]
_FEWEST = 4
_FEWEST_OF_A_KIND = 2


@dataclass(frozen=True)
class Patients:
    """Whom an encoder is trained on.

    Attributes
    ----------
    inputs : Tensor of float32, shape (n, channels, z, y, x)
        What the network is given.
    outcome : Outcome or None
        What became of them.
    seed : int
        Of all that is drawn.
    """

    inputs: torch.Tensor
    outcome: Outcome | None
    seed: int

    def split(self, share: float) -> tuple[Rows, Rows]:
        """Hold patients out, as many of those with the event as of the others.

        Parameters
        ----------
        share : float
            Of the patients; 0 holds nobody out.

        Returns
        -------
        taught, held_out : ndarray of int
            Rows, in order.
        """
        random = np.random.default_rng([self.seed, 0])
        held: list[int] = []
        groups = self._groups(np.arange(len(self.inputs)))
        for rows in groups if share > 0 else ():
            least = 1 if self.outcome else _FEWEST_OF_A_KIND
            held += random.permutation(rows)[: max(least, round(share * len(rows)))].tolist()
        out = np.zeros(len(self.inputs), dtype=bool)
        out[held] = True
        return np.flatnonzero(~out), np.flatnonzero(out)

    def batches(self, rows: Rows, size: int, epoch: int) -> list[torch.Tensor]:
        """Draw an epoch's batches, events spread over them evenly.

        Parameters
        ----------
        rows : ndarray of int
            Whom of.
        size : int
            About how many in a batch; none is left with a few.
        epoch : int
            From 1.

        Returns
        -------
        list of Tensor of int64
            Rows of each batch.
        """
        random = np.random.default_rng([self.seed, epoch])
        groups = [random.permutation(each) for each in self._groups(rows)]
        places = [(np.arange(len(each)) + random.random()) / len(each) for each in groups]
        order = np.concatenate(groups)[np.argsort(np.concatenate(places), kind="stable")]
        # Never fewer than asked for: of one patient alone nothing can be learnt.
        parts = np.array_split(order, max(1, len(rows) // size))
        return [torch.from_numpy(part) for part in parts]

    def fingerprint(self) -> str:
        """Tell these patients from others.

        Returns
        -------
        str
            SHA-256 of patches and outcome.
        """
        found = hashlib.sha256(self.inputs.numpy().tobytes())
        for each in (self.outcome.event, self.outcome.time) if self.outcome else ():
            found.update(b"-" if each is None else each.numpy().tobytes())
        return found.hexdigest()

    def _groups(self, rows: Rows) -> list[Rows]:
        if self.outcome is None:
            return [rows]
        event = self.outcome.event.numpy()[rows]
        return [group for group in (rows[event], rows[~event]) if len(group)]


def make_patients(
    inputs: npt.NDArray[np.float32], outcome: npt.NDArray[Any] | None, seed: int
) -> Patients:
    """Check and hold what an encoder is trained on.

    Parameters
    ----------
    inputs : ndarray of float32, shape (n, channels, z, y, x)
        What the network is given.
    outcome : structured ndarray with ``event`` and ``time``, or ndarray of bool, or None
        What became of them, where the method needs it.
    seed : int
        Of all that is drawn.

    Returns
    -------
    Patients
        With ranks for times.

    Raises
    ------
    ModelError
        They are too few, or too few had the event.
    """
    require_enough(len(inputs))
    held = None if outcome is None else _held(outcome)
    if held is not None:
        events = int(held.event.sum())
        _require("patients with the event", events, _FEWEST_OF_A_KIND)
        if held.time is None:
            _require("patients without the event", len(inputs) - events, _FEWEST_OF_A_KIND)
    return Patients(torch.from_numpy(np.array(inputs, dtype=np.float32)), held, seed)


def require_enough(patients: int) -> None:
    """Refuse to train an encoder on a handful.

    Parameters
    ----------
    patients : int
        How many there are.

    Raises
    ------
    ModelError
        They are too few.
    """
    _require("patients", patients, _FEWEST)


def _held(outcome: npt.NDArray[Any]) -> Outcome:
    if outcome.dtype.names is None:
        return Outcome(torch.from_numpy(np.array(outcome, dtype=bool)), None)
    _, times = np.unique(outcome["time"], return_inverse=True)
    # Who was censored at the time of an event was still at risk then.
    ranks = 2 * times + ~outcome["event"]
    return Outcome(torch.from_numpy(np.array(outcome["event"])), torch.from_numpy(ranks))


def _require(whom: str, found: int, needed: int) -> None:
    if found < needed:
        raise ModelError(
            "too few to train an encoder",
            found=f"{found} {whom}",
            expected=f"at least {needed}",
            remedy="take an encoder with published weights, which needs no training",
        )
