"""Whether it is calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radpipe.prognosis.report import words
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
from radpipe.prognosis.report.evidence import Evidence, Judged, estimate
from radpipe.prognosis.report.figures import calibration_figure

_RATIO, _BRIER = "Observed / expected", "Brier score"
_HELP = (
    "Points: groups of patients with similar predictions, their intervals 95 %. Observed / "
    "expected above 1: the model predicts too little. Slope below 1: predictions are too extreme."
)
_INTERCEPT = (
    " Intercept: by how much the average prediction is off, on the model's own scale; 0 is right."
)
# Without an interval it would only seem to contradict the slope of all times.
_NO_SLOPE_AT_A_TIME = (
    " A slope at one time alone rests on too few events to be shown; metrics.json has it."
)


def section(evidence: Evidence) -> Section | None:
    """Hold predicted risks against what happened.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where no model predicts a risk.
    """
    if not any(_calibration(model, t) for model in evidence.models for t in evidence.horizons):
        return None
    main = evidence.main
    charts: list[list[Block]] = [
        [drawn]
        for time in evidence.horizons
        if main is not None and (drawn := _chart(main, time, evidence)) is not None
    ]
    told = _HELP + (_INTERCEPT if evidence.binary else _NO_SLOPE_AT_A_TIME)
    blocks: list[Block] = [*([Beside(charts)] if charts else []), Text(told, soft=True)]
    blocks.append(_table(evidence))
    return Section(
        "calibration", "Is it calibrated?", _answer(evidence), [*blocks, *_recalibrated(evidence)]
    )


def _calibration(model: Judged, time: float | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = model.at(time).get("calibration") or {}
    return found


def _answer(evidence: Evidence) -> str | None:
    main = evidence.main
    if main is None:
        return None
    told = []
    slope = main.facts.get("calibration_slope")
    if slope is not None:
        over = "" if evidence.binary else " over all times"
        told.append(f"calibration slope{over} {words.number(slope)} (1 is right)")
    for time in evidence.horizons:
        found = _calibration(main, time)
        if found.get("observed") is not None:
            when = "" if time is None else f" by {words.moment(time, evidence.axis)}"
            told.append(
                f"{words.percent(found['observed'])} had the event{when}, "
                f"{words.percent(found['expected'])} was predicted"
            )
    return f"The {words.lower(main.title)}: {'; '.join(told)}." if told else None


def _chart(model: Judged, time: float | None, evidence: Evidence) -> Chart | None:
    points = _calibration(model, time).get("curve") or []
    if not points:
        return None
    when = "" if time is None else f" by {words.moment(time, evidence.axis)}"
    suffix = "" if time is None else f"_{time:g}"
    names = ("predicted", "observed", "low", "high", "patients")
    told = "; ".join(
        f"predicted {words.percent(point['predicted'])}, observed "
        f"{words.percent(point['observed'])} of {point['patients']:.0f}"
        for point in points
    )
    return Chart(
        calibration_figure(points, f"probability{when}"),
        f"Calibration of the {words.lower(model.title)}{when}: {told}.",
        f"{model.title}{when}: {words.counted(len(points), 'group')} of patients; dashed: "
        "perfect agreement.",
        Data(f"calibration{suffix}", names, [[point[name] for name in names] for point in points]),
    )


def _table(evidence: Evidence) -> Grid:
    columns = [
        Column("Model"),
        Column("Slope" if evidence.binary else "Slope over all times", True),
        *([Column("Intercept", True)] if evidence.binary else []),
        *_columns(_RATIO, evidence),
        *_columns(_BRIER, evidence),
    ]
    rows = [
        [
            Cell(model.title),
            _value(model.facts.get("calibration_slope"), 2),
            *([_value(_calibration(model, None).get("intercept"), 2)] if evidence.binary else []),
            *(_ratio(_calibration(model, time)) for time in evidence.horizons),
            *(_brier(model.at(time)) for time in evidence.horizons),
        ]
        for model in evidence.models
    ]
    return Grid("Calibration of all models", columns, rows)


def _columns(what: str, evidence: Evidence) -> list[Column]:
    return [
        Column(what if time is None else f"{what}, {words.moment(time, evidence.axis)}", True)
        for time in evidence.horizons
    ]


def _ratio(found: Mapping[str, Any]) -> Cell:
    ratio = estimate(found.get("ratio"))
    return Cell(words.span(ratio), None if ratio is None else ratio.value)


def _brier(entry: Mapping[str, Any]) -> Cell:
    null = entry.get("brier_null")
    note = None if null is None else f"without predictors {words.number(null, 3)}"
    return Cell(words.number(entry.get("brier"), 3), entry.get("brier"), note=note)


def _value(value: float | None, digits: int) -> Cell:
    return Cell(words.number(value, digits), value)


def _recalibrated(evidence: Evidence) -> list[Block]:
    """Show apart what the model would be if it were fitted anew to these patients' average."""
    told = evidence.metrics.get("recalibrated") or {}
    models = [
        (model, Judged(model.key, model.title, model.baseline, told[model.key]))
        for model in evidence.models
        if told.get(model.key)
    ]
    if not models:
        return []
    columns = [Column("Model"), Column("Slope applied", True), *_columns(_RATIO, evidence)]
    rows = [
        [
            Cell(model.title),
            _value(again.facts.get("slope"), 2),
            *(_ratio(_calibration(again, time)) for time in evidence.horizons),
        ]
        for model, again in models
    ]
    return [
        Heading("After recalibration on this cohort"),
        Text(
            "Slope and baseline were refitted on these very patients, so that this validates "
            "nothing: it tells whether a simple correction would do. Ranking is not changed."
        ),
        Grid("Calibration after recalibration", columns, rows),
    ]
