"""Which patients of the joined tables are studied, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import TableError
from radpipe.prognosis.survival.endpoint import make_endpoint
from radpipe.prognosis.tables.clinical import WITHOUT_CLINICAL, WITHOUT_FEATURES, WRITTEN_ALIKE
from radpipe.prognosis.tables.columns import id_text, listed, name_of_table, require_columns
from radpipe.prognosis.tables.embeddings import without_embedding
from radpipe.prognosis.tables.outcomes import (
    Event,
    endpoint_of,
    event_column,
    read_event,
    read_numbers,
    refuse_rows,
)

WITHOUT_OUTCOME = "without an outcome"
WITHOUT_EMBEDDING = "with features and no embedding"
EARLY_EVENT = "event at or before the day that times run from"
EARLY_CENSORING = "last seen at or before the day that times run from"
REASONS = (
    WITHOUT_CLINICAL,
    WITHOUT_FEATURES,
    WITHOUT_EMBEDDING,
    WITHOUT_OUTCOME,
    EARLY_EVENT,
    EARLY_CENSORING,
)


class Cohort(NamedTuple):
    """Who is studied.

    Attributes
    ----------
    frame : DataFrame
        Their rows.
    endpoint : ndarray, shape (n,)
        Theirs: structured with ``event`` and ``time``, or of bool.
    event : Event
        What the event column says of them.
    excluded : dict of str to list of str
        Patients left out, by each of ``REASONS``.
    """

    frame: pd.DataFrame
    endpoint: NDArray[Any]
    event: Event
    excluded: dict[str, list[str]]


def select(
    joined: pd.DataFrame, time: str | None, event: str, origin: str | None, unmatched: str
) -> Cohort:
    """Leave out patients without an outcome, or whose time ended before it began to run.

    Parameters
    ----------
    joined : DataFrame
        Features and outcomes, one row a patient; ``attrs["outcomes"]`` is what to call the table,
        ``attrs["dropped"]`` who was left out of it.
    time : str or None
        Column of the times.
    event : str
        Column of the event, or ``COLUMN=VALUE``.
    origin : str or None
        Column of the day that times run from.
    unmatched : {"refuse", "drop"}
        What to do with patients without an outcome.

    Returns
    -------
    Cohort
        At least one patient.

    Raises
    ------
    TableError
        An outcome is missing or wrong, or nobody is left.
    """
    where = str(joined.attrs["outcomes"])
    excluded: dict[str, list[str]] = {reason: [] for reason in REASONS}
    excluded |= joined.attrs.get("dropped", {})
    column, _ = event_column(event, joined.columns)
    asked = [name for name in (time, column, origin) if name is not None]
    require_columns(joined, asked, where)
    frame = joined
    empty = {name: id_text(frame[name]).str.strip() == "" for name in asked}
    if unmatched == "drop":
        anything = pd.concat(empty, axis=1).any(axis=1)
        frame = _without(frame, anything, WITHOUT_OUTCOME, excluded)
    else:
        _refuse_empty(frame, empty, where)
    require_patients(frame, excluded)
    if time is not None and origin is not None:
        frame, times = _from_origin(frame, time, event, origin, excluded)
        require_patients(frame, excluded)
        told = read_event(frame, event, where)
        return Cohort(frame, make_endpoint(told.happened, times), told, excluded)
    endpoint = endpoint_of(frame, time, event, where)
    return Cohort(frame, endpoint, read_event(frame, event, where), excluded)


def with_embeddings(joined: pd.DataFrame, unmatched: str) -> pd.DataFrame:
    """Refuse or leave out patients who have features and no embedding.

    Parameters
    ----------
    joined : DataFrame
        One row a patient.
    unmatched : {"refuse", "drop"}
        What to do with them.

    Returns
    -------
    DataFrame
        The others; ``attrs["dropped"]`` names who was left out.

    Raises
    ------
    TableError
        There are such patients.
    """
    facts = joined.attrs.get("embeddings")
    if facts is None:
        return joined
    lacking = without_embedding(joined, facts)
    if lacking.any() and unmatched == "refuse":
        raise TableError(
            "patients have features and no embedding",
            where=name_of_table(joined, "the feature table"),
            found=listed(joined["patient_id"][lacking]),
            expected="an embedding of every case",
            remedy="look why they failed and embed again, or leave them out with --drop-unmatched",
        )
    excluded = {**joined.attrs.get("dropped", {})}
    left = _without(joined, lacking, WITHOUT_EMBEDDING, excluded)
    left.attrs = {**joined.attrs, "dropped": excluded}
    return left


def _from_origin(
    frame: pd.DataFrame, time: str, event: str, origin: str, excluded: dict[str, list[str]]
) -> tuple[pd.DataFrame, pd.Series]:
    where = str(frame.attrs["outcomes"])
    times = _since(frame, time, origin, where)
    happened = pd.Series(read_event(frame, event, where).happened, index=frame.index)
    left = _without(frame, (times <= 0) & happened, EARLY_EVENT, excluded)
    left = _without(left, (times <= 0) & ~happened, EARLY_CENSORING, excluded)
    return left, times[left.index]


def _since(frame: pd.DataFrame, time: str, origin: str, where: str) -> pd.Series:
    times, start = read_numbers(frame, time), read_numbers(frame, origin)
    # A patient may have died on the day that a registry counts from: only then the origin decides.
    refuse_rows(frame, time, ~((times >= 0) & (times < np.inf)), "a number, not negative", where)
    refuse_rows(frame, origin, ~np.isfinite(start), "a number", where)
    return times - start


def _without(
    frame: pd.DataFrame, wrong: pd.Series, reason: str, excluded: dict[str, list[str]]
) -> pd.DataFrame:
    wrong = wrong.reindex(frame.index)
    excluded[reason] = frame["patient_id"][wrong].tolist()
    left = frame[~wrong]
    left.attrs = frame.attrs
    return left


def _refuse_empty(frame: pd.DataFrame, empty: Mapping[str, pd.Series], where: str) -> None:
    found = [
        f"{name} of {listed(frame['patient_id'][cells])}"
        for name, cells in empty.items()
        if cells.any()
    ]
    if found:
        raise TableError(
            "patients without an outcome: cells are empty",
            where=where,
            found="; ".join(found),
            expected="a value in every row",
            remedy="fill these cells, or leave these patients out with --drop-unmatched",
        )


def require_patients(frame: pd.DataFrame, excluded: Mapping[str, list[str]]) -> None:
    """Refuse a cohort of nobody.

    Parameters
    ----------
    frame : DataFrame
        Who is left; ``attrs["outcomes"]`` is what to call the table.
    excluded : mapping of str to list of str
        Patients left out, by each of ``REASONS``.

    Raises
    ------
    TableError
        Nobody is left; it is told why.
    """
    if frame.empty:
        told = [f"{why}: {listed(patients, 3)}" for why, patients in excluded.items() if patients]
        raise TableError(
            "no patient is left",
            where=str(frame.attrs["outcomes"]),
            found="; ".join(told),
            expected="patients whom both tables know, with all that is asked for",
            remedy=WRITTEN_ALIKE if excluded.get(WITHOUT_CLINICAL) else "look at these patients",
        )
