"""The endpoint's columns: how events are coded, and whether times are times."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype

from radpipe.errors import TableError
from radpipe.prognosis.survival.endpoint import make_endpoint
from radpipe.prognosis.tables.columns import counted, id_text, listed, require_columns

# An event has fewer codes than this, competing ones included; what has more was measured.
_MOST_CODES = 8
# Above this share of rows that cannot be read it is another coding, not a slip.
_MOST_WRONG = 0.2
_PLAIN = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_HAPPENED = ("dead", "death", "died", "deceased", "d", "event", "yes", "y", "true", "1")
# Alive with or without disease, as registries write it.
_CENSORED = {"0", "false", "no", "n", "none", "alive", "living", "censored", "ned", "awd"}


class Event(NamedTuple):
    """What a column says about the event.

    Attributes
    ----------
    happened : ndarray of bool, shape (n,)
        True where it did.
    codes : dict of str to int
        Values of the column, and how many patients have each.
    competing : dict of str to int
        Those of them that are neither the event nor a known word for censoring: other events,
        which count as censored when they happen.
    """

    happened: NDArray[np.bool_]
    codes: dict[str, int]
    competing: dict[str, int]


def event_column(event: str, columns: Any) -> tuple[str, str | None]:
    """Take ``COLUMN=VALUE`` apart.

    Parameters
    ----------
    event : str
        A column, or a column and the value that means that the event happened.
    columns : container of str
        What is there; a column whose name holds ``=`` is one.

    Returns
    -------
    tuple of (str, str or None)
        Column and value.
    """
    if event in columns or "=" not in event:
        return event, None
    name, _, value = event.rpartition("=")
    return name.strip(), value.strip()


def read_event(frame: pd.DataFrame, event: str, where: str = "the clinical table") -> Event:
    """Read an event column.

    Parameters
    ----------
    frame : DataFrame
        With a column ``patient_id`` for the messages.
    event : str
        Column that is 1 or True where the event happened, 0 or False where not; or
        ``COLUMN=VALUE``.
    where : str
        What to call the table.

    Returns
    -------
    Event
        Of every row.

    Raises
    ------
    TableError
        The column is missing, a cell is empty, the value does not occur, or without a value a cell
        is neither 0 nor 1; a remedy is suggested then.
    """
    column, value = event_column(event, frame.columns)
    require_columns(frame, [column], where)
    text = id_text(frame[column]).str.strip()
    codes = {str(code): int(count) for code, count in text.value_counts().sort_index().items()}
    if value is None:
        plain = text.str.lower().map(_PLAIN)
        _refuse_codes(frame, column, plain.isna(), codes, where)
        return Event(plain.to_numpy(bool), codes, {})
    refuse_rows(frame, column, text == "", "a value in every row", where)
    happened = text == _code_of(value, column, codes, where)
    others = {code: codes[code] for code in codes if code not in {*text[happened]}}
    known = len(others) == 1
    competing = {code: n for code, n in others.items() if not known and not _is_censored(code)}
    return Event(happened.to_numpy(bool), codes, competing)


def _is_censored(code: str) -> bool:
    return code.lower() in _CENSORED


def _code_of(value: str, column: str, codes: dict[str, int], where: str) -> str:
    # 1 may be written 1.0 in one of the tables.
    for code in codes:
        if value == code or _number(value) == _number(code) is not None:
            return code
    raise TableError(
        "the event's value does not occur",
        where=f"{where}, column {column}",
        found=_counted(codes),
        expected=value,
        remedy="name one of these values",
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refuse_codes(
    frame: pd.DataFrame, column: str, wrong: pd.Series, codes: dict[str, int], where: str
) -> None:
    known = [code for code in codes if code]
    if wrong.any() and _are_times(known):
        _refuse_times(column, known, where)
    remedy = "correct these rows"
    if (guess := _guess(known)) is not None:
        remedy += f", or say which value means that it happened: --event '{column}={guess}'"
    elif 2 <= len(known) <= _MOST_CODES and wrong.mean() > _MOST_WRONG:
        remedy = f"say which value means that it happened: --event '{column}=VALUE'"
    # Where many rows are written otherwise, the values tell more than the patients.
    found = _counted(codes) if wrong.mean() > _MOST_WRONG else None
    refuse_rows(frame, column, wrong, "0 or 1", where, remedy, found)


def _are_times(codes: list[str]) -> bool:
    return len(codes) > _MOST_CODES and all(_number(code) is not None for code in codes)


def _refuse_times(column: str, codes: list[str], where: str) -> None:
    numbers = [float(code) for code in codes]
    raise TableError(
        "a column of numbers, not of events",
        where=f"{where}, column {column}",
        found=f"{len(numbers)} different numbers from {min(numbers):g} to {max(numbers):g}",
        expected="0 or 1",
        remedy=f"if these are times, name them with --time '{column}'; name with --event the "
        "column that tells whether the event happened",
    )


def _guess(codes: list[str]) -> str | None:
    if len(codes) < 2:
        return None
    if all(_number(code) is not None for code in codes):
        # 1 for the living and 2 for the dead is a habit of older statistics packages.
        return "1" if {"0", "1"} <= {*codes} else max(codes, key=float)
    by_word = {code.lower(): code for code in codes}
    return next((by_word[word] for word in _HAPPENED if word in by_word), None)


def _counted(codes: dict[str, int]) -> str:
    return listed(f"{code or 'empty'} ({counted(n, 'patient')})" for code, n in codes.items())


def read_numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """Read a column of numbers; what is none becomes NaN.

    Parameters
    ----------
    frame : DataFrame
        A table.
    column : str
        Of it.

    Returns
    -------
    Series of float
        In the rows' order.
    """
    if is_datetime64_any_dtype(frame[column].dtype):
        return pd.Series(np.nan, index=frame.index)
    return pd.to_numeric(frame[column], errors="coerce").astype(np.float64)


def endpoint_of(
    frame: pd.DataFrame, time: str | None, event: str, where: str = "the clinical table"
) -> NDArray[Any]:
    """Take the endpoint out of a table.

    Parameters
    ----------
    frame : DataFrame
        With a column ``patient_id`` for the messages.
    time : str or None
        Column of the time since the start, any unit; None where the endpoint has no times.
    event : str
        As for :func:`read_event`.
    where : str
        What to call the table.

    Returns
    -------
    ndarray, shape (n,)
        Structured array with ``event`` (bool) and ``time`` (float64), or of bool without times.

    Raises
    ------
    TableError
        A column is missing, a time is missing or not positive, or as of :func:`read_event`.
    """
    happened = read_event(frame, event, where).happened
    if time is None:
        return happened
    require_columns(frame, [time], where)
    times = read_numbers(frame, time)
    refuse_rows(frame, time, ~((times > 0) & (times < np.inf)), "a positive number", where)
    return make_endpoint(happened, times.to_numpy())


def refuse_rows(
    frame: pd.DataFrame,
    column: str,
    wrong: pd.Series,
    expected: str,
    where: str,
    remedy: str = "correct these rows, or take these patients out of the cohort; "
    "--drop-unmatched does so where a cell is empty",
    found: str | None = None,
) -> None:
    """Refuse a column of the endpoint for some of its cells.

    Parameters
    ----------
    frame : DataFrame
        With a column ``patient_id``.
    column : str
        Of the endpoint.
    wrong : Series of bool
        Which cells.
    expected : str
        What should stand there.
    where : str
        What to call the table.
    remedy : str
        What to do.
    found : str, optional
        What stands there; else patients and cells are listed.

    Raises
    ------
    TableError
        A cell is wrong.
    """
    if wrong.any():
        cells = zip(frame["patient_id"][wrong], frame[column][wrong], strict=True)
        raise TableError(
            "the endpoint is wrong",
            where=f"{where}, column {column}",
            found=found or listed(f"patient {patient}: {value}" for patient, value in cells),
            expected=expected,
            remedy=remedy,
        )
