"""What a section of the report is made of; the template has one macro for each."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from radpipe.prognosis.report.gallery import Picture

Plain: TypeAlias = str | int | float | None


@dataclass(frozen=True)
class Data:
    """The numbers behind a figure, for a reader to take along.

    Attributes
    ----------
    name : str
        Of the file, without suffix.
    head : sequence of str
        Columns.
    rows : sequence of sequence
        Text and numbers; None is an empty cell.
    """

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[Plain]]

    @property
    def uri(self) -> str:
        """The CSV file as a data URI."""
        content = io.StringIO()
        writer = csv.writer(content, lineterminator="\n")
        writer.writerow(self.head)
        writer.writerows([_written(value) for value in row] for row in self.rows)
        encoded = base64.b64encode(content.getvalue().encode("utf-8")).decode("ascii")
        return f"data:text/csv;charset=utf-8;base64,{encoded}"


def _written(value: Plain) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes
    ----------
    text : str
        Not yet escaped.
    soft : bool
        A remark.
    """

    kind: ClassVar[str] = "text"
    text: str
    soft: bool = False


@dataclass(frozen=True)
class Points:
    """A list of sentences.

    Attributes
    ----------
    sentences : sequence of str
        Not yet escaped.
    """

    kind: ClassVar[str] = "points"
    sentences: Sequence[str]


@dataclass(frozen=True)
class Heading:
    """A title within a section.

    Attributes
    ----------
    text : str
        Not yet escaped.
    """

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Fact:
    """One number and what it is.

    Attributes
    ----------
    what, value : str
        Shown.
    """

    what: str
    value: str


@dataclass(frozen=True)
class Facts:
    """Numbers at a glance.

    Attributes
    ----------
    facts : sequence of Fact
        In order.
    """

    kind: ClassVar[str] = "facts"
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Chart:
    """A figure, its words and its numbers.

    Attributes
    ----------
    picture : str
        A data URI.
    told : str
        What it shows, for who cannot see it.
    caption : str
        Under it.
    data : Data
        What is drawn.
    """

    kind: ClassVar[str] = "chart"
    picture: str
    told: str
    caption: str
    data: Data


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        Its head.
    number : bool
        Set to the right.
    """

    title: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : str
        Shown.
    sort : float or None
        What it is sorted by, where not by its text.
    note : str or None
        A second line.
    mark : str or None
        ``low`` or ``high``: a dot in the risk group's colour.
    bar : float or None
        Per cent of a bar's full length, drawn instead of the text.
    title : str or None
        Shown when pointed at.
    """

    text: str
    sort: float | None = None
    note: str | None = None
    mark: str | None = None
    bar: float | None = None
    title: str | None = None


@dataclass(frozen=True)
class Grid:
    """A table; the first cell of a row names it.

    Attributes
    ----------
    name : str
        What it holds, for who cannot see it.
    columns : sequence of Column
        Heads; all empty: the table has none.
    rows : sequence of sequence of Cell
        As many cells as columns.
    data : Data or None
        More exact numbers to take along.
    sortable : bool
        By each column.
    """

    kind: ClassVar[str] = "grid"
    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    data: Data | None = None
    sortable: bool = True


@dataclass(frozen=True)
class Step:
    """A box of the participant flow.

    Attributes
    ----------
    what : str
        Who is in it.
    count : int
        How many.
    lost : sequence of (str, int)
        Why some are not in the next one.
    """

    what: str
    count: int
    lost: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Flow:
    """Who came in, who was lost, who was evaluated.

    Attributes
    ----------
    steps : sequence of Step
        In order.
    data : Data
        The same counts.
    """

    kind: ClassVar[str] = "flow"
    steps: Sequence[Step]
    data: Data


@dataclass(frozen=True)
class Folded:
    """Long text that a reader opens.

    Attributes
    ----------
    summary, text : str
        Shown at once, and when opened.
    """

    kind: ClassVar[str] = "folded"
    summary: str
    text: str


@dataclass(frozen=True)
class Gallery:
    """Pictures beside each other.

    Attributes
    ----------
    pictures : sequence of Picture
        In order.
    large : bool
        Of several planes each, where others are of one.
    """

    kind: ClassVar[str] = "gallery"
    pictures: Sequence[Picture]
    large: bool = False


@dataclass(frozen=True)
class Beside:
    """Columns, one under the other where the screen is narrow.

    Attributes
    ----------
    columns : sequence of sequence of Block
        Each from top to bottom.
    """

    kind: ClassVar[str] = "beside"
    columns: Sequence[Sequence[Block]]


Block: TypeAlias = Text | Points | Heading | Facts | Chart | Grid | Flow | Folded | Gallery | Beside


@dataclass(frozen=True)
class Banner:
    """What must not be overlooked.

    Attributes
    ----------
    title : str
        In bold.
    lines : sequence of str
        Paragraphs.
    """

    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Section:
    """A question, its answer, and what the answer rests on.

    Attributes
    ----------
    name : str
        Its anchor.
    question : str
        The heading.
    answer : str or None
        One or two sentences.
    blocks : list of Block
        The evidence.
    """

    name: str
    question: str
    answer: str | None
    blocks: list[Block] = field(default_factory=list)
