"""Does a table fit a model? Columns and the way they were extracted."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd

from radpipe.errors import ModelError
from radpipe.prognosis.models.storage import SavedModel
from radpipe.prognosis.tables.columns import id_text, listed
from radpipe.store.table import differences

log = logging.getLogger("radpipe")


def require_match(saved: SavedModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Refuse a table that the model was not made for; warn where the extraction is not known.

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
            remedy="extract with the model's settings; give clinical columns with --clinical FILE",
        )
    _require_same_extraction(saved, frame.attrs.get("provenance"))
    _require_known_categories(saved, frame)
    X: pd.DataFrame = frame[columns]
    return X


def _require_same_extraction(saved: SavedModel, theirs: dict[str, Any] | None) -> None:
    ours = saved.facts["source"]["provenance"]
    if ours is None or theirs is None:
        whose = "the table does" if theirs is None else "the model's training table did"
        log.warning("%s not tell how it was extracted: not compared", whose)
        return
    differing = [
        f"{path}: {found} in the table, {wanted} in the model"
        for path, wanted, found in differences(ours, theirs)
    ]
    if differing:
        raise ModelError(
            "the features were extracted otherwise than the model's",
            where=saved.path,
            found=listed(differing, 20),
            expected="the same engine, values version and settings",
            remedy="extract this cohort with the model's settings",
        )


def _require_known_categories(saved: SavedModel, frame: pd.DataFrame) -> None:
    training = saved.facts["training"]
    # A batch is new wherever the hospital is.
    used = {*saved.facts["columns"]} - {training["roles"]["batch"]}
    for facts in training["columns"]:
        known, column = facts.get("categories"), facts["feature"]
        if known is None or column not in used:
            continue
        found = {*id_text(frame[column].dropna())}
        # One that is new is taken as the commonest, and told; if all are, the words are others.
        if found and found.isdisjoint(known):
            raise ModelError(
                "categories that the model never saw",
                where=f"column {column}",
                found=listed(sorted(found)),
                expected=listed(known),
                remedy="write them as in the training table, or leave them empty",
            )
