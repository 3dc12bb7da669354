"""Whether it holds in every kind of patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Column,
    Data,
    Grid,
    Section,
    Text,
)
from radpipe.prognosis.report.evidence import Estimate, Evidence, clinical_columns
from radpipe.prognosis.report.figures import forest_figure
from radpipe.prognosis.report.figures.forest import Row
from radpipe.prognosis.report.pairs import concordance_of

LEAST_EVENTS, LEAST_PATIENTS = 10, 20
_MOST_LEVELS = 6
TOO_FEW = "too few"


class Subgroup(NamedTuple):
    """Some of the patients.

    Attributes
    ----------
    column, label : str
        What divides them, and how these are.
    cases : frozenset of str
        Who they are.
    """

    column: str
    label: str
    cases: frozenset[str]


class _Line(NamedTuple):
    group: Subgroup
    patients: int
    events: int
    found: dict[str, Estimate | None]
    enough: bool


def section(evidence: Evidence) -> Section | None:
    """Judge the models in subgroups of patients.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None without clinical columns, or without a model.
    """
    if evidence.subgroups is None or evidence.main is None:
        return None
    lines = [_line(evidence, group) for group in subgroups(evidence.subgroups)]
    if not lines:
        return None
    chart = _chart(evidence, lines)
    blocks: list[Block] = [
        *([Beside([[chart]])] if chart is not None else []),
        _table(evidence, lines),
        Text(_explained(evidence), soft=True),
    ]
    return Section("subgroups", "Does it hold in every kind of patient?", None, blocks)


def subgroups(table: pd.DataFrame) -> Iterator[Subgroup]:
    """Divide patients by each clinical column.

    Parameters
    ----------
    table : DataFrame
        ``case_id``, and clinical columns.

    Yields
    ------
    Subgroup
        Of numbers the halves below and above the median; of text each level, rare ones together.
    """
    for column in clinical_columns(table):
        values, cases = table[column], table["case_id"].astype(str)
        for label, members in _parts(values):
            yield Subgroup(column, label, frozenset(cases[members]))
        if values.isna().any():
            yield Subgroup(column, "not known", frozenset(cases[values.isna()]))


def _parts(values: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values) and known.nunique() > _MOST_LEVELS:
        middle = float(known.median())
        yield f"up to {middle:g}", values <= middle
        yield f"above {middle:g}", values > middle
        return
    levels = known.value_counts(sort=True)
    shown = sorted(levels.index[:_MOST_LEVELS], key=str)
    for level in shown:
        yield _level(level), values == level
    if len(levels) > _MOST_LEVELS:
        yield "other", values.notna() & ~values.isin(shown)


def _level(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _line(evidence: Evidence, group: Subgroup) -> _Line:
    patients = evidence.patients
    members = patients[patients["case_id"].astype(str).isin(group.cases)]
    events = int(members["event"].sum())
    fewest = min(events, len(members) - events) if evidence.binary else events
    enough = fewest >= LEAST_EVENTS and len(members) >= LEAST_PATIENTS
    rows = evidence.predictions[evidence.predictions["case_id"].isin(members["case_id"])]
    found = {
        model.key: concordance_of(rows[rows["model"] == model.key], _ratio(evidence))
        for model in evidence.compared
        if enough
    }
    return _Line(group, len(members), events, found, enough)


def _ratio(evidence: Evidence) -> float | None:
    """Return test patients to one training patient, of the whole cohort."""
    if evidence.bootstrapped:
        return None
    rows = evidence.predictions
    sizes = rows[rows["model"] == rows["model"].iloc[0]].groupby(["repeat", "fold"]).size()
    test = sizes.to_numpy(float)
    return float(np.mean(test / (len(evidence.patients) - test)))


def _explained(evidence: Evidence) -> str:
    interval = (
        "patients drawn again 1,000 times"
        if evidence.bootstrapped
        else "Nadeau and Bengio's over folds"
    )
    least = f"{LEAST_PATIENTS} patients or {LEAST_EVENTS} events"
    if evidence.binary:
        least += f" or {LEAST_EVENTS} patients without the event"
    return (
        f"{evidence.measure_name} among the patients of each subgroup alone; 95 % interval: "
        f"{interval}. {TOO_FEW.capitalize()}: fewer than {least}. Nobody planned these comparisons "
        "for this page, so a difference between two subgroups is a question and no finding."
    )


def _chart(evidence: Evidence, lines: list[_Line]) -> Chart | None:
    main = evidence.main
    rows = [
        Row(f"{line.group.column}: {line.group.label}", line.found.get(main.key) if main else None)
        for line in lines
        if line.enough
    ]
    if main is None or not rows:
        return None
    rows = [Row("All patients", main.interval(evidence.measure)), *rows]
    told = "; ".join(f"{row.label} {words.span(row.found)}" for row in rows)
    name = evidence.measure_name
    return Chart(
        forest_figure(rows, f"{name} (0.5 = chance, 1 = perfect)", 0.5, (0.4, 0.9)),
        f"{name} in subgroups: {told}.",
        f"{main.title}: {name} in subgroups with 95 % interval; dashed: chance.",
        _data(lines),
    )


def _data(lines: list[_Line]) -> Data:
    rows = [
        (
            line.group.column,
            line.group.label,
            line.patients,
            line.events,
            key,
            *(found or (None, None, None)),
        )
        for line in lines
        for key, found in line.found.items()
    ]
    names = ("column", "subgroup", "patients", "events", "model", "estimate", "low", "high")
    return Data("subgroups", names, rows)


def _table(evidence: Evidence, lines: list[_Line]) -> Grid:
    columns = [
        Column("Subgroup"),
        Column("Patients", True),
        Column("Events", True),
        *(Column(model.title, True) for model in evidence.compared),
    ]
    rows = [
        [
            Cell(f"{line.group.column}: {line.group.label}"),
            Cell(str(line.patients), line.patients),
            Cell(str(line.events), line.events),
            *(_cell(line, model.key) for model in evidence.compared),
        ]
        for line in lines
    ]
    return Grid("Subgroups", columns, rows)


def _cell(line: _Line, key: str) -> Cell:
    found = line.found.get(key)
    text = words.span(found) if line.enough else TOO_FEW
    return Cell(text, None if found is None else found.value)
