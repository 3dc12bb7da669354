"""The page of a run's cases."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from radpipe.extraction.overview import words
from radpipe.extraction.overview.cases import FLAGS, Cases, Record, cases_of
from radpipe.pages import filled, write_page
from radpipe.store import Run
from radpipe.store.files import read_json
from radpipe.store.run import FINISHED

PAGE_NAME = "report.html"
# Key in the page's data, heading, whether it holds numbers.
_COLUMNS = (
    ("case_id", "Case", False),
    ("patient_id", "Patient", False),
    ("modality", "Modality", False),
    ("roi", "ROI", False),
    ("label", "Label", True),
    ("voxels", "ROI voxels", True),
    ("volume_mm3", "Volume, ml", True),
    ("undefined", "Undefined", True),
    ("seconds", "Seconds", True),
    ("error", "Failure", False),
    ("flags", "Flags", False),
)
_OFTEN_EMPTY = {"modality", "roi", "error"}


def write_overview(run: str | Path, out: str | Path | None = None) -> Path:
    """Write a page of a run's cases: failures first, then every contour, with flags.

    The page needs no network; it shows the pictures of the run's folder ``qc`` by relative links.

    Parameters
    ----------
    run : str or Path
        Run directory, finished or not.
    out : str or Path, optional
        The HTML file to make or replace; ``report.html`` in the run directory by default.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RunError
        The directory is no run, or the file cannot be written.
    TableError
        A table of the run cannot be read.
    """
    source = Run(Path(run))
    out = source.path / PAGE_NAME if out is None else Path(out)
    html = filled(__package__, "overview", page_content(source, out.parent))
    return write_page(html, out, "page")


def page_content(run: Run, folder: Path) -> dict[str, Any]:
    """Gather what the template shows.

    Parameters
    ----------
    run : Run
        The run.
    folder : Path
        Where the page will lie; links to pictures start there.

    Returns
    -------
    dict
        The template's variables; text in it is not yet escaped.

    Raises
    ------
    RunError
        The directory is no run.
    """
    finished = run.state() == FINISHED
    facts = read_json(run.facts_path)
    cases = cases_of(run)
    patches = words.is_of_patches(facts)
    return {
        "name": _name(run.path.resolve()),
        "headline": words.headline(
            cases, words.planned(facts, cases), finished, words.made_of_a_case(facts)
        ),
        "unfinished": None if finished else words.unfinished(run),
        "counts": words.counts(cases, facts),
        "facts": words.facts_in_words(facts),
        "settings": json.dumps(facts.get("settings", {}), indent=1, sort_keys=True),
        "errors": Counter(case["error"] for case in cases.failed).most_common(),
        "failures": cases.failed,
        "cases": [_shown(case, run.path, folder) for case in cases.all],
        "columns": _columns_of(cases, patches),
        **_flags(cases.all, patches),
    }


def _name(path: Path) -> str:
    # A run of patches has the same name wherever it is.
    return (
        f"{path.parent.name}/{path.name}" if path == Run(path.parent).patch_run.path else path.name
    )


def _flags(cases: list[Record], patches: bool) -> dict[str, Any]:
    counts = Counter(key for case in cases for key in case["flags"])
    flags = [flag for flag in FLAGS if flag.of_patches in (None, patches)]
    return {
        "flag_names": {flag.key: flag.name for flag in flags},
        "flags": [(flag, counts[flag.key]) for flag in flags],
        "unflagged": sum(not case["flags"] for case in cases),
    }


def _columns_of(cases: Cases, patches: bool) -> list[tuple[str, str, bool]]:
    return [
        column
        for column in _COLUMNS
        if (column[0] not in _OFTEN_EMPTY or any(case[column[0]] for case in cases.all))
        and not (patches and column[0] == "undefined")
    ]


def _shown(case: Record, run: Path, folder: Path) -> Record:
    """Add to a record its numbers as text, once for the table and the script alike."""
    numbers = {
        "label": "" if case["label"] is None else str(case["label"]),
        "voxels": words.whole(case["voxels"]),
        "volume_mm3": words.millilitres(case["volume_mm3"]),
        "undefined": words.whole(case["undefined"]),
        "seconds": words.seconds(case["seconds"]),
    }
    return {**case, "text": numbers, "picture": _link(case["picture"], run, folder)}


def _link(picture: str, run: Path, folder: Path) -> str:
    """Return a picture's address as seen from the page; empty where there is none."""
    path = run / picture
    # A run from elsewhere may name any file of this machine; only its own pictures are shown.
    inside = path.resolve().is_relative_to(run.resolve())
    if not picture or not inside or not path.is_file():
        return ""
    try:
        return quote(Path(os.path.relpath(path, folder)).as_posix())
    except ValueError:
        # Another drive of Windows.
        return path.absolute().as_uri()
