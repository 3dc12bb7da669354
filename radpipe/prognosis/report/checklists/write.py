"""Answer the items and write the files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

from radpipe.errors import RunError
from radpipe.pages import filled
from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.report.checklists.answers import ANSWERS
from radpipe.prognosis.report.checklists.items import CHECKLISTS, Checklist, Item
from radpipe.prognosis.report.checklists.known import Known
from radpipe.prognosis.report.sources import find_extraction
from radpipe.prognosis.report.words import listed, sentences
from radpipe.store.files import whole_file

UNKNOWN = "not known to the software"
_COLUMNS = (
    "No.",
    "Asked of",
    "Section",
    "Topic",
    "What is asked",
    "Answer",
    "Yours to add",
    "Page",
)
# Other names of the modalities that the checklists name.
_MODALITY = {"MR": "MRI", "PT": "PET", "NM": "SPECT", "PET/CT": "PET"}
_MODALITIES = {"CT", "MRI", "PET", "SPECT"}
_EARLIER = re.compile(r"earlier-(\d+)")


@dataclass(frozen=True)
class Line:
    """An item and what the software answers.

    Attributes
    ----------
    item : Item
        The item.
    answer : str
        What is known, or that nothing is.
    rest : str
        What its authors have to add.
    """

    item: Item
    answer: str
    rest: str

    @property
    def known(self) -> bool:
        """Whether the software had anything to say."""
        return self.answer != UNKNOWN


def write_checklists(
    evaluation: str | Path, out: str | Path, run: str | Path | None = None
) -> list[Path]:
    """Write every checklist, prefilled, as a page and as a table.

    Files that are there with another content, such as page numbers that somebody filled in, are
    moved to a folder ``earlier-N``.

    Parameters
    ----------
    evaluation : str or Path
        Directory that ``radpipe evaluate`` or ``radpipe validate`` wrote.
    out : str or Path
        The folder to make or fill.
    run : str or Path, optional
        The extraction run behind it; by default the one that the evaluation names.

    Returns
    -------
    list of Path
        The files: of each checklist an HTML page and a CSV table.

    Raises
    ------
    RunError
        There is no evaluation or no run where one was named, or a file cannot be written.
    TableError
        A table of the evaluation cannot be read.
    """
    folder, out = Path(evaluation), Path(out)
    found = Evaluation.load(folder)
    extraction = find_extraction(found.metrics, folder, None if run is None else Path(run))
    known = Known.of(found, extraction.cases)
    content = {name: text for each in CHECKLISTS for name, text in _files(each, known)}
    try:
        out.mkdir(exist_ok=True)
        _set_aside(out, content)
        return [_write(out / name, text) for name, text in content.items()]
    except OSError as error:
        raise RunError(
            "cannot write the checklists",
            where=str(out),
            found=error.strerror,
            expected="a folder that can be written to",
            remedy="close the files in it, or name a report in another folder with --out",
        ) from error


def folder_beside(page: Path) -> Path:
    """Name the folder of a page's checklists.

    Parameters
    ----------
    page : Path
        The report.

    Returns
    -------
    Path
        After the page: two reports in one folder keep theirs.

    Examples
    --------
    >>> folder_beside(Path("lung.html")).name
    'lung-checklists'
    """
    return page.with_name(f"{page.stem}-checklists")


def lines_of(checklist: Checklist, known: Known) -> list[Line]:
    """Answer the items of one checklist.

    Parameters
    ----------
    checklist : Checklist
        The checklist.
    known : Known
        What is known.

    Returns
    -------
    list of Line
        One an item, in its order.
    """
    return [_line(item, known) for item in checklist.items()]


def _line(item: Item, known: Known) -> Line:
    beside = _beside_the_point(item, known)
    if beside is not None:
        return Line(item, beside, "")
    answer = sentences((ANSWERS[name](known) for name in item.answers), by="\n")
    if answer is None:
        return Line(item, UNKNOWN, "all of it")
    return Line(item, answer, item.rest)


def _beside_the_point(item: Item, known: Known) -> str | None:
    """Tell why an item about another modality needs no answer."""
    asked = set(item.applies.split()) & _MODALITIES
    there = {_MODALITY.get(name.upper(), name.upper()) for name in known.modalities}
    # A name that is not understood may be any modality.
    if not asked or not there or there & asked or not there <= _MODALITIES:
        return None
    return f"Does not apply: the cases are {listed(known.modalities)}."


def _files(checklist: Checklist, known: Known) -> Iterator[tuple[str, str]]:
    lines = lines_of(checklist, known)
    yield f"{checklist.name}.html", _page(checklist, known, lines)
    yield f"{checklist.name}.csv", _table(lines)


def _page(checklist: Checklist, known: Known, lines: list[Line]) -> str:
    facts: dict[str, Any] = {
        "checklist": checklist,
        "columns": _COLUMNS,
        "sections": [[*group] for _, group in groupby(lines, lambda line: line.item.section)],
        "lines": len(lines),
        "answered": sum(line.known for line in lines),
        "version": known.get("versions", "radpipe"),
    }
    return filled(__package__, "checklist", facts, scripted=False)


def _table(lines: list[Line]) -> str:
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for line in lines:
        item = line.item
        asked = (item.number, item.applies, item.section, item.topic, item.asks)
        rows.writerow([*asked, line.answer, line.rest, ""])
    return text.getvalue()


def _set_aside(out: Path, content: dict[str, str]) -> None:
    """Keep what somebody may have filled in, or another report's checklists."""
    changed = [name for name in content if _differs(out / name, content[name])]
    if not changed:
        return
    taken = [_EARLIER.fullmatch(place.name) for place in out.iterdir()]
    folder = out / f"earlier-{1 + max((int(name[1]) for name in taken if name), default=0)}"
    folder.mkdir()
    for name in changed:
        (out / name).rename(folder / name)


def _differs(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() != _bytes(text)


def _write(path: Path, text: str) -> Path:
    with whole_file(path) as part:
        part.write_bytes(_bytes(text))
    return path


def _bytes(text: str) -> bytes:
    # The mark tells spreadsheets that this is UTF-8; a page says so itself.
    return text.encode("utf-8" if text.startswith("<!") else "utf-8-sig")
