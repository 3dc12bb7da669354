"""Weights from files: all of them, of the right shape, or none."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from radpipe.errors import ModelError
from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.spec import EncoderSpec, Layout

_SHOWN = 6
_SAFETENSORS = ".safetensors"
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
    shapes = sorted((name, list(each.shape)) for name, each in network.state_dict().items())
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
        The file cannot be read, holds more than weights, or not exactly those of the encoder.
    """
    content = _read(path)
    wanted = network.state_dict()
    found = [_taken(content, layout) for layout in spec.layouts]
    # The layout that leaves least to complain of is the one that was meant.
    weights, others = min(found, key=lambda one: len(_differences(one[0], wanted, one[1])))
    differences = _differences(weights, wanted, others)
    if differences:
        raise ModelError(
            f"these are not the weights of {spec.name}",
            where=str(path),
            found=_listed(differences),
            expected=f"{len(wanted)} weights, and no others",
            remedy=_remedy(spec),
        )
    network.load_state_dict(weights, strict=True)
    return network.eval().requires_grad_(False)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.suffix == _SAFETENSORS:
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(
            "no such file", where=str(path), remedy="name it with --weights"
        ) from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            "the file holds more than weights, and reading it would run its code",
            where=str(path),
            found=str(error).splitlines()[0],
            expected="tensors by name: a state dict, or safetensors",
            remedy="save its state dict, in a place where you trust the file",
        ) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise ModelError(
            "the file cannot be read as weights",
            where=str(path),
            found=(str(error).splitlines() or [type(error).__name__])[0],
            expected="a whole file of torch's or of safetensors",
            remedy="fetch it again: it may be truncated",
        ) from error
    if not isinstance(content, Mapping):
        raise ModelError(
            "the file holds no weights by name",
            where=str(path),
            found=type(content).__name__,
            expected="a state dict",
            remedy="take the file that its publisher names",
        )
    return content


def _taken(content: Mapping[str, Any], layout: Layout) -> tuple[Weights, list[str]]:
    """Take the encoder's weights out of a file, and name what belongs to nothing."""
    inner = content if layout.container is None else content.get(layout.container, {})
    weights: Weights = {}
    others: list[str] = []
    for name, value in inner.items():
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


def _listed(differences: list[str]) -> str:
    more = len(differences) - _SHOWN
    told = "; ".join(differences[:_SHOWN])
    return f"{told}; and {more} more" if more > 0 else told


def _remedy(spec: EncoderSpec) -> str:
    if spec.source is None:
        return "none are published: take what radpipe saved, with the radpipe that wrote it"
    return f"take the file that its publisher names: {spec.source.repository}, {spec.source.file}"
