"""The part of a model that looks at images: its encoder, and what follows from an embedding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import ModelError, SettingsError
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.spec import EncoderSpec
from radpipe.prognosis.evaluation.similar import encoder_of
from radpipe.prognosis.models.cnn import CnnModel
from radpipe.prognosis.models.fusion import FusionModel
from radpipe.prognosis.models.parts import LINEAR, Columns, Embedding
from radpipe.prognosis.models.storage import SavedModel
from radpipe.prognosis.models.table import EMBEDDINGS
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.steps import Embed
from radpipe.store.patches import PATCH_FILE, StoredPatch
from radpipe.store.sealed import require_sha256

if TYPE_CHECKING:
    from torch import nn

Inputs = NDArray[np.float32]
# Of the largest number in an embedding: a GPU's differ by far less, those of other weights by more.
_SAME = 1e-2
_FEW = 256


@dataclass(frozen=True)
class Sight:
    """The part of a model that looks at images.

    Attributes
    ----------
    model : CnnModel
        What learnt from embeddings: the model itself, or a branch of a fusion.
    share : float
        By how much the whole model's risk moves with that part's standardised score.
    spec : EncoderSpec
        The encoder.
    network : Module
        With the weights that the model was made with.
    threads : int
        Patches at a time.
    """

    model: CnnModel
    share: float
    spec: EncoderSpec
    network: nn.Module
    threads: int = 1

    def inputs(self, patch: StoredPatch) -> Inputs:
        """Stack what the network is given.

        Parameters
        ----------
        patch : StoredPatch
            As `radpipe embed` kept it.

        Returns
        -------
        ndarray of float32, shape (channels, z, y, x)
            In the order of the encoder's channels.
        """
        from radpipe.networks.embedding import inputs_of

        return inputs_of(patch.intensities, patch.roi, self.spec)

    def risks(self, network: nn.Module, inputs: Iterable[Inputs], row: pd.DataFrame) -> Floats:
        """Tell the risk of what a network sees.

        Parameters
        ----------
        network : Module
            The model's own, or one to hold against it.
        inputs : iterable of ndarray of float32, shape (channels, z, y, x)
            Patches.
        row : DataFrame, shape (1, p)
            The patient's row, for all that no image shows.

        Returns
        -------
        ndarray of float64, shape (m,)
            Log-hazards or log-odds, up to a constant.
        """
        return self.risks_of(self.embedded(network, inputs), row)

    def risks_of(self, vectors: Floats, row: pd.DataFrame) -> Floats:
        """Tell the risk of embeddings.

        Parameters
        ----------
        vectors : ndarray of float64, shape (m, dimension)
            Embeddings.
        row : DataFrame, shape (1, p)
            As of :meth:`risks`.

        Returns
        -------
        ndarray of float64, shape (m,)
            As of :meth:`risks`.
        """
        embedded = pd.DataFrame(vectors, columns=self.spec.columns)
        rest = {name: row[name].iloc[0] for name in row if name in self._further()}
        return self.share * self.model.standardised_of(embedded.assign(**rest))

    def embedded(self, network: nn.Module, inputs: Iterable[Inputs]) -> Floats:
        """Embed patches.

        Parameters
        ----------
        network : Module
            The model's own, or one to hold against it.
        inputs : iterable of ndarray of float32, shape (channels, z, y, x)
            Patches.

        Returns
        -------
        ndarray of float64, shape (m, dimension)
            Embeddings.
        """
        from radpipe.networks.embedding import embed

        return np.stack([*embed(network, inputs, threads=self.threads)]).astype(np.float64)

    def weights(self, row: pd.DataFrame) -> Floats:
        """Tell what a unit of each dimension of the embedding adds to the risk.

        Parameters
        ----------
        row : DataFrame, shape (1, p)
            As of :meth:`risks`.

        Returns
        -------
        ndarray of float64, shape (dimension,)
            Exact, since all between the embedding and the risk is linear.

        Raises
        ------
        SettingsError
            It is not.
        """
        if (self.model.embedding or Embedding()).head != LINEAR:
            raise SettingsError(
                "Grad-CAM follows a gradient, and boosted trees have none",
                where="--method gradcam",
                found="a head of xgboost",
                expected="a linear head",
                remedy="take --method occlusion, which asks the model as it is",
            )
        units = np.eye(self.spec.dimension)
        parts = (units[first : first + _FEW] for first in range(0, len(units), _FEW))
        found = np.concatenate([self.risks_of(part, row) for part in parts])
        return found - self.risks_of(np.zeros_like(units[:1]), row)

    def require_same(self, row: pd.DataFrame, inputs: Inputs) -> None:
        """Refuse an encoder that does not give the embedding in the table.

        Parameters
        ----------
        row : DataFrame, shape (1, p)
            The patient's row.
        inputs : ndarray of float32, shape (channels, z, y, x)
            The patch.

        Raises
        ------
        ModelError
            The embedding is another.
        """
        if PATCH_FILE in row:
            return
        told = row[self.spec.columns].to_numpy(np.float64)
        off = np.abs(self.embedded(self.network, [inputs]) - told).max()
        if not off <= _SAME * np.abs(told).max():
            raise ModelError(
                "the encoder does not give the embedding that stands in the table",
                where=f"case {row.index[0]}",
                found=f"numbers that differ by up to {off:.3g}",
                expected="the same embedding of the same patch",
                remedy="name with --weights what the table was embedded with",
            )

    def _further(self) -> set[str]:
        named = {str(name) for name in self.model.feature_names_in_}
        return named - {PATCH_FILE, *self.spec.columns}


def find_sight(saved: SavedModel, weights: str | Path | None, threads: int = 1) -> Sight:
    """Find what looks at images in a model.

    Parameters
    ----------
    saved : SavedModel
        The model.
    weights : str, Path or None
        Of an encoder that the model did not fit itself.
    threads : int
        Patches at a time.

    Returns
    -------
    Sight
        With its network.

    Raises
    ------
    ModelError
        The model looks at no image, gives its embedding no weight, or was made with other weights.
    SettingsError
        Weights are missing, or given to a model that brings its own.
    """
    model = _part(saved)
    share = _share(saved, model)
    own = model.steps_.find(Embed)
    if own is None:
        return Sight(model, share, *_frozen(saved, model, weights), threads)
    if weights is not None:
        raise SettingsError(
            "the model brings its own encoder",
            where="--weights",
            found=weights,
            expected="none: it was fitted with the model",
            remedy="leave --weights out",
        )
    return Sight(model, share, ENCODERS[own.encoder], own.network_, threads)


def _part(saved: SavedModel) -> CnnModel:
    model = encoder_of(saved.model)
    if model is not None:
        return model
    raise ModelError(
        "the model looks at no image",
        where=saved.path,
        found=saved.name,
        expected="cnn, or a fusion with embeddings",
        remedy="embed the cohort with `radpipe embed`, and train --model cnn",
    )


def _share(saved: SavedModel, model: CnnModel) -> float:
    whole = saved.model
    weight = 1.0
    if isinstance(whole, FusionModel):
        weight = float(whole.weights_[EMBEDDINGS]) / whole.scale_
    if weight == 0 or not model.used():
        raise ModelError(
            "the embedding does not move this model's risk",
            where=saved.path,
            found="a fusion that gives its embedding no weight"
            if weight == 0
            else "a head without a coefficient",
            expected="a model whose risk depends on its embedding",
            remedy="train --model cnn, to see what the embedding alone would look at",
        )
    return weight * whole.calibration_.slope


def _frozen(
    saved: SavedModel, model: CnnModel, weights: str | Path | None
) -> tuple[EncoderSpec, nn.Module]:
    encoder = (model.columns or Columns()).encoder or ""
    if encoder not in ENCODERS or not {*ENCODERS[encoder].columns} <= {*model.feature_names_in_}:
        raise ModelError(
            "the model's columns are not one embedding a patient",
            where=saved.path,
            found=f"{len(model.feature_names_in_)} columns of {encoder or 'an unknown encoder'}",
            expected=f"all of one of {', '.join(ENCODERS)}",
            remedy="train on a run of `radpipe embed`, with one case a patient",
        )
    if weights is None:
        raise SettingsError(
            "the encoder's weights are needed: a model holds none that it did not fit",
            where="--weights",
            found="none",
            expected=f"those of {encoder}, as `radpipe embed` was given them",
            remedy="name the file or directory with --weights",
        )
    return _loaded(ENCODERS[encoder], Path(weights), _recorded(saved))


def _loaded(spec: EncoderSpec, path: Path, wanted: str | None) -> tuple[EncoderSpec, nn.Module]:
    from radpipe.networks.saved import load_encoder
    from radpipe.networks.weights import build, load_weights

    if path.is_dir():
        spec, network, _ = load_encoder(path)
        path = path / "model.safetensors"
    else:
        network = load_weights(build(spec), spec, path)
    if wanted is not None:
        problem = "these are not the weights that the model was made with"
        remedy = "name with --weights what `radpipe embed` was given"
        require_sha256(path, wanted, problem, remedy)
    return spec, network


def _recorded(saved: SavedModel) -> str | None:
    facts: Any = saved.facts["source"].get("embeddings") or {}
    for name in ("provenance", "settings", "encoder"):
        facts = facts.get(name) or {}
    return facts.get("weights_sha256") or None
