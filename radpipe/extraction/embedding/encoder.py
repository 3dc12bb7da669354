"""The encoder that is asked for, with its weights: before any image is read."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.cohort import Case
from radpipe.errors import CohortError, ModelError
from radpipe.extraction.batch.recipe import PatchRecipe
from radpipe.extraction.embedding.order import Order
from radpipe.networks.spec import EncoderSpec, PatchSpec, Window
from radpipe.store import Provenance
from radpipe.store.files import sha256_of
from radpipe.store.sealed import require_sha256

if TYPE_CHECKING:
    from torch import nn

    from radpipe.networks.training import Training

log = logging.getLogger("radpipe")
# Goes up with every change after which an embedding of the same patch may differ.
EMBEDDINGS_VERSION = "3"
COHORT = "cohort"
_SHOWN = 10


@dataclass(frozen=True)
class Encoder:
    """An encoder that is ready to embed, or to be fitted.

    Attributes
    ----------
    spec : EncoderSpec
        What it is.
    network : Module or None
        With its weights; None until it is fitted.
    sha256 : str
        Of the file of weights; empty until it is fitted.
    training : dict or None
        How it is fitted, or was by radpipe; None where a publisher did it.
    fitted_on : frozenset of str
        Row keys of the patches that it was fitted on, and hashes of their images.
    """

    spec: EncoderSpec
    network: nn.Module | None = None
    sha256: str = ""
    training: dict[str, Any] | None = None
    fitted_on: frozenset[str] = frozenset()

    @property
    def columns(self) -> list[str]:
        """Names of an embedding's numbers."""
        return self.spec.columns

    def provenance(self, crop: str | None, forced: bool, fitted: bool) -> Provenance:
        """Tell what decides the embeddings of a cohort.

        Parameters
        ----------
        crop : str or None
            Whose published cropping is followed.
        forced : bool
            Whether images of another modality were taken.
        fitted : bool
            Whether the encoder was fitted on any of the cases.

        Returns
        -------
        Provenance
            Of the table.
        """
        spec = self.spec
        cut = PatchRecipe(spec=spec.patch, crop=crop).provenance
        told = {
            "encoder": {
                "architecture": spec.architecture,
                "keys": spec.keys,
                "weights_sha256": self.sha256,
                "source": None if spec.source is None else asdict(spec.source),
                "licence": spec.licence,
                "reference": spec.reference,
            },
            "patch": cut.settings["patch"],
            "patches_version": cut.values_version,
            "checks": cut.settings["setting"],
            "compat": crop is not None,
            "forced": forced,
            "training": self.training if fitted else None,
            "fitted_on": COHORT if fitted else None,
        }
        # As it will be read from the file: tuples as lists.
        return Provenance(spec.name, EMBEDDINGS_VERSION, json.loads(json.dumps(told)))


def chosen(order: Order) -> Encoder:
    """Find the encoder that is asked for, and load its weights.

    Parameters
    ----------
    order : Order
        What is asked for.

    Returns
    -------
    Encoder
        Without a network where it is to be fitted to the cohort.

    Raises
    ------
    SettingsError
        There is no such encoder, an option does not go with it, or torch is not installed.
    ModelError
        The file does not hold exactly the encoder's weights.
    """
    known = order.check()
    from radpipe.networks import require_torch

    require_torch()
    from radpipe.networks.embedding import device_named

    device_named(order.device)
    spec = replace(known, patch=_patch(known.patch, order))
    if order.weights is None:
        return Encoder(spec, training=asdict(_training(order)))
    if order.folder is not None:
        return _saved(order.folder, spec.name, order.sha256)
    from radpipe.networks.weights import build, load_weights

    path = _file(spec, order)
    return Encoder(spec, load_weights(build(spec), spec, path), sha256_of(path))


def _patch(patch: PatchSpec, order: Order) -> PatchSpec:
    if order.spacing_mm is not None:
        patch = replace(patch, spacing_mm=order.spacing_mm)
    if order.window is not None:
        low, high = order.window
        patch = replace(patch, intensity=Window(low, high), pad=low)
    return patch


def _training(order: Order) -> Training:
    from radpipe.networks.training import Training

    return Training(**order.fit_settings()).resolved()


def _saved(folder: Path, name: str, wanted: str | None) -> Encoder:
    from radpipe.networks.saved import load_encoder

    spec, network, facts = load_encoder(folder)
    if spec.name != name:
        raise ModelError(
            "the directory holds another encoder",
            where=str(folder),
            found=spec.name,
            expected=name,
            remedy=f"ask for --encoder {spec.name}, or name another directory",
        )
    told = facts.get("facts") or {}
    signs = ("rows", "images", "patches")
    fitted_on = frozenset(sign for name in signs for sign in told.get(name, ()))
    sha256 = facts["sha256"]["model.safetensors"]
    _require_asked_for(folder / "model.safetensors", wanted)
    return Encoder(spec, network, sha256, facts["training"], fitted_on)


def _file(spec: EncoderSpec, order: Order) -> Path:
    if order.file is None:
        from radpipe.networks.hub import fetch

        return fetch(spec, order.revision, order.sha256)
    _require_asked_for(order.file, order.sha256)
    return order.file


def _require_asked_for(path: Path, wanted: str | None) -> None:
    if wanted is not None:
        problem = "the file is not the one that was asked for"
        require_sha256(path, wanted, problem, "fetch it again, or mend --sha256")


def require_modality(cases: Sequence[Case], spec: EncoderSpec, force: bool) -> bool:
    """Refuse images of a modality that the encoder was not made for.

    Parameters
    ----------
    cases : sequence of Case
        The cohort.
    spec : EncoderSpec
        The encoder.
    force : bool
        Take them all the same.

    Returns
    -------
    bool
        Whether there are such images.

    Raises
    ------
    CohortError
        There are, and nobody asked for them to be taken.
    """
    if not spec.modality:
        return False
    told = [(case, case.modality.strip().upper()) for case in cases]
    others = [
        f"{case.case_id} ({case.modality})" for case, of in told if of and of not in spec.modality
    ]
    if others and not force:
        raise CohortError(
            f"{spec.name} was made for {' and '.join(spec.modality)}",
            where="modality",
            found=named(others),
            expected=f"images whose modality is {' or '.join(spec.modality)}",
            remedy="take another encoder, leave these cases out, or insist with --force",
        )
    silent = [case.case_id for case, of in told if not of]
    if silent:
        log.warning(
            "%s was made for %s, and the manifest does not tell the modality of %d case(s): %s",
            spec.name, " and ".join(spec.modality), len(silent), named(silent),
        )  # fmt: skip
    return bool(others)


def named(names: Sequence[str]) -> str:
    """List names, the first of many.

    Parameters
    ----------
    names : sequence of str
        Of cases.

    Returns
    -------
    str
        One line.
    """
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
