"""Which patients looked alike to the encoder, and what became of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Heading, Section, Text
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.similar import HOW, NO_PROOF, Similar, beside, farther
from radpipe.prognosis.report.thumbnails import Thumbnails

MOST_SHOWN = 4
_FAR = 95.0


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
    blocks: list[Block] = [Text(HOW)]
    outcomes = _outcomes(evidence)
    thumbnails = Thumbnails(evidence.extraction.embedded)
    for case in _spread(risks):
        rows = similar[similar["case_id"] == case].sort_values("rank")
        blocks += _patient(str(case), risks, rows, outcomes, thumbnails)
    answer = words.sentences([_far(similar), NO_PROOF])
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
    percentile = similar.drop_duplicates("case_id")["similar_percentile"]
    far = int((percentile > _FAR).sum())
    told = (
        f"Of {words.counted(len(percentile), 'patient')}, {far or 'none'} lie farther from the "
        f"nearest training patient than {_FAR:.0f} % of the training patients lie from theirs"
    )
    return f"{told}; to these nobody looked much alike." if far else f"{told}."


def _patient(
    case: str,
    risks: pd.Series,
    rows: pd.DataFrame,
    outcomes: dict[str, str],
    thumbnails: Thumbnails,
) -> list[Block]:
    higher = int((risks > risks[case]).sum())
    place = f"Number {higher + 1} of {len(risks)} by risk, the highest first. "
    others = [
        Similar(str(other), outcomes.get(str(other), "outcome not known"), float(cosine))
        for other, cosine in zip(rows["similar"], rows["cosine"], strict=True)
    ]
    return [
        Heading(f"{case}: {outcomes[case]}"),
        Text(place + farther(float(rows["similar_percentile"].iloc[0])), soft=True),
        beside(case, outcomes[case], others, thumbnails, thumbnails),
    ]
