"""Which patients looked alike to the encoder, and what became of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Gallery, Heading, Points, Section, Text
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.gallery import Picture
from radpipe.prognosis.report.thumbnails import Thumbnails

MOST_SHOWN = 4
_FAR = 95.0
_NO_PROOF = (
    "Likeness is no proof: the encoder may find alike what differs in all that matters, and what "
    "became of a few patients foretells nothing of another one."
)
_HOW = (
    "Beside each patient stand the patients of the training folds whose embeddings point the same "
    "way, the nearest first; a cosine of 1 would be the same direction, 0 none in common. Outcomes "
    "played no part in the choice."
)


def section(evidence: Evidence) -> Section | None:
    """Show a few patients and those who looked most alike.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where no encoder was evaluated.
    """
    similar = evidence.similar
    if similar is None or similar.empty:
        return None
    risks = _risks(evidence, similar)
    blocks: list[Block] = [Text(_HOW)]
    outcomes = _outcomes(evidence)
    thumbnails = Thumbnails(evidence.extraction.embedded)
    for case in _spread(risks):
        rows = similar[similar["case_id"] == case].sort_values("rank")
        blocks += _patient(str(case), risks, rows, outcomes, thumbnails)
    answer = words.sentences([_far(similar), _NO_PROOF])
    return Section("similar", "Which patients looked alike?", answer, blocks)


def _risks(evidence: Evidence, similar: pd.DataFrame) -> pd.Series:
    """Average the main model's risk of each patient over the repeats, highest first."""
    rows = evidence.predictions
    main = evidence.main.key if evidence.main is not None else rows["model"].iloc[0]
    rows = rows[(rows["model"] == main) & rows["case_id"].isin(similar["case_id"])]
    return rows.groupby("case_id")["risk_score"].mean().sort_values(ascending=False)


def _spread(risks: pd.Series) -> list[Any]:
    places = np.linspace(0, len(risks) - 1, min(MOST_SHOWN, len(risks))).round().astype(int)
    return [risks.index[place] for place in places]


def _outcomes(evidence: Evidence) -> dict[str, str]:
    patients = evidence.patients
    events = np.where(patients["event"], "event", "no event" if evidence.binary else "censored")
    told = list(events)
    if not evidence.binary:
        times = (words.moment(time, evidence.axis) for time in patients["time"])
        told = [f"{event} at {time}" for event, time in zip(events, times, strict=True)]
    return dict(zip(patients["case_id"].astype("str"), map(str, told), strict=True))


def _far(similar: pd.DataFrame) -> str:
    percentile = similar.drop_duplicates("case_id")["distance_percentile"]
    far = int((percentile > _FAR).sum())
    return (
        f"Of {words.counted(len(percentile), 'patient')}, {far or 'none'} lie farther from the "
        f"nearest training patient than {_FAR:.0f} % of the training patients lie from theirs; to "
        "these nobody looked much alike."
    )


def _patient(
    case: str,
    risks: pd.Series,
    rows: pd.DataFrame,
    outcomes: dict[str, str],
    thumbnails: Thumbnails,
) -> list[Block]:
    higher = int((risks > risks[case]).sum())
    place = f"{higher + 1} of {len(risks)} by risk, the highest first"
    distance = float(rows["distance_percentile"].iloc[0])
    told: list[Block] = [
        Heading(f"{case}: {outcomes[case]}"),
        Text(
            f"Number {place}. {distance:.0f} % of the training patients have a nearer fellow than "
            "this patient has.",
            soft=True,
        ),
    ]
    fellows = [
        (str(other), outcomes.get(str(other), "outcome not known"), float(cosine))
        for other, cosine in zip(rows["similar"], rows["cosine"], strict=True)
    ]
    own = thumbnails.of(case)
    if own is None:
        sentences = [f"{other}: {what}, cosine {cosine:.2f}" for other, what, cosine in fellows]
        return [*told, Points(sentences)]
    pictures = [Picture(_alt(case), [case, "this patient", outcomes[case]], own)]
    for other, what, cosine in fellows:
        lines = [other, what, f"cosine {cosine:.2f}"]
        pictures.append(Picture(_alt(other), lines, thumbnails.of(other)))
    return [*told, Gallery(pictures)]


def _alt(case: str) -> str:
    return f"Axial plane of the patch of case {case} with the ROI's contour"
