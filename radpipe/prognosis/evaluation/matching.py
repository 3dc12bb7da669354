"""Does a table fit a model? Columns, categories, times, and the way features were extracted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import ModelError
from radpipe.prognosis.models.cnn import ENCODER_FOLDER
from radpipe.prognosis.models.storage import SavedModel
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.columns import counted, id_text, listed, name_of_table
from radpipe.prognosis.tables.embeddings import embedding_columns
from radpipe.store import MASK_VOLUME
from radpipe.store.patches import PATCH_FILE
from radpipe.store.table import differences

# Whoever asks for the time that an error told, in six digits, shall have it.
_SLACK = 1 + 1e-5

log = logging.getLogger("radpipe")


def require_match(saved: SavedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Refuse a table that the model was not made for; warn of what it cannot know.

    Categories that training lacked are warned of, and an extraction that nobody told of.

    Parameters
    ----------
    saved : SavedModel
        The model.
    frame : DataFrame
        Features with ``attrs["provenance"]``, clinical columns joined where the model needs them.

    Returns
    -------
    DataFrame
        The model's columns in its order.

    Raises
    ------
    ModelError
        Columns are missing, all categories of one are unknown, or the features were extracted
        otherwise: every setting that differs is told.
    """
    columns = saved.facts["columns"]
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ModelError(
            "the table lacks columns of the model",
            where=saved.path,
            found=f"missing: {listed(missing)}",
            expected=f"{len(columns)} columns",
            remedy=_remedy(saved, missing),
        )
    embedded = _of_embedding(saved, frame)
    roles = saved.facts["training"]["roles"]
    others = {*embedded, *roles["clinical_columns"], roles["batch"], MASK_VOLUME}
    if not others.issuperset(columns):
        _require_same_extraction(saved, frame.attrs.get("provenance"))
    if embedded:
        _require_same_embedding(saved, frame.attrs.get("embeddings"))
    _require_known_words(saved, frame)
    _warn_of_unseen(saved, frame)
    X: pd.DataFrame = frame[columns]
    return X


def _require_same_extraction(saved: SavedModel, theirs: dict[str, Any] | None) -> None:
    ours = saved.facts["source"]["provenance"]
    if ours is None or theirs is None:
        whose = "the table does" if theirs is None else "the model's training table did"
        log.warning("%s not tell how it was extracted: not compared", whose)
        return
    _refuse_differing(saved, "features were extracted", "extract", [*differences(ours, theirs)])


def _remedy(saved: SavedModel, missing: Sequence[str]) -> str:
    if PATCH_FILE in missing:
        # A fusion keeps it in a branch.
        kept = sorted(Path(saved.path).glob(f"**/{ENCODER_FOLDER}"))
        return (
            "embed the cohort with the model's encoder (radpipe embed --weights "
            f"{kept[0] if kept else 'MODEL/encoder'}), and give the directory that this makes"
        )
    encoder = (saved.facts["source"].get("embeddings") or {}).get("encoder")
    if encoder is not None and embedding_columns(missing, encoder):
        return f"embed with `radpipe embed --encoder {encoder}` as the model's training run was"
    return "extract with the model's settings; give clinical columns with --clinical FILE"


def _of_embedding(saved: SavedModel, frame: pd.DataFrame) -> list[str]:
    ours = saved.facts["source"].get("embeddings")
    if ours is None:
        return []
    made = {*embedding_columns(frame.columns, ours["encoder"]), PATCH_FILE}
    return [name for name in saved.facts["columns"] if name in made]


def _require_same_embedding(saved: SavedModel, theirs: dict[str, Any] | None) -> None:
    ours = saved.facts["source"]["embeddings"]
    if theirs is None:
        log.warning("the table does not tell how its embeddings were made: not compared")
        return
    differing = [*differences(ours["provenance"], theirs["provenance"])]
    if PATCH_FILE in saved.facts["columns"]:
        # The model brings its own encoder, and asks for the patches alone.
        differing = [each for each in differing if each[0].startswith("settings.patch")]
    _refuse_differing(saved, "embeddings were made", "embed", differing)


def _refuse_differing(
    saved: SavedModel, what: str, verb: str, differing: Sequence[tuple[str, Any, Any]]
) -> None:
    if differing:
        told = [
            f"{path}: {found} in the table, {wanted} in the model"
            for path, wanted, found in differing
        ]
        raise ModelError(
            f"the {what} otherwise than the model's",
            where=saved.path,
            found=listed(told, 20),
            expected="the same engine, values version and settings",
            remedy=f"{verb} this cohort with the model's settings",
        )


def unseen(saved: SavedModel, frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Tell which categories of the model's columns training lacked.

    Parameters
    ----------
    saved : SavedModel
        The model.
    frame : DataFrame
        With the model's columns.

    Returns
    -------
    dict of str to dict
        By column ``categories`` (list of str), ``patients`` (how many are of them) and
        ``taken_as``, the commonest category of training. Columns without such are left out; so is
        the batch, which is new wherever the hospital is.
    """
    cells = unseen_cells(saved, frame)
    known = _categories(saved)
    return {
        str(name): {
            "categories": sorted({*id_text(frame[name])[cells[name]]}),
            "patients": int(cells[name].sum()),
            # The first of the sorted where several are as common, as Encode has it.
            "taken_as": max(known[name], key=lambda category: known[name][category]),
        }
        for name in cells.columns[cells.any()]
    }


def unseen_cells(saved: SavedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Tell which cells hold a category that training lacked.

    Parameters
    ----------
    saved : SavedModel
        The model.
    frame : DataFrame, shape (n, ...)
        With the model's columns.

    Returns
    -------
    DataFrame of bool, shape (n, k)
        The model's columns of text, without the batch. False where a cell is empty.
    """
    cells = {
        name: frame[name].notna() & ~id_text(frame[name]).isin([*shares])
        for name, shares in _categories(saved).items()
    }
    return pd.DataFrame(cells, index=frame.index, dtype=bool)


def _categories(saved: SavedModel) -> dict[str, dict[str, float]]:
    """Return the categories of training and their shares, by column of the model."""
    training = saved.facts["training"]
    used = {*saved.facts["columns"]} - {training["roles"]["batch"]}
    return {
        each["feature"]: each["categories"]
        for each in training["columns"]
        if each["feature"] in used and each.get("categories")
    }


def _require_known_words(saved: SavedModel, frame: pd.DataFrame) -> None:
    for name, shares in _categories(saved).items():
        found = {*id_text(frame[name].dropna())}
        # If all are new, the words are others.
        if found and found.isdisjoint(shares):
            raise ModelError(
                "categories that the model never saw",
                where=f"{_table_of_outcomes(frame)}, column {name}",
                found=listed(sorted(found)),
                expected=listed(shares),
                remedy="write them as in the training table, or leave them empty",
            )


def _table_of_outcomes(frame: pd.DataFrame) -> str:
    named = frame.attrs.get("outcomes") or frame.attrs.get("clinical")
    return str(named or name_of_table(frame, "the table"))


def _warn_of_unseen(saved: SavedModel, frame: pd.DataFrame) -> None:
    cells = unseen_cells(saved, frame)
    for name, found in unseen(saved, frame).items():
        log.warning(
            "%s: %s not seen in training, taken as %r in %s: %s",
            name,
            listed(found["categories"]),
            found["taken_as"],
            counted(found["patients"], "patient"),
            listed(frame["patient_id"][cells[name]]),
        )


def require_follow_up(saved: SavedModel, times: Sequence[float]) -> None:
    """Refuse times at which no training patient was followed any more.

    Times after the last training event are warned of: survival is then what it was at that event.

    Parameters
    ----------
    saved : SavedModel
        The model.
    times : sequence of float
        When survival is asked for, in the unit of the training times.

    Raises
    ------
    ModelError
        Times lie beyond the longest follow-up.
    """
    if saved.binary:
        return
    last_event, longest = _follow_up(saved)
    beyond = [time for time in times if time > longest * _SLACK]
    if beyond:
        raise ModelError(
            "beyond the follow-up of the training patients, where nobody knows their survival",
            where="--horizons",
            found=listed(f"{time:g}" for time in beyond),
            expected=f"at most {longest:g}, the longest follow-up",
            remedy="ask for earlier times",
        )
    flat = [time for time in times if time > last_event * _SLACK]
    if flat:
        log.warning(
            "survival at %s is that at %g, the last event among the training patients",
            listed(f"{time:g}" for time in flat),
            last_event,
        )


def within_follow_up(
    saved: SavedModel, allowed: Floats, refused: Sequence[tuple[float, str]]
) -> tuple[Floats, list[tuple[float, str]]]:
    """Refuse horizons at which no training patient was followed any more.

    Parameters
    ----------
    saved : SavedModel
        The model.
    allowed : ndarray of float64, shape (h,)
        Horizons that the cohort allows.
    refused : sequence of tuple of float and str
        The others, and why.

    Returns
    -------
    allowed : ndarray of float64, shape (k,)
        Those of them up to the longest follow-up of training.
    refused : list of tuple of float and str
        The others, ascending, and why.
    """
    if saved.binary:
        return allowed, [*refused]
    _, longest = _follow_up(saved)
    why = f"beyond the longest follow-up of the training patients, {longest:g}"
    known = allowed <= longest * _SLACK
    return allowed[known], sorted([*refused, *((float(time), why) for time in allowed[~known])])


def _follow_up(saved: SavedModel) -> tuple[float, float]:
    """Return the last event time and the longest follow-up of training."""
    told = saved.facts["training"]["without_predictors"]
    fallen = np.flatnonzero(np.diff(told["survival"], prepend=1.0))
    return told["times"][fallen[-1]], told["times"][-1]


def require_times(saved: SavedModel, option: str, value: object) -> None:
    """Refuse what asks a model of a binary endpoint for times.

    Parameters
    ----------
    saved : SavedModel
        The model.
    option : str
        What asks.
    value : object
        For which; None asks for nothing.

    Raises
    ------
    ModelError
        The model knows no times.
    """
    if value is not None and saved.binary:
        raise ModelError(
            "this model knows no times",
            where=option,
            found=value,
            expected="none: its endpoint is binary",
            remedy=f"leave {option} out",
        )
