"""Whether these patients are like those that the model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Column, Data, Grid, Section, Text
from radpipe.prognosis.report.evidence import Evidence

_MOST_ROWS = 25
_NAMES = ("feature", "used", "outside", "missing", "training_missing", "shift")
_COLUMNS = (
    Column("Column"),
    Column("Used by the model"),
    Column("Outside the training range", True),
    Column("Missing", True),
    Column("Missing in training", True),
    Column("Shift", True),
)


def section(evidence: Evidence) -> Section | None:
    """Show how far the columns drifted from the training cohort.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None in a cross-validation.
    """
    drift = evidence.metrics.get("drift")
    if not drift or not drift.get("columns"):
        return None
    question = "Are these patients like those it was trained on?"
    return Section("drift", question, drift.get("summary"), _blocks(drift["columns"]))


def _blocks(columns: Sequence[Mapping[str, Any]]) -> list[Block]:
    # They come with the largest drift first; those without any say nothing.
    rows = [_row(column) for column in columns if any(_sizes(column))][:_MOST_ROWS]
    if not rows:
        return [Text("No column differs from training, so there is none to list.")]
    data = Data("drift", _NAMES, [[column.get(name) for name in _NAMES] for column in columns])
    told = (
        f"{words.counted(len(rows), 'column')} of {len(columns)}, the largest drift first; the CSV "
        "file holds all. Shift: standardised difference of the means."
    )
    return [Grid("Drift", _COLUMNS, rows, data), Text(told, soft=True)]


def _sizes(column: Mapping[str, Any]) -> list[float]:
    """Return what has drifted, as it is shown: 0 where it has not."""
    missing, before = (column.get(name) or 0.0 for name in ("missing", "training_missing"))
    rest = [column.get(name) or 0.0 for name in ("outside", "shift")]
    return [round(abs(value), 2) for value in (missing - before, *rest)]


def _row(column: Mapping[str, Any]) -> list[Cell]:
    shares = [column.get(name) for name in _NAMES[2:5]]
    return [
        Cell(str(column["feature"])),
        Cell("yes" if column.get("used") else words.MISSING),
        *(Cell(words.percent(share), share) for share in shares),
        Cell(words.number(column.get("shift"), signed=True), column.get("shift")),
    ]
