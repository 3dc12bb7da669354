"""Checkpoints of a training: whole or absent, and good for no other training."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch

from radpipe.errors import ModelError
from radpipe.store.files import whole_file
from radpipe.store.rows import writing_to

_MADE_FOR = "made_for"
_DAMAGED = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    KeyError,
    TypeError,
    ValueError,
)


def save_checkpoint(path: Path, content: dict[str, Any], made_for: dict[str, Any]) -> None:
    """Keep how far a training is.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    content : dict
        Tensors, and what JSON holds.
    made_for : dict
        All that the training depends on, as JSON holds it.
    """
    with writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, durable=False) as part:
            torch.save({**content, _MADE_FOR: json.dumps(made_for)}, part)


def load_checkpoint(path: Path, made_for: dict[str, Any]) -> dict[str, Any]:
    """Read how far a training was.

    Parameters
    ----------
    path : Path
        What :func:`save_checkpoint` made.
    made_for : dict
        What the training depends on now.

    Returns
    -------
    dict
        The content.

    Raises
    ------
    ModelError
        The file is damaged, or of another training.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        before = json.loads(content.pop(_MADE_FOR))
    except _DAMAGED as error:
        raise ModelError(
            "the checkpoint of a training cannot be read",
            where=str(path),
            found=(str(error).splitlines() or [type(error).__name__])[0],
            expected="what the training kept",
            remedy="remove it, and the training starts again",
        ) from error
    other = sorted(name for name in made_for if before.get(name) != made_for[name])
    if other:
        raise ModelError(
            "the checkpoint is of another training",
            where=str(path),
            found="another " + ", ".join(other),
            expected="the same settings, encoder and patients",
            remedy="remove it, or name another file",
        )
    return dict(content)
