"""What a model of an embedding looks at."""

from __future__ import annotations

from typing import Any

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Column, Data, Gallery, Grid, Section, Text
from radpipe.prognosis.report.evidence import Evidence, model_title
from radpipe.prognosis.report.explained import Explained
from radpipe.prognosis.report.gallery import Picture

# Rank correlation with the map of a network that learnt nothing, above which a map shows little
# of what was learnt.
TOO_ALIKE = 0.5
_HOW = {
    "occlusion": (
        "Part after part of the image, each a quarter of the patch's side long, was hidden under "
        "the patch's mean intensity, and the whole model asked again. Red: the risk falls where "
        "this is hidden, so what is there raises it. Blue: what is there lowers it."
    ),
    "gradcam": (
        "Grad-CAM: how places on the encoder's own maps move the risk, no sharper than these maps "
        "are. Red: what is there raises the risk. Blue: it lowers it. By how much it does not tell."
    ),
}
_LIMIT = (
    "All pictures share one scale; what has no colour moves nothing. The contour is the ROI. "
    "A map tells what moves this model; whether that is the tumour's biology it does not tell."
)
_DATA = ("case_id", "risk", "strongest", "share_inside", "roi_share", "randomised")


def section(evidence: Evidence) -> Section | None:
    """Show what moves the risk of some patients.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where nothing was explained.
    """
    explained = evidence.explained
    if explained is None:
        return None
    blocks: list[Block] = [
        Text(_against_chance(explained.cases)),
        Text(f"{_HOW.get(explained.method, explained.method)} {_LIMIT}"),
        Gallery([_picture(case) for case in explained.cases], large=True),
        _table(explained.cases),
        Text(_whose(explained, "log-odds" if evidence.binary else "log-hazard"), soft=True),
    ]
    return Section("attention", "What does it look at?", _inside(explained.cases), blocks)


def _inside(cases: list[dict[str, Any]]) -> str:
    even = [case for case in cases if (case["share_inside"] or 0.0) <= case["roi_share"]]
    if not even:
        return (
            "In every case that was explained, more of what moves the risk lies inside the ROI "
            "than if the model looked at all of the patch alike."
        )
    return (
        f"Beware: in {_of(even, cases)} no more of what moves the risk lies inside the ROI than if "
        "the model looked at all of the patch alike. There it may go by the surroundings, or by "
        f"how the image was taken: {_names(even)}."
    )


def _against_chance(cases: list[dict[str, Any]]) -> str:
    known = [case for case in cases if case["randomised"] is not None]
    alike = [case for case in known if case["randomised"] > TOO_ALIKE]
    if alike:
        return (
            f"Beware: in {_of(alike, cases)} the same network with random weights gives much the "
            f"same map (rank correlation above {TOO_ALIKE}). Such a map shows the image, and "
            f"little of what was learnt: {_names(alike)}."
        )
    if not known:
        return "No map could be held against that of a network with random weights: all are flat."
    most = max(case["randomised"] for case in known)
    return (
        "The same network with random weights gives other maps (rank correlation at most "
        f"{words.number(most)}): the maps depend on what was learnt."
    )


def _of(some: list[dict[str, Any]], cases: list[dict[str, Any]]) -> str:
    return f"{len(some)} of {words.counted(len(cases), 'case')}"


def _names(cases: list[dict[str, Any]]) -> str:
    return words.listed([case["case_id"] for case in cases])


def _picture(case: dict[str, Any]) -> Picture:
    risk = words.number(case["risk"], signed=True)
    told = (
        f"Three planes of case {case['case_id']}, above the image, below what moves the risk: "
        f"{words.percent(case['share_inside'])} of it inside the ROI."
    )
    return Picture(told, [case["case_id"], f"risk {risk}"], case["picture"])


def _table(cases: list[dict[str, Any]]) -> Grid:
    columns = [
        Column("Case"),
        Column("Risk", True),
        Column("Strongest", True),
        Column("Inside the ROI", True),
        Column("ROI of the patch", True),
        Column("Like random weights", True),
    ]
    rows = [
        [
            Cell(case["case_id"]),
            Cell(words.number(case["risk"], signed=True), case["risk"]),
            Cell(_small(case["strongest"]), case["strongest"]),
            Cell(words.percent(case["share_inside"]), case["share_inside"]),
            Cell(words.percent(case["roi_share"]), case["roi_share"]),
            Cell(words.number(case["randomised"]), case["randomised"]),
        ]
        for case in cases
    ]
    data = Data("attention", _DATA, [[case[name] for name in _DATA] for case in cases])
    return Grid("What moves the risk", columns, rows, data)


def _small(value: float | None) -> str:
    return words.number(value, 2 if value is None or value >= 0.1 else 4)


def _whose(explained: Explained, unit: str) -> str:
    strongest = f"the largest change of it where a part is hidden, in {unit} too"
    if explained.method != "occlusion":
        strongest = "the strongest place, in a unit of its own"
    return (
        f"Risk in {unit}; {strongest}; the share of all that moves it which lies inside the ROI, "
        "beside the ROI's share of the patch; the rank correlation with the map of the same "
        "network with random weights (Adebayo et al. 2018): near 1, the map does not depend on "
        "what was learnt. Explained is one model, "
        f"{words.lower(model_title(explained.model))} ({explained.encoder}), as radpipe train made "
        "it, perhaps of these very patients; all other figures of this page are of the models of "
        "the evaluation."
    )
