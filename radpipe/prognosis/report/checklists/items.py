"""The checklists and their items, from one table of items a checklist."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO


@dataclass(frozen=True)
class Item:
    """One line of a checklist.

    Attributes
    ----------
    number : str
        As the checklist's authors number it.
    applies : str
        To what kind of study or image; empty: to all.
    section, topic : str
        Where it stands, and what it is about.
    asks : str
        What it asks for, in radpipe's words.
    answers : tuple of str
        Names of the answers that the software may know.
    rest : str
        What it can never know of this item.
    """

    number: str
    applies: str
    section: str
    topic: str
    asks: str
    answers: tuple[str, ...]
    rest: str


@dataclass(frozen=True)
class Checklist:
    """A published checklist.

    Attributes
    ----------
    name : str
        Its file, without an ending.
    title : str
        Its name.
    source : str
        Who published it.
    doi : str
        Where its own wording is.
    note : str
        What a reader must know of this copy.
    """

    name: str
    title: str
    source: str
    doi: str
    note: str

    def items(self) -> list[Item]:
        """Read its items.

        Returns
        -------
        list of Item
            In the checklist's order.
        """
        home = files("radpipe.prognosis.report.checklists") / "items" / f"{self.name}.csv"
        return [_item(row) for row in csv.DictReader(StringIO(home.read_text("utf-8")))]


def _item(row: dict[str, str]) -> Item:
    answers = tuple(row["answers"].split())
    told = {name: row[name] for name in ("number", "applies", "section", "topic", "asks", "rest")}
    return Item(answers=answers, **told)


CHECKLISTS = (
    Checklist(
        "tripod_ai",
        "TRIPOD+AI",
        "Collins et al., BMJ 2024;385:e078378",
        "10.1136/bmj-2023-078378",
        "27 items, for studies that develop or evaluate a prediction model.",
    ),
    Checklist(
        "clear",
        "CLEAR",
        "Kocak et al., Insights into Imaging 2023;14:75",
        "10.1186/s13244-023-01415-8",
        "58 items, for studies of radiomics. Items 53 and 58 are recommended, not essential.",
    ),
    Checklist(
        "metrics",
        "METRICS",
        "Kocak et al., Insights into Imaging 2024;15:8",
        "10.1186/s13244-023-01572-w",
        "30 items, for judging the methods of a study of radiomics. Its authors' weights and score "
        "are left to readers of the study.",
    ),
    Checklist(
        "ibsi",
        "IBSI reporting guidelines",
        "Zwanenburg et al., Radiology 2020;295:328–338, and the reference manual, arXiv:1612.07003",
        "10.1148/radiol.2020191145",
        "76 items, for how images became features.",
    ),
)
