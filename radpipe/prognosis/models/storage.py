"""A model on disk: a directory of JSON and xgboost's own format, never pickle.

::

    MODEL/
      model.json      inputs, parameters, baseline, training cohort, provenance, hashes, versions
      model.ubj       the trees, where the model has some
      MODEL_CARD.md   the same for people
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radpipe.errors import ModelError
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.card import model_card
from radpipe.prognosis.models.table import MODELS, model_class, name_of
from radpipe.store.files import empty_directory, read_json, sha256_of, whole_file, write_json

SCHEMA_VERSION = 1
_JSON, _CARD = "model.json", "MODEL_CARD.md"


@dataclass(frozen=True)
class SavedModel:
    """A fitted model and what is known about it.

    Attributes
    ----------
    model : Model
        The estimator.
    facts : dict
        All of ``model.json``: ``endpoint``, ``training``, ``horizons``, ``source`` ...
    path : str
        Where it lies.
    """

    model: Model
    facts: dict[str, Any]
    path: str


def save(model: Model, path: str | Path, facts: dict[str, Any]) -> None:
    """Write a fitted model.

    Parameters
    ----------
    model : Model
        Fitted.
    path : str or Path
        A new or empty directory.
    facts : dict
        What JSON can hold about endpoint, training cohort, source, horizons and versions.

    Raises
    ------
    RunError
        The directory is not empty, or cannot be made.
    """
    folder = empty_directory(path)
    state = model.write(folder)
    content = {
        "schema": SCHEMA_VERSION,
        "model": name_of(model),
        "columns": model.feature_names_in_.tolist(),
        "parameters": model.get_params(),
        "state": state,
        "sha256": {name: sha256_of(folder / name) for name in state["files"]},
        **facts,
    }
    with whole_file(folder / _CARD) as part:
        part.write_text(model_card(content), encoding="utf-8")
    # Last: a directory without it is no model.
    write_json(folder / _JSON, content)


def load(path: str | Path) -> SavedModel:
    """Read what :func:`save` wrote.

    Parameters
    ----------
    path : str or Path
        The directory.

    Returns
    -------
    SavedModel
        The estimator, ready to predict.

    Raises
    ------
    ModelError
        It is no model, of a newer radpipe, incomplete, or a file was changed.
    """
    folder = Path(path)
    facts = _read_facts(folder)
    for name, wanted in facts["sha256"].items():
        _check_file(folder / name, wanted)
    model = model_class(facts["model"])(**facts["parameters"])
    model.learn_columns(facts["columns"])
    return SavedModel(model.restore(folder, facts["state"]), facts, str(path))


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / _JSON
    if not path.is_file():
        raise ModelError(
            "no model in this directory",
            where=str(folder),
            found=f"no {_JSON}" if folder.is_dir() else "no such directory",
            expected="a directory that `radpipe train --out` made",
            remedy="mend the path, or train a model first",
        )
    try:
        facts: dict[str, Any] = read_json(path)
        schema, name = facts["schema"], facts["model"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            "not a model's description",
            where=str(path),
            found=error,
            expected="what `radpipe train` wrote",
            remedy="copy the model again from its source, or train it again",
        ) from error
    if schema != SCHEMA_VERSION or name not in MODELS:
        raise ModelError(
            "this radpipe does not know such a model",
            where=str(path),
            found=f"schema {schema}, model {name}",
            expected=f"schema {SCHEMA_VERSION}, one of {', '.join(MODELS)}",
            remedy="use the radpipe that wrote it, or train it again",
        )
    return facts


def _check_file(path: Path, wanted: str) -> None:
    found = sha256_of(path) if path.is_file() else "no such file"
    if found != wanted:
        raise ModelError(
            "a file of the model is missing or was changed",
            where=str(path),
            found=found,
            expected=f"SHA-256 {wanted}",
            remedy="copy the model again from its source, or train it again",
        )
