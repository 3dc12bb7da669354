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

_COLUMNS = ("Observed / expected", "Slope", "Intercept", "Brier score", "Without predictors")
_HELP = (
    "Points: groups of patients with similar predictions, their intervals 95 %. Observed / "
    "expected above 1: the model predicts too little. Slope below 1: predictions are too extreme. "
    "Intercept: by how much the average prediction is off, on the model's own scale; 0 is right."
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
    blocks: list[Block] = [*([Beside(charts)] if charts else []), Text(_HELP, soft=True)]
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
        calibration_figure(points, f"risk{when}"),
        f"Calibration of the {words.lower(model.title)}{when}: {told}.",
        f"{model.title}{when}: {words.counted(len(points), 'group')} of patients; dashed: "
        "perfect agreement.",
        Data(f"calibration{suffix}", names, [[point[name] for name in names] for point in points]),
    )


def _table(evidence: Evidence) -> Grid:
    columns = [
        Column("Model"),
        *([] if evidence.binary else [Column("By", True)]),
        *(Column(title, True) for title in _COLUMNS),
    ]
    rows = [
        [Cell(model.title), *_when(time, evidence), *_cells(model.at(time))]
        for model in evidence.models
        for time in evidence.horizons
        if model.at(time)
    ]
    return Grid("Calibration of all models", columns, rows)


def _when(time: float | None, evidence: Evidence) -> list[Cell]:
    return [] if time is None else [Cell(words.moment(time, evidence.axis), time)]


def _cells(entry: Mapping[str, Any]) -> list[Cell]:
    found = entry.get("calibration") or {}
    ratio = estimate(found.get("ratio"))
    return [
        Cell(words.span(ratio), None if ratio is None else ratio.value),
        *(_value(found.get(name), 2) for name in ("slope", "intercept")),
        *(_value(entry.get(name), 3) for name in ("brier", "brier_null")),
    ]


def _value(value: float | None, digits: int) -> Cell:
    return Cell(words.number(value, digits), value)


def _recalibrated(evidence: Evidence) -> list[Block]:
    """Show apart what the model would be if it were fitted anew to these patients' average."""
    told = evidence.metrics.get("recalibrated") or {}
    models = [(model, told[model.key]) for model in evidence.models if told.get(model.key)]
    if not models:
        return []
    columns = [
        Column("Model"),
        *([] if evidence.binary else [Column("By", True)]),
        *(Column(title, True) for title in ("Slope applied", *_COLUMNS[:3])),
    ]
    rows = [
        [
            Cell(model.title),
            *_when(time, evidence),
            _value(facts.get("slope"), 2),
            *_cells({"calibration": entry})[:3],
        ]
        for model, facts in models
        for time, entry in zip(evidence.horizons, facts.get("horizons") or [], strict=False)
        if entry
    ]
    return [
        Heading("After recalibration on this cohort"),
        Text(
            "Slope and baseline were refitted on these very patients, so that this validates "
            "nothing: it tells whether a simple correction would do. Ranking is not changed."
        ),
        Grid("Calibration after recalibration", columns, rows),
    ]
