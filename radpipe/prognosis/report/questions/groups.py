"""Whether it separates patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radpipe.prognosis.evaluation.results import COHORT
from radpipe.prognosis.report import curves, words
from radpipe.prognosis.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Column,
    Data,
    Grid,
    Heading,
    Section,
    Text,
)
from radpipe.prognosis.report.evidence import Evidence, Judged
from radpipe.prognosis.report.figures import kaplan_meier_figure
from radpipe.prognosis.survival.observed_risk import wilson

_BANDS = "Bands are pointwise 95 % intervals; ticks mark censored patients."
_COUNTS = (Column("Patients", True), Column("Events", True))


def section(evidence: Evidence) -> Section:
    """Show what became of patients with high and with low scores.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section
        Kaplan-Meier curves; shares for a binary endpoint.
    """
    shown = [
        _shares(model, evidence) if evidence.binary else _survival(model, evidence)
        for model in evidence.compared
    ]
    told = grouping(evidence) if evidence.binary else f"{grouping(evidence)} {_BANDS}"
    question = "Does it separate patients?"
    return Section("groups", question, _answer(evidence), [Text(told), Beside(shown)])


def grouping(evidence: Evidence) -> str:
    """Say how patients came into their risk groups.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    str
        Text, not yet escaped.
    """
    if not evidence.validation:
        return (
            f"Every patient was put into a group by a {evidence.risk_name} from a model that had "
            "not seen this patient; the cut is the median of that fold's training patients, and a "
            "patient belongs to the group of most repeats."
        )
    cuts = evidence.metrics["design"].get("cuts") or {}
    high = "a high score" if evidence.binary else "high risk"
    return " ".join(
        f"{model.title}: {high} is above the median of {_patients(cuts.get(model.key))}."
        for model in evidence.compared
    )


def _patients(cut: str | None) -> str:
    if cut == COHORT:
        return "this cohort's own patients, as that of the training patients is not known"
    return "the patients that the model was trained on"


def _answer(evidence: Evidence) -> str | None:
    main = evidence.main
    if main is None or evidence.binary:
        return None
    test = main.facts.get("log_rank") or {}
    if test.get("statistic") is None:
        return None
    return f"{main.title}: {_log_rank(test)}."


def _log_rank(test: Mapping[str, Any]) -> str:
    statistic = f"log-rank χ² = {words.number(test['statistic'], 1)}"
    if test.get("p") is None:
        return statistic
    return f"{statistic}, {words.p_value(test['p'], test.get('permutations'))}"


def _survival(model: Judged, evidence: Evidence) -> list[Block]:
    axis = evidence.axis
    groups = curves.group_of_patient(evidence.predictions, model.key)
    estimated = curves.group_curves(groups, axis)
    unit = axis.label.lower()
    told = " ".join(
        f"{one.group.capitalize()} risk: {words.counted(one.patients, 'patient')}, "
        f"{words.counted(one.events, 'event')}, median {_median(one, unit)}."
        for one in estimated
    )
    test = model.facts.get("log_rank") or {}
    tested = f" Between them: {_log_rank(test)}." if test.get("statistic") is not None else ""
    points = [
        (one.group, *point)
        for one in estimated
        for point in zip(one.times, one.survival, one.low, one.high, strict=True)
    ]
    names = ("group", unit, "survival", "low", "high")
    return [
        Heading(model.title),
        Chart(
            kaplan_meier_figure(estimated, axis),
            f"Kaplan–Meier curves, {words.lower(model.title)}. {told}",
            f"Kaplan–Meier curves by risk group; event: {evidence.event}.{tested}",
            Data(f"kaplan_meier_{model.key}", names, points),
        ),
        _halves(estimated, unit),
        _at_ticks(estimated, axis),
    ]


def _median(curve: curves.Curve, unit: str) -> str:
    median = curve.median()
    return "not reached" if median is None else f"{median:.1f} {unit}"


def _halves(estimated: list[curves.Curve], unit: str) -> Grid:
    rows = [
        [
            Cell(one.group.capitalize(), mark=one.group),
            Cell(str(one.patients)),
            Cell(str(one.events)),
            Cell("not reached" if one.median() is None else words.number(one.median(), 1)),
        ]
        for one in estimated
    ]
    columns = [Column("Risk"), *_COUNTS, Column(f"Median, {unit}", True)]
    return Grid("Risk groups", columns, rows, sortable=False)


def _at_ticks(estimated: list[curves.Curve], axis: curves.TimeAxis) -> Grid:
    columns = [
        Column(f"% without event at ({axis.label.lower()})"),
        *(Column(f"{one.group.capitalize()} risk", True) for one in estimated),
    ]
    rows = [
        [Cell(f"{tick:g}"), *(Cell(percent_at(one.at(tick))) for one in estimated)]
        for tick in axis.ticks[1:]
    ]
    return Grid("Survival by risk group", columns, rows, sortable=False)


def percent_at(point: tuple[float, float, float] | None) -> str:
    """Write a point of a curve and its band.

    Parameters
    ----------
    point : tuple of float or None
        Survival and band.

    Returns
    -------
    str
        In per cent; a dash for what is not defined.
    """
    if point is None:
        return words.MISSING
    survival, low, high = (100 * value for value in point)
    # Before the first event and after the last patient's the band is not defined.
    if low != low or low == high:
        return f"{survival:.0f} ({words.MISSING})"
    return f"{survival:.0f} {words.bracket(f'{low:.0f}', f'{high:.0f}')}"


def _shares(model: Judged, evidence: Evidence) -> list[Block]:
    groups = curves.group_of_patient(evidence.predictions, model.key)
    rows = []
    for group in curves.GROUPS:
        part = groups[groups["group"] == group]
        if len(part):
            share, low, high = wilson(float(part["event"].mean()), len(part))
            told = percent_at((share, low, high))
            counts = (Cell(str(len(part))), Cell(str(int(part["event"].sum()))))
            rows.append([Cell(group.capitalize(), mark=group), *counts, Cell(told)])
    columns = [Column("Score"), *_COUNTS, Column("% with event", True)]
    return [Heading(model.title), Grid("Groups by score", columns, rows, sortable=False)]
