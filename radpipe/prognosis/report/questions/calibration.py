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
from radpipe.prognosis.report.cells import interval_cell
from radpipe.prognosis.report.evidence import Evidence, Judged, estimate
from radpipe.prognosis.report.figures import calibration_figure
from radpipe.prognosis.report.slopes import ALIKE

_RATIO = "Observed / expected"
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
    columns = [_of_time(time, evidence) for time in evidence.horizons]
    told = _HELP + (_INTERCEPT if evidence.binary else _NO_SLOPE_AT_A_TIME)
    slopes = [_slopes(evidence), *_without_slope(evidence)]
    blocks: list[Block] = [Beside([*columns, slopes]), Text(told, soft=True)]
    blocks += _recalibrated(evidence)
    return Section("calibration", "Is it calibrated?", _answer(evidence), blocks)


def _calibration(model: Judged, time: float | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = model.at(time).get("calibration") or {}
    return found


def _answer(evidence: Evidence) -> str | None:
    main = evidence.main
    if main is None:
        return None
    told = []
    slope = _slope(main, evidence)
    if slope is not None:
        over = "" if evidence.binary else " over all times"
        told.append(f"calibration slope{over} {words.number(slope)} (1 is right)")
    elif main.facts.get("calibration_slope") is not None:
        told.append(f"no calibration slope, as {ALIKE}")
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


def _of_time(time: float | None, evidence: Evidence) -> list[Block]:
    """Put under each figure what is told of all models: no table is wider than a phone."""
    drawn = None if evidence.main is None else _chart(evidence.main, time, evidence)
    when = "" if time is None else f", {words.moment(time, evidence.axis)}"
    columns = [Column("Model"), Column(_RATIO, True), Column("Brier score", True)]
    told = (model.at(time).get("brier_null") for model in evidence.models)
    nulls: set[float] = {null for null in told if null is not None}
    rows = [
        [Cell(model.title), _ratio(_calibration(model, time)), _brier(model.at(time), nulls)]
        for model in evidence.models
    ]
    if len(nulls) == 1:
        rows.append([Cell("Without predictors"), Cell(words.MISSING), _value(min(nulls), 3)])
    titled = [] if time is None else [Heading(words.moment(time, evidence.axis).capitalize())]
    table = Grid(f"Calibration of all models{when}", columns, rows)
    return [*titled, *([] if drawn is None else [drawn]), table]


def _slopes(evidence: Evidence) -> Grid:
    columns = [
        Column("Model"),
        Column("Slope" if evidence.binary else "Slope over all times", True),
        *([Column("Intercept", True)] if evidence.binary else []),
    ]
    rows = [
        [
            Cell(model.title),
            _value(_slope(model, evidence), 2),
            *([_value(_calibration(model, None).get("intercept"), 2)] if evidence.binary else []),
        ]
        for model in evidence.models
    ]
    return Grid("Calibration slopes", columns, rows)


def _slope(model: Judged, evidence: Evidence) -> float | None:
    return evidence.slope(model.key, model.facts.get("calibration_slope"))


def _without_slope(evidence: Evidence) -> list[Block]:
    names = [
        model.title
        for model in evidence.models
        if model.facts.get("calibration_slope") is not None and _slope(model, evidence) is None
    ]
    told = f"{words.MISSING}: {ALIKE}, so that a slope means nothing ({', '.join(names)})."
    return [Text(told, soft=True)] if names else []


def _ratio(found: Mapping[str, Any]) -> Cell:
    return interval_cell(estimate(found.get("ratio")))


def _brier(entry: Mapping[str, Any], nulls: set[float]) -> Cell:
    null = entry.get("brier_null")
    # One that is the same for all has a row of its own.
    own = null is not None and len(nulls) > 1
    note = f"without predictors {words.number(null, 3)}" if own else None
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
    columns = [
        Column("Model"),
        Column("Slope applied", True),
        *(
            Column(
                _RATIO if time is None else f"{_RATIO}, {words.moment(time, evidence.axis)}", True
            )
            for time in evidence.horizons
        ),
    ]
    rows = [
        [
            Cell(model.title),
            _value(evidence.slope(model.key, again.facts.get("slope")), 2),
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
