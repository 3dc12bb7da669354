"""Encoders on disk: no pickle, no byte that runs as code.

::

    ENCODER/
      model.safetensors  weights
      config.json        architecture, complete preprocessing, how it was trained, hashes of the
                         other files, a seal over all of it
      README.md          the same for people

"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from radpipe.errors import ModelError
from radpipe.networks.card import encoder_card
from radpipe.networks.spec import EncoderSpec, Layout, PatchSpec, Source, Standardised, Window
from radpipe.networks.weights import build, keys_hash, load_weights
from radpipe.store import Run
from radpipe.store.files import seal_of, sha256_of, whole_file, whole_folder, write_json
from radpipe.store.sealed import read_sealed, require_sha256
from radpipe.version import VERSION

SCHEMA_VERSION = 1
_CONFIG, _WEIGHTS, _CARD = "config.json", "model.safetensors", "README.md"
_INTENSITIES = {"window": Window, "standardised": Standardised}
_AGAIN = "copy the encoder again from its source, or train it again"


def save_encoder(
    folder: Path,
    spec: EncoderSpec,
    network: nn.Module,
    *,
    training: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write an encoder, whole or not at all.

    Parameters
    ----------
    folder : Path
        A new directory, or one that holds an earlier encoder, which is replaced.
    spec : EncoderSpec
        What it is.
    network : Module
        Of the spec's architecture.
    training : mapping, optional
        Settings of its training, as JSON can hold them; the card tells them.
    facts : mapping, optional
        What is known of its training, as JSON can hold it; the card tells numbers alone.

    Raises
    ------
    ModelError
        The network is not the spec's, or the directory holds something else.
    """
    _require_alike(spec, network)
    _require_replaceable(folder)
    earlier = folder.with_name(f"{folder.name}.earlier")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as part:
        _write(part, spec, network, training, facts)
        if folder.exists():
            # No system swaps two folders at once: what a crash leaves here is still whole.
            shutil.rmtree(earlier, ignore_errors=True)
            folder.rename(earlier)
    shutil.rmtree(earlier, ignore_errors=True)


def load_encoder(folder: Path) -> tuple[EncoderSpec, nn.Module, dict[str, Any]]:
    """Read what :func:`save_encoder` wrote.

    Parameters
    ----------
    folder : Path
        The directory.

    Returns
    -------
    spec : EncoderSpec
        What it is.
    network : Module
        Ready to embed: the same bytes as before.
    facts : dict
        All of ``config.json``.

    Raises
    ------
    ModelError
        It is no encoder, of another version of radpipe, incomplete, or was changed.
    """
    facts = _read_config(folder / _CONFIG)
    for name, wanted in facts["sha256"].items():
        problem = "a file of the encoder is missing or was changed"
        require_sha256(folder / name, wanted, problem, _AGAIN)
    spec = spec_from_dict(facts["encoder"])
    # The file holds the network's own names, whatever a publisher's looked like.
    own = replace(spec, layouts=(Layout(),), source=None)
    return spec, load_weights(build(spec), own, folder / _WEIGHTS), facts


def spec_to_dict(spec: EncoderSpec) -> dict[str, Any]:
    """Describe an encoder in what JSON can hold.

    Parameters
    ----------
    spec : EncoderSpec
        What it is.

    Returns
    -------
    dict
        All of it; tuples as lists, and the kind of intensities by name.
    """
    content = asdict(spec)
    content["patch"]["intensity"]["kind"] = type(spec.patch.intensity).__name__.lower()
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def spec_from_dict(content: Mapping[str, Any]) -> EncoderSpec:
    """Read what :func:`spec_to_dict` gave.

    Parameters
    ----------
    content : mapping
        The description.

    Returns
    -------
    EncoderSpec
        The same as before; lists become tuples.

    Raises
    ------
    ModelError
        It describes no encoder.
    """
    try:
        own = _with_tuples(content)
        intensity, source = own["patch"].pop("intensity"), own["source"]
        kind = _INTENSITIES[intensity.pop("kind")]
        own["patch"] = PatchSpec(intensity=kind(**intensity), **own["patch"])
        own["layouts"] = tuple(Layout(**each) for each in own["layouts"])
        own["source"] = None if source is None else Source(**source)
        return EncoderSpec(**own)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            "this describes no encoder",
            where=str(content.get("name", "encoder")),
            found=f"{type(error).__name__}: {error}",
            expected="all of an encoder's specification, and nothing else",
            remedy=_AGAIN,
        ) from error


def _with_tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(_with_tuples(each) for each in value) if isinstance(value, list) else value


def _require_alike(spec: EncoderSpec, network: nn.Module) -> None:
    found = keys_hash(network)
    if found != spec.keys:
        raise ModelError(
            "the network is not the one that the specification tells",
            where=spec.name,
            found=f"names and shapes of weights: {found}",
            expected=spec.keys,
            remedy="give the encoder alone, without a head, and its own specification",
        )


def _require_replaceable(folder: Path) -> None:
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.is_file() or there - {_CONFIG, _WEIGHTS, _CARD} or (there and _CONFIG not in there):
        raise ModelError(
            "an encoder would replace something else",
            where=str(folder),
            found=", ".join(sorted(there)[:6]) or "a file",
            expected="a new directory, or an earlier encoder's",
            remedy="name another directory",
        )


def _write(
    part: Path,
    spec: EncoderSpec,
    network: nn.Module,
    training: Mapping[str, Any] | None,
    facts: Mapping[str, Any] | None,
) -> None:
    weights = {key: each.detach().cpu().contiguous() for key, each in network.state_dict().items()}
    with whole_file(part / _WEIGHTS) as file:
        # Its save_file makes files that nobody else may read.
        file.write_bytes(save(weights))
    with whole_file(part / _CARD) as file:
        file.write_text(encoder_card(spec, training, facts), encoding="utf-8")
    content = {
        "schema": SCHEMA_VERSION,
        "encoder": spec_to_dict(spec),
        "training": training,
        "facts": facts,
        "sha256": {name: sha256_of(part / name) for name in (_WEIGHTS, _CARD)},
        "versions": {"radpipe": VERSION, "torch": version("torch"), "monai": version("monai")},
    }
    write_json(part / _CONFIG, {**content, "seal": seal_of(content)})


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        # Runs and models keep theirs deeper, a fusion's in a branch.
        name = Run(path.parent).encoder_path.name
        deeper = [*path.parent.glob(f"{name}/{_CONFIG}"), *path.parent.glob(f"*/{name}/{_CONFIG}")]
        raise ModelError(
            "no encoder in this directory",
            where=str(path.parent),
            found=f"no {path.name}" if path.parent.is_dir() else "no such directory",
            expected=f"{_CONFIG}, {_WEIGHTS} and {_CARD}, as radpipe writes them",
            remedy=f"name {deeper[0].parent}"
            if deeper
            else "mend the path, or train an encoder first",
        )
    return read_sealed(path, "encoder", SCHEMA_VERSION, _AGAIN)
