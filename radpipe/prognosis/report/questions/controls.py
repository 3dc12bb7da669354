"""Whether it is real: what chance, size and sample size would give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from radpipe.prognosis.models.table import BOTH, VOLUME
from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Column,
    Data,
    Grid,
    Section,
    Text,
)
from radpipe.prognosis.report.evidence import Evidence, Judged, model_title
from radpipe.prognosis.report.figures import Line, Lines, histogram_figure, lines_figure
from radpipe.prognosis.report.figures.style import MAIN
from radpipe.prognosis.report.overlap import overlap_of, sign_of

_SHUFFLED = {
    "label_permutation": (
        "outcomes shuffled",
        "The whole procedure with the patients' outcomes shuffled, untuned: one that leaks finds "
        "more than chance here.",
    ),
    "permuted_features": (
        "features shuffled",
        "The same with features given to other patients, while clinical columns and volume stay: "
        "what is left without these features.",
    ),
}
# Fewer values than that are no distribution.
_FEW = 20
_TOO_FEW = " So few values show a gross leak and nothing finer."
_COLUMNS = (Column("Control"), Column("Found", True), Column("How to read it"))


def section(evidence: Evidence) -> Section | None:
    """Show the negative controls and what else speaks against a finding.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where nothing of it was done.
    """
    controls = evidence.metrics.get("controls") or {}
    charts = [[chart] for chart in _charts(evidence, controls)]
    rows = [[Cell(what), Cell(found), Cell(why)] for what, found, why in _rows(evidence, controls)]
    leaks = _leaks(evidence)
    if not charts and not rows and not leaks:
        return None
    blocks: list[Block] = [Beside(charts)] if charts else []
    blocks += [Grid("Controls", _COLUMNS, rows, sortable=False)] if rows else []
    return Section("controls", "Is it real?", _answer(evidence, controls), [*blocks, *leaks])


def _answer(evidence: Evidence, controls: Mapping[str, Any]) -> str | None:
    permuted = controls.get("label_permutation")
    main = evidence.main
    found = None if main is None else main.interval(evidence.measure)
    if not permuted or not permuted.get("values") or found is None:
        return None
    # A cheaper model may stand in where the page's would take hours.
    stand_in = permuted.get("model") not in (None, main.key if main else None)
    of = f" (of the {words.lower(_title(evidence, permuted['model']))})" if stand_in else ""
    p = permuted.get("p")
    told = "" if p is None else f"; {words.p_value(p, len(permuted['values']))}"
    return (
        f"With outcomes shuffled among patients, the {evidence.measure_name}{of} was "
        f"{words.number(permuted.get('mean'))} on average{told}."
    )


def _title(evidence: Evidence, key: str) -> str:
    model = evidence.model(key)
    return model_title(key) if model is None else model.title


def _charts(evidence: Evidence, controls: Mapping[str, Any]) -> Iterator[Chart]:
    for key, (what, caption) in _SHUFFLED.items():
        told = controls.get(key)
        if told and told.get("values"):
            yield _histogram(evidence, key, told, what, caption)
    if controls.get("learning_curve"):
        yield _learning_curve(evidence, controls["learning_curve"])


def _histogram(
    evidence: Evidence, key: str, told: Mapping[str, Any], what: str, caption: str
) -> Chart:
    values = [float(value) for value in told["values"] if value is not None]
    mean = words.number(float(np.mean(values)))
    model = evidence.model(told.get("model") or "") or evidence.main
    found = None if model is None else model.interval(evidence.measure)
    value = None if found is None else found.value
    name = evidence.measure_name
    return Chart(
        histogram_figure(values, value, f"{name}, {what}"),
        f"Histogram of the {name} in {words.counted(len(values), 'permutation')}, {what}: mean "
        f"{mean}; found without shuffling {words.number(value)}.",
        f"{caption} Mean {mean} of {words.smallest_p(len(values))}; the line marks what was found."
        + (_TOO_FEW if len(values) < _FEW else ""),
        Data(key, (evidence.measure,), [(one,) for one in values]),
    )


def _learning_curve(evidence: Evidence, curve: list[Mapping[str, Any]]) -> Chart:
    # Some shares may have had too few events for any pair.
    points = [point for point in curve if point.get(evidence.measure) is not None]
    x = np.array([float(point["patients"]) for point in points])
    y, low, high = (
        np.array([float("nan") if point.get(name) is None else point[name] for point in points])
        for name in (evidence.measure, "low", "high")
    )
    title = "The model" if evidence.main is None else evidence.main.title
    name = evidence.measure_name
    return Chart(
        lines_figure(
            [Line(title, MAIN, x, y, low, high, points=True)],
            Lines("Training patients", name, level=0.5),
        ),
        f"{name} by number of training patients: "
        + "; ".join(f"{int(a)}: {words.number(float(b))}" for a, b in zip(x, y, strict=True)),
        "Learning curve, with the lowest and the highest fold: a line still rising at its end says "
        "that more patients would help.",
        Data(
            "learning_curve",
            ("share", "patients", evidence.measure, "low", "high"),
            [
                (point.get("share"), point["patients"], point[evidence.measure], *ends)
                for point, ends in zip(points, zip(low, high, strict=True), strict=True)
            ],
        ),
    )


def _rows(evidence: Evidence, controls: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    main = evidence.main
    if main is not None:
        yield from _of_model(main, evidence)
    if controls.get("events_per_variable"):
        yield from _events_per_variable(controls["events_per_variable"])
    if controls.get("riley"):
        yield _riley(controls["riley"], evidence)


def _of_model(main: Judged, evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    name = evidence.measure_name
    if main.facts.get("optimism") is not None:
        yield (
            "Optimism",
            words.number(main.facts["optimism"], 3, signed=True),
            f"{name} on the training patients, {words.number(main.facts.get('training'))}, less "
            "that of patients not seen: how far one would be misled without test patients.",
        )
    if main.facts.get("correlation_with_volume") is not None and main.key != VOLUME:
        yield (
            "Correlation with volume",
            words.number(main.facts["correlation_with_volume"], signed=True),
            f"Spearman, of the {evidence.risk_name}; near 1 the model is a ruler.",
        )
    gain = main.interval("likelihood_gain")
    baseline = "volume" if evidence.model(BOTH) is None else "clinical columns with volume"
    whose = "these patients" if evidence.metrics.get("overlap") else "patients not seen"
    if gain is not None:
        yield (
            f"Likelihood gain per {evidence.unit}",
            words.span(gain, 3, signed=True),
            f"Log-likelihood of {whose}, over {baseline}; above 0 the model adds to that.",
        )


def _events_per_variable(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    warning = told.get("warning")
    yield (
        "Events per candidate feature",
        words.number(told.get("per_candidate")),
        f"{warning or words.counted(told['candidates'], 'candidate column')}.",
    )
    if told.get("used") is not None:
        yield (
            "Events per feature used",
            words.number(told.get("per_used"), 1),
            f"{words.number(told['used'], 1)} columns moved the score in a fold, on average.",
        )


def _riley(told: Mapping[str, Any], evidence: Evidence) -> tuple[str, str, str]:
    cohort = evidence.metrics["cohort"]
    enough = "This cohort reaches it" if told.get("enough") else "This cohort does not reach it"
    return (
        "Minimum sample size (Riley)",
        f"{words.counted(int(told['patients']), 'patient')}, "
        f"{words.counted(int(told['events']), 'event')}",
        f"For {words.counted(int(told['parameters']), 'parameter')} without selection. {enough}: "
        f"{words.counted(cohort['patients'], 'patient')}, "
        f"{words.counted(cohort['events'], 'event')}. Penalised models need at least as many.",
    )


def _leaks(evidence: Evidence) -> list[Block]:
    told = evidence.metrics.get("leaks") or {}
    if not told.get("checked"):
        return []
    signs = ", ".join(sign_of(str(what)) for what in told["checked"])
    overlap = overlap_of(evidence.metrics)
    if evidence.validation:
        found = "none found" if overlap is None else overlap.told
        return [Text(f"Training patients looked for by {signs}: {found}.")]
    # One that was found had ended the evaluation.
    return [Text(f"Leaks looked for ({signs}): none found.")]
