"""Patients beside those who looked alike to an encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from radpipe.pages import filled, write_page
from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Gallery, Heading, Points, Section, Text
from radpipe.prognosis.report.curves import TimeAxis, time_axis
from radpipe.prognosis.report.gallery import Picture
from radpipe.prognosis.report.thumbnails import Thumbnails
from radpipe.store import Run

MOST_SHOWN = 50
NO_PROOF = (
    "Likeness is no proof: the encoder may find alike what differs in all that matters, and what "
    "became of a few patients foretells nothing of another one."
)
HOW = (
    "Beside each patient stand the training patients whose embeddings point the same way, the "
    "nearest first; a cosine of 1 would be the same direction, 0 none in common. Outcomes played "
    "no part in the choice."
)


class Similar(NamedTuple):
    """A training patient.

    Attributes
    ----------
    case_id : str
        Who.
    outcome : str
        What became of him, in words.
    cosine : float
        Of his embedding with the other patient's.
    """

    case_id: str
    outcome: str
    cosine: float


def beside(
    case: str, outcome: str, similar: Sequence[Similar], own: Thumbnails, theirs: Thumbnails
) -> Block:
    """Put similar training patients beside a patient.

    Parameters
    ----------
    case : str
        His case.
    outcome : str
        What is known of him, in words.
    similar : sequence of Similar
        The nearest first.
    own, theirs : Thumbnails
        Of his run, and of the training run.

    Returns
    -------
    Block
        Pictures, or sentences where his patch is not kept.
    """
    picture = own.of(case)
    if picture is None:
        return Points([f"{each.case_id}: {each.outcome}, {_likeness(each)}" for each in similar])
    pictures = [Picture(_alt(case), [case, "this patient", outcome], picture)]
    for each in similar:
        lines = [each.case_id, each.outcome, _likeness(each)]
        pictures.append(Picture(_alt(each.case_id), lines, theirs.of(each.case_id)))
    return Gallery(pictures)


def write_similar(
    scores: pd.DataFrame, endpoint: Mapping[str, Any], run: Path, training: Path, out: Path
) -> Path:
    """Write a page of predicted patients, and of the training patients most like each.

    Parameters
    ----------
    scores : DataFrame
        What ``predict`` returned with ``similar``.
    endpoint : mapping
        Of the model.
    run, training : Path
        The runs of `radpipe embed` that hold their patches, or their tables.
    out : Path
        The HTML file to make or replace.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    RunError
        It cannot be written.
    """
    shown = scores.sort_values("risk_score", ascending=False, kind="stable").head(MOST_SHOWN)
    thumbnails = Thumbnails(_run_of(run)), Thumbnails(_run_of(training))
    axis = _axis(scores, endpoint)
    blocks: list[Block] = [Text(HOW)]
    for given, kept in zip((run, training), thumbnails, strict=True):
        if not kept.found:
            blocks.append(Text(f"No pictures of {given}: it keeps no patches of radpipe embed."))
    for place, row in enumerate(shown.to_dict("records"), 1):
        percentile = row["similar_percentile"]
        blocks += [
            Heading(f"{row['case_id']}: number {place} of {len(scores)} by risk"),
            Text(farther(percentile), soft=True),
            beside(row["case_id"], f"{row['group']} risk", [*_similar(row, axis)], *thumbnails),
        ]
    answer = words.sentences([_those(len(shown), len(scores)), NO_PROOF])
    content = {
        "endpoint": endpoint,
        "patients": len(scores),
        "kind": "prediction",
        "headline": "Which training patients looked most alike, and what became of them",
        "lead": [],
        "scale": "",
        "banners": [],
        "sections": [Section("similar", "Which patients looked alike?", answer, blocks)],
    }
    return write_page(filled(__package__, "report", content), out, "report")


def _run_of(table: Path) -> Run:
    """Find the run that a table lies in."""
    return Run(table.parent if table.is_file() else table)


def farther(percentile: float) -> str:
    """Tell how near the nearest similar patient is.

    Parameters
    ----------
    percentile : float
        How many percent of the training patients have someone more like them.

    Returns
    -------
    str
        A sentence.
    """
    return (
        f"{percentile:.0f} % of the training patients have someone more like them than this "
        "patient has."
    )


def _similar(row: Mapping[Any, Any], axis: TimeAxis | None) -> Iterator[Similar]:
    rank = 1
    while f"similar_{rank}" in row:
        case, event = row[f"similar_{rank}"], row[f"similar_{rank}_event"]
        if isinstance(case, str):
            time = row.get(f"similar_{rank}_time")
            yield Similar(case, _outcome(event, time, axis), row[f"similar_{rank}_cosine"])
        rank += 1


def _outcome(event: Any, time: float | None, axis: TimeAxis | None) -> str:
    if axis is None:
        return "event" if event else "no event"
    return f"{'event' if event else 'censored'} at {words.moment(time, axis)}"


def _axis(scores: pd.DataFrame, endpoint: Mapping[str, Any]) -> TimeAxis | None:
    times = scores.filter(regex=r"^similar_\d+_time$").to_numpy(float)
    if endpoint["time"] is None or not times.size:
        return None
    return time_axis(endpoint["time"], float(pd.DataFrame(times).max().max()))


def _those(shown: int, patients: int) -> str:
    if shown == patients:
        return f"All {words.counted(patients, 'patient')}, the highest risk first."
    return f"The {shown} of {patients} patients at the highest risk; all are in the table."


def _likeness(each: Similar) -> str:
    return f"cosine {each.cosine:.2f}"


def _alt(case: str) -> str:
    return f"Axial plane of the patch of case {case} with the ROI's contour"
