"""Fit an encoder to the training patients' patches, and embed."""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.networks.encoders import ENCODERS
from radpipe.prognosis.tables.embeddings import PATCH
from radpipe.prognosis.tables.steps.base import Step
from radpipe.store.patches import StoredPatch, read_patch

if TYPE_CHECKING:
    from torch import nn

# A model alone and as a branch of the fusion fits the same encoders in a fold: one for all
# training patients, and one in each inner fold.
_MOST_KEPT = 12
_MOST_PATCHES = 512


class Embed(Step):
    """An encoder, fitted to patches of training patients alone.

    Parameters
    ----------
    encoder : str
        A key of :data:`radpipe.networks.encoders.ENCODERS`.
    training : dict
        Of :class:`radpipe.networks.training.Training`.

    Attributes
    ----------
    network_ : torch.nn.Module
        Fitted; whoever writes the model writes its weights.
    """

    network_: nn.Module

    def __init__(self, encoder: str, training: dict[str, Any]) -> None:
        self.encoder = encoder
        self.training = training

    @property
    def supervised(self) -> bool:
        """Whether it learns from outcomes."""
        from radpipe.networks.methods import METHODS

        return METHODS[self.training["method"]].supervised

    def save(self, folder: Path) -> None:
        """Write the encoder.

        Parameters
        ----------
        folder : Path
            To be made.
        """
        from radpipe.networks.saved import save_encoder

        facts = {"patients": len(self.rows_), "fitted_on": "the training patients of a model"}
        spec = ENCODERS[self.encoder]
        save_encoder(folder, spec, self.network_, training=self.training, facts=facts)

    def load(self, folder: Path) -> None:
        """Take the encoder back.

        Parameters
        ----------
        folder : Path
            Where :meth:`save` wrote it.
        """
        from radpipe.networks.saved import load_encoder

        self.network_ = load_encoder(folder)[1]

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        outcome = y if self.supervised else None
        told = b"" if outcome is None else outcome.tobytes()
        key = (self.encoder, json.dumps(self.training, sort_keys=True), *X[PATCH], told)
        # The key decides every bit of the weights, and nobody changes them.
        if key not in _FITTED:
            _FITTED[key] = _fitted(self.encoder, self.training, self._inputs(X), outcome)
        _FITTED.move_to_end(key)
        while len(_FITTED) > _MOST_KEPT:
            _FITTED.popitem(last=False)
        self.network_ = _FITTED[key]

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        from radpipe.networks.embedding import embed

        vectors = np.stack([*embed(self.network_, self._inputs(X))]).astype(np.float64)
        names = embedded_columns(self.encoder)
        embedded = pd.DataFrame(vectors, X.index, pd.Index(names))
        return pd.concat([X.drop(columns=PATCH), embedded], axis=1)

    def _inputs(self, X: pd.DataFrame) -> NDArray[np.float32]:
        from radpipe.networks.embedding import inputs_of

        spec = ENCODERS[self.encoder]
        patches = [_patch(file) for file in X[PATCH]]
        return np.stack([inputs_of(each.intensities, each.roi, spec) for each in patches])


def embedded_columns(encoder: str) -> list[str]:
    """Name the columns that an encoder gives.

    Parameters
    ----------
    encoder : str
        A key of :data:`radpipe.networks.encoders.ENCODERS`.

    Returns
    -------
    list of str
        One a dimension.

    Examples
    --------
    >>> embedded_columns("fmcib")[-1]
    'fmcib_4095'
    """
    return [f"{encoder}_{place:04}" for place in range(ENCODERS[encoder].dimension)]


_FITTED: OrderedDict[tuple[Any, ...], nn.Module] = OrderedDict()


def _fitted(
    encoder: str,
    training: dict[str, Any],
    inputs: NDArray[np.float32],
    outcome: NDArray[Any] | None,
) -> nn.Module:
    from radpipe.networks.training import Training, train_encoder

    settings = Training(**training)
    return train_encoder(ENCODERS[encoder], settings, inputs, outcome).network


@lru_cache(maxsize=_MOST_PATCHES)
def _patch(file: str) -> StoredPatch:
    return read_patch(Path(file))
