"""Whether acting on it would do more good than harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Beside, Block, Chart, Data, Section, Text
from radpipe.prognosis.report.evidence import Evidence, Judged
from radpipe.prognosis.report.figures import Line, Lines, lines_figure
from radpipe.prognosis.report.figures.style import Pen, pens
from radpipe.prognosis.report.overlap import overlap_of
from radpipe.prognosis.survival.endpoint import Floats

# Neighbouring thresholds.
_RUN = 3
_EVERYONE = Pen("#52606d", (0, (1, 1)), "")
_HELP = (
    "Net benefit: patients rightly flagged, less those flagged in vain weighted by the odds of the "
    "threshold, per patient. At a threshold of 20 % one accepts four needless treatments for a "
    "needed one. A model helps where its line is above those of all baselines, flagging everyone "
    "and flagging nobody among them; thresholds that nobody would act on say nothing."
)
# Below that a line hangs on single patients.
_FLAGGED = 5


def section(evidence: Evidence) -> Section | None:
    """Draw the decision curves.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where no model has any.
    """
    charts: list[list[Block]] = [
        [drawn] for time in evidence.horizons if (drawn := _chart(evidence, time)) is not None
    ]
    if not charts:
        return None
    told = [said for time in evidence.horizons if (said := _said(evidence, time)) is not None]
    if told and overlap_of(evidence.metrics) is not None:
        told.append("The curves flatter a model that knew some of these patients.")
    answer = " ".join(told)
    question = "Would acting on it do more good than harm?"
    return Section("decisions", question, answer or None, [Beside(charts), Text(_HELP, soft=True)])


def _curves(model: Judged | None, time: float | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {} if model is None else model.at(time).get("decision") or {}
    return found


def _said(evidence: Evidence, time: float | None) -> str | None:
    main = evidence.main
    found = _curves(main, time)
    if main is None or not found:
        return None
    thresholds, model = (np.asarray(found[name], dtype=float) for name in ("thresholds", "model"))
    others = [np.asarray(found["all"], dtype=float), np.zeros_like(model)]
    others += [
        np.asarray(curve["model"], dtype=float)
        for one in evidence.rivals
        if (curve := _curves(one, time))
    ]
    enough = _flagged(evidence, time, thresholds) >= _FLAGGED
    ranges = _ranges(enough & (model > np.max(others, axis=0) + 1e-12))
    told = [
        f"{words.percent(thresholds[first])} to {words.percent(thresholds[last])}"
        for first, last in ranges
    ]
    when = "The" if time is None else f"At {words.moment(time, evidence.axis)} the"
    where = f"at thresholds of {', '.join(told)}" if told else "at no range of thresholds"
    every = "every other baseline" if main.baseline else "every baseline"
    return f"{when} model's net benefit was above that of {every} {where}."


def _flagged(evidence: Evidence, time: float | None, thresholds: Floats) -> Floats:
    """Count whom the page's model flags at each threshold, on average over repeats."""
    risk = evidence.predicted(str(evidence.metrics.get("main")), time)
    if risk is None:
        return np.full(len(thresholds), np.inf)
    repeats = evidence.predictions["repeat"].nunique()
    flagged: Floats = (risk[:, np.newaxis] >= thresholds).sum(axis=0) / repeats
    return flagged


def _ranges(best: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last place of each run of three or more; a shorter one is chance's."""
    places = np.flatnonzero(best)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [(int(run[0]), int(run[-1])) for run in runs if len(run) >= _RUN]


def _chart(evidence: Evidence, time: float | None) -> Chart | None:
    drawn = pens([model.key for model in evidence.models])
    known = {
        model.key: Line(model.title, drawn[model.key], *_line(found, "model"))
        for model in evidence.models
        if (found := _curves(model, time))
    }
    lines = [known[model.key] for model in evidence.compared if model.key in known]
    if not lines:
        return None
    # What flagging everyone gives is the same for every model.
    first = next(found for model in evidence.models if (found := _curves(model, time)))
    everyone = Line("Flag everyone", _EVERYONE, *_line(first, "all"))
    shown = _limits([*lines, everyone])
    frame = Lines("Threshold probability (%)", "Net benefit", *shown, level=0.0)
    when = "" if time is None else f" at {words.moment(time, evidence.axis)}"
    suffix = "" if time is None else f"_{time:g}"
    rows = [
        (line.label, x / 100, y)
        for line in (*known.values(), everyone)
        for x, y in zip(line.x, line.y, strict=True)
    ]
    left = "; the CSV file has all models" if len(lines) < len(known) else ""
    return Chart(
        lines_figure([*lines, everyone], frame),
        f"Decision curves{when}: net benefit against the threshold, with flagging everyone and "
        "nobody.",
        f"Net benefit{when}; the dashed level is flagging nobody{left}.",
        Data(f"decision_curve{suffix}", ("strategy", "threshold", "net_benefit"), rows),
    )


def _line(found: Mapping[str, Any], name: str) -> tuple[Floats, Floats]:
    return 100 * np.asarray(found["thresholds"], dtype=float), np.asarray(found[name], dtype=float)


def _limits(lines: list[Line]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Show what lies above a small loss, up to the last threshold where anything helps."""
    top = max(float(np.nanmax(line.y)) for line in lines)
    helps = [float(line.x[line.y > 0.002 * max(top, 1e-9)].max(initial=0)) for line in lines]
    across = min(100.0, max(20.0, *helps) * 1.05)
    return (0.0, across), (-0.25 * max(top, 0.02), 1.1 * max(top, 0.02))
