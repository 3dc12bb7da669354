"""What is known of an encoder, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radpipe.prognosis.models.table import CNN, DEFAULT
from radpipe.prognosis.report import words


def embedding_of(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """Look up what models were given of an encoder.

    Parameters
    ----------
    metrics : mapping
        ``metrics.json``.

    Returns
    -------
    dict or None
        ``source.embeddings``; None where no model that takes it was evaluated.
    """
    told: dict[str, Any] | None = metrics.get("source", {}).get("embeddings")
    return told if {CNN, DEFAULT} & {*metrics.get("models", {})} else None


def encoder_in_words(told: Mapping[str, Any]) -> str:
    """Name an encoder, and how it was fitted.

    Parameters
    ----------
    told : mapping
        ``source.embeddings`` of ``metrics.json``.

    Returns
    -------
    str
        Without a full stop.
    """
    training = told["training"]
    if training is None:
        sha256 = (told["provenance"]["settings"]["encoder"].get("weights_sha256") or "")[:12]
        weights = f": weights of SHA-256 {sha256}…" if sha256 else ""
        return f"{told['encoder']}, frozen{weights}"
    how = [training["method"], words.counted(training["epochs"], "epoch")]
    how += [f"augmentation {words.listed(training['augmentations']) or 'none'}"]
    how += [f"patience {training['patience']}"] if training["patience"] else []
    return f"{told['encoder']}, fitted anew in every training fold: {', '.join(how)}"


def learner_in_words(told: Mapping[str, Any]) -> str:
    """Say what learns from the embedding.

    Parameters
    ----------
    told : mapping
        ``source.embeddings`` of ``metrics.json``.

    Returns
    -------
    str
        Empty where it is not known.
    """
    if "components" not in told:
        return ""
    return f"{told['components']} principal components at most, {told['head']} head"


def patch_in_words(told: Mapping[str, Any]) -> str:
    """Say what the encoder is shown.

    Parameters
    ----------
    told : mapping
        ``source.embeddings`` of ``metrics.json``.

    Returns
    -------
    str
        Empty where it is not known.
    """
    patch = told["provenance"]["settings"].get("patch")
    if not patch:
        return ""
    size, spacing = (
        " × ".join(f"{number:g}" for number in patch[key]) for key in ("size", "spacing_mm")
    )
    intensity = patch["intensity"]
    scaled = "standardised"
    if "low" in intensity:
        scaled = f"{intensity['low']:g} to {intensity['high']:g} scaled to 0 to 1"
        scaled += "" if intensity["clip"] else ", not clipped"
    return f"{size} voxels of {spacing} mm (z, y, x) around the ROI's centroid, {scaled}"
