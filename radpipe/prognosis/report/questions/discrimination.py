"""How well it discriminates over time."""

from __future__ import annotations

import numpy as np

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Chart, Column, Data, Grid, Section, Text
from radpipe.prognosis.report.evidence import Evidence, Judged, estimate
from radpipe.prognosis.report.figures import Line, Lines, lines_figure
from radpipe.prognosis.report.figures.style import pens
from radpipe.prognosis.report.roc import mean_roc


def section(evidence: Evidence) -> Section | None:
    """Show the AUC at each horizon, or the ROC curve where the endpoint has no times.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None without a horizon.
    """
    if evidence.binary:
        return _roc(evidence)
    question = "How well does it discriminate over time?"
    refused = _refused(evidence)
    if not any(_aucs(model, evidence) for model in evidence.models):
        return Section("discrimination", question, None, refused) if refused else None
    return Section(
        "discrimination",
        question,
        _answer(evidence),
        [_chart(evidence), _table(evidence), *refused],
    )


def _aucs(model: Judged, evidence: Evidence) -> bool:
    return any(estimate(model.at(time).get("auc")) for time in evidence.horizons)


def _answer(evidence: Evidence) -> str | None:
    main = evidence.main
    if main is None:
        return None
    told = [
        f"{words.number(found.value)} at {words.moment(time, evidence.axis)}"
        for time in evidence.horizons
        if (found := estimate(main.at(time).get("auc"))) is not None
    ]
    return f"AUC of the {words.lower(main.title)}: {', '.join(told)}." if told else None


def _chart(evidence: Evidence) -> Chart:
    models = [model for model in evidence.compared if _aucs(model, evidence)]
    drawn = pens([model.key for model in evidence.models])
    times = np.array([float(time or 0) for time in evidence.horizons]) / evidence.axis.divisor
    # Points at one horizon stand side by side, or intervals would hide each other.
    step = 0.018 * (np.ptp(times) or times.max())
    lines, rows = [], []
    for place, model in enumerate(models):
        found = [estimate(model.at(time).get("auc")) for time in evidence.horizons]
        ends = np.array([one or (np.nan,) * 3 for one in found], dtype=float)
        beside = times + step * (place - (len(models) - 1) / 2)
        y, low, high = ends.T
        lines.append(Line(model.title, drawn[model.key], beside, y, low, high, points=True))
        rows += [(model.title, time, *end) for time, end in zip(times, ends.tolist(), strict=True)]
    label = evidence.axis.label
    frame = Lines(label, "AUC at that time", level=0.5, ticks=[round(time, 1) for time in times])
    return Chart(
        lines_figure(lines, frame),
        f"AUC at each horizon with 95 % interval, {words.counted(len(models), 'model')}; values in "
        "the table.",
        "Time-dependent AUC (cumulative cases, dynamic controls, weighted for censoring) with 95 % "
        f"interval; the dashed line is chance.{_left_to_the_table(evidence, models)}",
        Data("auc_over_time", ("model", label.lower(), "auc", "low", "high"), rows),
    )


def _left_to_the_table(evidence: Evidence, drawn: list[Judged]) -> str:
    return " The table has all models." if len(drawn) < len(evidence.models) else ""


def _table(evidence: Evidence) -> Grid:
    columns = [
        Column("AUC at"),
        *(Column(words.moment(time, evidence.axis), True) for time in evidence.horizons),
    ]
    rows = [
        [Cell(model.title), *(_cell(model, time) for time in evidence.horizons)]
        for model in evidence.models
    ]
    return Grid("AUC over time", columns, rows)


def _cell(model: Judged, time: float | None) -> Cell:
    found = estimate(model.at(time).get("auc"))
    return Cell(words.span(found), None if found is None else found.value)


def _refused(evidence: Evidence) -> list[Block]:
    return [
        Text(f"Not judged at {words.moment(float(time), evidence.axis)}: {why}.", soft=True)
        for time, why in evidence.metrics["design"].get("refused_horizons") or []
    ]


def _roc(evidence: Evidence) -> Section:
    drawn = pens([model.key for model in evidence.models])
    lines, rows = [], []
    for model in evidence.compared:
        across, up = mean_roc(evidence.predictions, model.key)
        if len(across):
            lines.append(Line(model.title, drawn[model.key], 100 * across, 100 * up))
            rows += [(model.title, *point) for point in zip(across, up, strict=True)]
    even = np.array([0.0, 100.0])
    lines.append(Line("Chance", None, even, even))
    within = "" if evidence.validation else "Averaged over test folds at each false positive rate. "
    chart = Chart(
        lines_figure(
            lines,
            Lines("Flagged without the event (%)", "Flagged with it (%)", (0, 100), (0, 101)),
        ),
        "ROC curves: share of patients with the event that is flagged, against share without.",
        f"ROC curves. {within}The area under each is its AUC.",
        Data("roc", ("model", "false_positive_rate", "true_positive_rate"), rows),
    )
    main = evidence.main
    told = None if main is None else main.interval("auc")
    answer = None if told is None else f"AUC {words.with_interval(told)}."
    return Section("discrimination", "How well does it discriminate?", answer, [chart])
