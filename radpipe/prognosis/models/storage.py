"""Models on disk: no pickle, no byte that runs as code.

::

    MODEL/
      model.json       what was learnt, the training cohort in numbers, hashes of the other files,
                       a seal over all of it
      MODEL_CARD.md    the same for people
      model.ubj        xgboost's trees, where there are any; a branch's in a folder of its own

"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radpipe.errors import ModelError
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.card import model_card
from radpipe.prognosis.models.table import MODELS
from radpipe.prognosis.models.writing import restored, written
from radpipe.store.files import empty_directory, seal_of, sha256_of, whole_file, write_json
from radpipe.store.sealed import read_sealed, require_sha256

SCHEMA_VERSION = 4
_JSON, _CARD = "model.json", "MODEL_CARD.md"
_PICKLES = {".pkl", ".pickle", ".joblib", ".dill"}
# A pickle of protocol 2 to 5 begins so, whatever its name.
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_AGAIN = "copy the model again from its source, or train it again"


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
    baselines : dict of str to Model
        What it has to beat, fitted to the same patients.
    """

    model: Model
    facts: dict[str, Any]
    path: str
    baselines: dict[str, Model] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A key of ``MODELS``."""
        return str(self.facts["model"])

    @property
    def binary(self) -> bool:
        """Whether it predicts an endpoint without times."""
        return self.model.calibration_.baseline is None

    def models(self) -> dict[str, Model]:
        """Return the model and its baselines.

        Returns
        -------
        dict of str to Model
            The model first.
        """
        return {self.name: self.model, **self.baselines}


def save(
    model: Model,
    path: str | Path,
    facts: dict[str, Any],
    baselines: Mapping[str, Model] | None = None,
) -> None:
    """Write a fitted model.

    Parameters
    ----------
    model : Model
        Fitted.
    path : str or Path
        A new or empty directory.
    facts : dict
        What JSON can hold about endpoint, training cohort, source, horizons and versions.
    baselines : mapping of str to Model, optional
        Fitted to the same patients.

    Raises
    ------
    RunError
        The directory is not empty, or cannot be made.
    """
    folder = empty_directory(path)
    main = written(model, folder, "")
    others = {name: written(each, folder, name) for name, each in (baselines or {}).items()}
    files = [file for each in (main, *others.values()) for file in each["files"]]
    content = {
        "schema": SCHEMA_VERSION,
        **main,
        "baselines": others,
        "sha256": {name: sha256_of(folder / name) for name in files},
        **facts,
    }
    _remove_empty_folders(folder)
    with whole_file(folder / _CARD) as part:
        part.write_text(model_card(content), encoding="utf-8")
    # People believe the card: it may say nothing else than the model.
    content["sha256"][_CARD] = sha256_of(folder / _CARD)
    # Last: a directory without it is no model.
    write_json(folder / _JSON, {**content, "seal": seal_of(content)})


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
        It is no model, of another version of radpipe, incomplete, holds a pickle, or was changed.
    """
    folder = Path(path)
    facts = _read_facts(folder)
    _refuse_pickles(folder)
    for name, wanted in facts["sha256"].items():
        problem = "a file of the model is missing or was changed"
        require_sha256(folder / name, wanted, problem, _AGAIN)
    baselines = {name: restored(folder, baseline) for name, baseline in facts["baselines"].items()}
    return SavedModel(restored(folder, facts), facts, str(path), baselines)


def _remove_empty_folders(folder: Path) -> None:
    # Longer names first: a folder's own folders before itself.
    for home in sorted(folder.rglob("*"), key=lambda path: -len(path.parts)):
        if home.is_dir() and not any(home.iterdir()):
            home.rmdir()


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / _JSON
    if not path.is_file():
        raise ModelError(
            "no model in this directory",
            where=str(folder),
            found=_what_is_there(folder),
            expected="a directory that `radpipe train --out` made",
            remedy="mend the path, or train a model first",
        )
    facts = read_sealed(path, "model", SCHEMA_VERSION, _AGAIN)
    _require_known(path, str(facts["model"]))
    return facts


def _what_is_there(folder: Path) -> str:
    if folder.is_file():
        return "a file"
    return f"no {_JSON}" if folder.is_dir() else "no such directory"


def _require_known(path: Path, name: str) -> None:
    if name not in MODELS:
        raise ModelError(
            "the model was written by a newer radpipe",
            where=str(path),
            found=f"model {name}",
            expected=f"one of {', '.join(MODELS)}",
            remedy="update radpipe",
        )


def _refuse_pickles(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix.lower() in _PICKLES or _starts_like_a_pickle(path)):
            raise ModelError(
                "a pickle in the model's directory",
                where=str(path),
                found="a file that may run any code when it is opened",
                expected="what `radpipe train` wrote: no pickle",
                remedy="find out where it is from, and remove it",
            )


def _starts_like_a_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in _PICKLE_STARTS
