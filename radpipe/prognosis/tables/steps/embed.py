"""Fit an encoder to the training patients' patches, and embed."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.networks.encoders import ENCODERS
from radpipe.networks.spec import EncoderSpec, patch_from
from radpipe.prognosis.tables.steps.base import Step
from radpipe.store import Run, read_table
from radpipe.store.patches import PATCH_FILE, StoredPatch, read_patch

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
    patch : dict, optional
        Of :class:`radpipe.networks.spec.PatchSpec`, where it is not the encoder's usual one.

    Attributes
    ----------
    network_ : torch.nn.Module
        Fitted; whoever writes the model writes its weights.
    vectors_ : dict of str to ndarray of float32
        What it made of patches so far, by file.
    """

    network_: nn.Module
    vectors_: dict[str, NDArray[np.float32]]

    def __init__(
        self, encoder: str, training: dict[str, Any], patch: dict[str, Any] | None = None
    ) -> None:
        self.encoder = encoder
        self.training = training
        self.patch = patch

    @property
    def spec(self) -> EncoderSpec:
        """The encoder, with the patches that it is shown here."""
        spec = ENCODERS[self.encoder]
        return spec if self.patch is None else replace(spec, patch=patch_from(self.patch))

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

        # By these `radpipe embed` notices its training patients: hashes, and nobody's name.
        rows = [file.stem for file in self.files_]
        images = _images(self.files_[0].parents[1], rows)
        facts = {
            "patients": len(self.rows_),
            "rows": rows,
            "images": images,
            "patches": sorted(read_patch(file).sha256 for file in self.files_),
        }
        save_encoder(folder, self.spec, self.network_, training=self.training, facts=facts)

    def load(self, folder: Path) -> None:
        """Take the encoder back.

        Parameters
        ----------
        folder : Path
            Where :meth:`save` wrote it.
        """
        from radpipe.networks.saved import load_encoder

        self.network_ = load_encoder(folder)[1]
        self.vectors_ = {}

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        outcome = y if self.supervised else None
        self.files_ = [Path(file) for file in X[PATCH_FILE]]
        told = b"" if outcome is None else outcome.tobytes()
        key = (self.encoder, json.dumps(self.training, sort_keys=True), *X[PATCH_FILE], told)
        # The key decides every bit of the weights, and nobody changes them.
        if key not in _FITTED:
            _FITTED[key] = _fitted(self.spec, self.training, self._inputs(X), outcome)
        _FITTED.move_to_end(key)
        while len(_FITTED) > _MOST_KEPT:
            _FITTED.popitem(last=False)
        self.network_ = _FITTED[key]
        self.vectors_ = {}

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        from radpipe.networks.embedding import embed

        # A model is asked for the same patients several times in a fold.
        unseen = X[~X[PATCH_FILE].isin([*self.vectors_])]
        if len(unseen):
            found = embed(self.network_, self._inputs(unseen))
            self.vectors_ |= dict(zip(unseen[PATCH_FILE], found, strict=True))
        vectors = np.stack([self.vectors_[file] for file in X[PATCH_FILE]]).astype(np.float64)
        names = self.spec.columns
        embedded = pd.DataFrame(vectors, X.index, pd.Index(names))
        return pd.concat([X.drop(columns=PATCH_FILE), embedded], axis=1)

    def _inputs(self, X: pd.DataFrame) -> NDArray[np.float32]:
        from radpipe.networks.embedding import inputs_of

        spec = self.spec
        patches = [_patch(file) for file in X[PATCH_FILE]]
        return np.stack([inputs_of(each.intensities, each.roi, spec) for each in patches])


_FITTED: OrderedDict[tuple[Any, ...], nn.Module] = OrderedDict()


def _fitted(
    spec: EncoderSpec,
    training: dict[str, Any],
    inputs: NDArray[np.float32],
    outcome: NDArray[Any] | None,
) -> nn.Module:
    from radpipe.networks.training import Training, train_encoder

    settings = Training(**training)
    return train_encoder(spec, settings, inputs, outcome).network


def _images(folder: Path, rows: list[str]) -> list[str]:
    """Look up by what the images of patches are known again."""
    run = Run(folder)
    if not run.diagnostics_path.is_file():
        return []
    told = read_table(run.diagnostics_path)[0]
    return sorted({*told["image_sha256"][told["row_key"].isin(rows)]} - {""})


@lru_cache(maxsize=_MOST_PATCHES)
def _patch(file: str) -> StoredPatch:
    return read_patch(Path(file))
