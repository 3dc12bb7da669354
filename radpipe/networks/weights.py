"""Weights from files: all of them, of the right shape, or none."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from radpipe.errors import ModelError
from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.formats import EXPECTED, SAFETENSORS, format_of
from radpipe.networks.spec import EncoderSpec, Layout

_SHOWN = 6
# How torch tells of what it does not read; the rest of its words advises to read it all the same.
_CODE = re.compile(r"GLOBAL ([\w.]+)|TorchScript")
Weights = dict[str, torch.Tensor]


def keys_hash(network: nn.Module) -> str:
    """Hash the names and shapes of a network's weights.

    Parameters
    ----------
    network : Module
        Any.

    Returns
    -------
    str
        SHA-256 of the sorted names and shapes.
    """
    return _hashed(network.state_dict())


def _hashed(weights: Weights) -> str:
    shapes = sorted((name, list(each.shape)) for name, each in weights.items())
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()


def build(spec: EncoderSpec) -> nn.Module:
    """Build an encoder's network.

    Parameters
    ----------
    spec : EncoderSpec
        Names the architecture and its arguments.

    Returns
    -------
    Module
        Random weights, ready to embed.

    Raises
    ------
    ModelError
        The architecture is unknown, or takes other arguments.
    """
    try:
        return ARCHITECTURES[spec.architecture](**spec.arguments).eval()
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            "this radpipe cannot build the encoder's network",
            where=spec.name,
            found=f"{spec.architecture}, {spec.arguments}",
            expected=f"one of {', '.join(ARCHITECTURES)}, and arguments that it takes",
            remedy="update radpipe, or use the one that wrote the encoder",
        ) from error


def load_weights(network: nn.Module, spec: EncoderSpec, path: Path) -> nn.Module:
    """Give a network the weights of a published file.

    Parameters
    ----------
    network : Module
        Of the encoder's architecture.
    spec : EncoderSpec
        How the file holds them.
    path : Path
        The file: safetensors, or torch's own format with nothing but weights in it.

    Returns
    -------
    Module
        The same, ready to embed.

    Raises
    ------
    ModelError
        The file cannot be read, holds more than weights, not exactly those of the encoder, or
        NaN or infinity among them.
    """
    content = _read(path)
    wanted = network.state_dict()
    found = [_taken(content, layout) for layout in spec.layouts]
    # The layout that leaves least to complain of is the one that was meant.
    weights, others = min(found, key=lambda one: len(_differences(one[0], wanted, one[1])))
    differences = _differences(weights, wanted, others)
    if differences:
        places = " or ".join(_place(layout) for layout in spec.layouts)
        listed = _listed(differences) if weights else _keys(content)
        raise ModelError(
            f"these are not the weights of {spec.name}",
            where=str(path),
            found=_fit(content, spec.name, _hashed(wanted)) or listed,
            expected=f"{len(wanted)} weights {places}, and no others",
            remedy=_remedy(spec),
        )
    _require_finite(weights, path)
    network.load_state_dict(weights, strict=True)
    return network.eval().requires_grad_(False)


def _read(path: Path) -> Mapping[str, Any]:
    kind = format_of(path)
    try:
        if kind == SAFETENSORS:
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):
            content = torch.load(path, map_location="cpu", weights_only=True)
    # Of damaged bytes the unpickler makes any error: KeyError, IndexError, struct.error …
    except MemoryError:
        raise
    except Exception as error:
        raise _refused(path, kind, error) from error
    if not isinstance(content, Mapping):
        raise ModelError(
            "the file holds no weights by name",
            where=str(path),
            found=type(content).__name__,
            expected="a state dict",
            remedy="take the file that its publisher names",
        )
    return content


def _refused(path: Path, kind: str, error: Exception) -> ModelError:
    code = _CODE.search(str(error))
    if code:
        return ModelError(
            "the file holds more than weights, and reading it would run its code",
            where=str(path),
            found=code[1] or "a TorchScript program",
            expected="tensors by name: a state dict, or safetensors",
            remedy="save its state dict, in a place where you trust the file",
        )
    return ModelError(
        "the file cannot be read as weights",
        where=str(path),
        found=f"what begins as one of {kind} and is cut off or damaged ({type(error).__name__})",
        expected=EXPECTED,
        remedy="fetch it again",
    )


def _taken(content: Mapping[str, Any], layout: Layout) -> tuple[Weights, list[str]]:
    """Take the encoder's weights out of a file, and name what belongs to nothing."""
    inner = content if layout.container is None else content.get(layout.container)
    weights: Weights = {}
    others: list[str] = []
    for key, value in inner.items() if isinstance(inner, Mapping) else ():
        name = str(key)
        if name.startswith(layout.heads):
            continue
        if name.startswith(layout.prefix) and isinstance(value, torch.Tensor):
            weights[name.removeprefix(layout.prefix)] = value
        else:
            others.append(name)
    return weights, others


def _differences(weights: Weights, wanted: Weights, others: list[str]) -> list[str]:
    missing = [f"{name} is missing" for name in wanted if name not in weights]
    extra = [f"{name} is not of this encoder" for name in [*weights, *others] if name not in wanted]
    shapes = [
        f"{name} is {tuple(weights[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in weights and weights[name].shape != wanted[name].shape
    ]
    return [*missing, *shapes, *extra]


def _fit(content: Mapping[str, Any], asked: str, keys: str) -> str:
    """Tell whether the file holds just the weights of an encoder, wherever they lie in it."""
    known = {each.keys: each.name for each in ENCODERS.values()} | {keys: asked}
    for layout in _conceivable(content):
        weights, others = _taken(content, layout)
        name = known.get(_hashed(weights))
        if name is not None and not others:
            lie = f"all {len(weights)} lie {_place(layout)}; {_keys(content)}"
            return lie if name == asked else f"the file fits {name}"
    return ""


def _conceivable(content: Mapping[str, Any]) -> Iterator[Layout]:
    known = [layout for each in ENCODERS.values() for layout in each.layouts]
    containers = [None, *(name for name, value in content.items() if isinstance(value, Mapping))]
    heads = tuple(head for layout in known for head in layout.heads)
    for container, prefix in product(containers, dict.fromkeys(each.prefix for each in known)):
        yield Layout(container, prefix, heads)


def _place(layout: Layout) -> str:
    container = f"in the container `{layout.container}`" if layout.container else "at the top"
    return f"{container}, with{f' the prefix `{layout.prefix}`' if layout.prefix else 'out prefix'}"


def _require_finite(weights: Weights, path: Path) -> None:
    broken = [
        f"{name} holds {'NaN' if each.isnan().any() else 'infinity'}"
        for name, each in weights.items()
        if not each.isfinite().all()
    ]
    if broken:
        raise ModelError(
            "the weights are damaged",
            where=str(path),
            found=_listed(broken),
            expected="finite numbers",
            remedy="fetch the file again, or take another: no embedding can come of it",
        )


def _keys(content: Mapping[str, Any]) -> str:
    return f"top-level keys {_listed(content)}"


def _listed(told: Iterable[object]) -> str:
    words = [str(each) for each in told]
    more = f"; and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return "; ".join(words[:_SHOWN]) + more


def _remedy(spec: EncoderSpec) -> str:
    if spec.source is None:
        return "none are published: take what radpipe saved, with the radpipe that wrote it"
    return f"take the file that its publisher names: {spec.source.repository}, {spec.source.file}"
