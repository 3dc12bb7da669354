"""Whether these patients are like those that the model was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Column, Data, Grid, Section, Text
from radpipe.prognosis.report.evidence import Evidence

_MOST_ROWS = 25
_MARK = "beyond chance"
_NAMES = ("feature", "used", "outside", "missing", "training_missing", "shift", "drifted")
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
    drift = evidence.metrics.get("drift") or {}
    new: list[Block] = [Text(line) for _, line in unseen(evidence)]
    if not drift.get("columns") and not new:
        return None
    question = "Are these patients like those it was trained on?"
    blocks = [*new, *_blocks(drift.get("columns") or [])]
    return Section("drift", question, drift.get("summary"), blocks)


def unseen(evidence: Evidence) -> Iterator[tuple[int, str]]:
    """Tell of categories that no training patient had, and what the model made of them.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Yields
    ------
    int
        Patients with such a category.
    str
        A sentence; one a column.
    """
    patients = evidence.metrics["cohort"]["patients"]
    for column, told in (evidence.metrics.get("unseen") or {}).items():
        count = int(told["patients"])
        have = "has" if count == 1 else "have"
        yield (
            count,
            f"{column}: {count} of {patients} patients {have} {words.listed(told['categories'])}, "
            f"which no training patient had. The model took them for {told['taken_as']}, the "
            "commonest in training: a guess that may be far off.",
        )


def _blocks(columns: Sequence[Mapping[str, Any]]) -> list[Block]:
    # They come with the largest drift first; those without any say nothing.
    differ = [column for column in columns if any(_sizes(column))]
    if not differ:
        return [Text("No column differs from training, so there is none to list.")]
    shown = sorted(differ, key=lambda column: not column.get("drifted"))[:_MOST_ROWS]
    data = Data(
        "drift", _NAMES, [[_plain(column.get(name)) for name in _NAMES] for column in columns]
    )
    told = (
        f"{words.counted(len(shown), 'column')} of {len(columns)}; the CSV file holds all. First "
        f"those marked “{_MARK}”, for what is said to be; what is not marked could be chance "
        "alone. Shift: standardised difference of the means."
    )
    rows = [_row(column) for column in shown]
    return [
        Grid("Drift", _COLUMNS, rows, data),
        Text(told, soft=True),
    ]


def _plain(value: object) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _sizes(column: Mapping[str, Any]) -> list[float]:
    """Return what has drifted, as it is shown: 0 where it has not."""
    missing, before = (column.get(name) or 0.0 for name in ("missing", "training_missing"))
    rest = [column.get(name) or 0.0 for name in ("outside", "shift")]
    return [round(abs(value), 2) for value in (missing - before, *rest)]


def _row(column: Mapping[str, Any]) -> list[Cell]:
    shares, drifted = [column.get(name) for name in _NAMES[2:5]], column.get("drifted")
    return [
        Cell(str(column["feature"]), note=f"{_MARK}: {', '.join(drifted)}" if drifted else None),
        Cell("yes" if column.get("used") else words.MISSING),
        *(Cell(words.percent(share), share) for share in shares),
        Cell(words.number(column.get("shift"), signed=True), column.get("shift")),
    ]
