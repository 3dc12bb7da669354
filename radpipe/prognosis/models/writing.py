"""One fitted model on disk, which may be a part of another: a model, a baseline, a branch."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.parts import Columns, Embedding, Reduction
from radpipe.prognosis.models.table import model_class, name_of

# Parameters that JSON holds as dictionaries.
_PARTS = {"columns": Columns, "reduction": Reduction, "embedding": Embedding}


def written(model: Model, folder: Path, home: str) -> dict[str, Any]:
    """Write a fitted model.

    Parameters
    ----------
    model : Model
        Fitted.
    folder : Path
        A directory that is there.
    home : str
        Folder in it for the model's own files, made if absent; empty: the directory itself.

    Returns
    -------
    dict
        What JSON can hold: ``model``, ``home``, ``columns``, ``parameters``, ``state``, and
        ``files`` with their place in the directory.
    """
    (folder / home).mkdir(exist_ok=True)
    state = model.write(folder / home)
    return {
        "model": name_of(model),
        "home": home,
        "columns": model.feature_names_in_.tolist(),
        "parameters": {
            name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
            for name, value in model.get_params().items()
        },
        "files": [(Path(home) / file).as_posix() for file in state.pop("files")],
        "state": state,
    }


def restored(folder: Path, facts: dict[str, Any]) -> Model:
    """Take back what :func:`written` wrote.

    Parameters
    ----------
    folder : Path
        The directory.
    facts : dict
        What it returned.

    Returns
    -------
    Model
        Fitted.
    """
    parameters = {
        name: _PARTS[name](**value) if name in _PARTS and value is not None else value
        for name, value in facts["parameters"].items()
    }
    model = model_class(facts["model"])(**parameters)
    model.learn_columns(facts["columns"])
    return model.restore(folder / facts["home"], facts["state"])
