"""Whether it is better than tumour volume, and than the clinical columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radpipe.prognosis.models.table import CLINICAL, VOLUME
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
from radpipe.prognosis.report.branches import weights_note, without_weight
from radpipe.prognosis.report.evidence import Estimate, Evidence, Judged
from radpipe.prognosis.report.figures import forest_figure
from radpipe.prognosis.report.figures.forest import Row
from radpipe.prognosis.report.overlap import overlap_of

_BASELINES = {VOLUME: "tumour volume", CLINICAL: "the clinical columns"}


def section(evidence: Evidence) -> Section:
    """Compare every model with volume and with the clinical columns.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section
        Forest plots and a table.
    """
    charts = [_scores(evidence), *(_differences(evidence, key) for key in _BASELINES)]
    drawn: list[list[Block]] = [[chart] for chart in charts if chart is not None]
    blocks: list[Block] = [Beside(drawn), _table(evidence)]
    blocks += [Text(sentence) for sentence in without_pairs(evidence)]
    left = without_weight(evidence.main.facts) if evidence.main is not None else None
    answer = " ".join([*verdicts(evidence), *([] if left is None else [left])]) or None
    return Section("comparison", _question(evidence), answer, blocks)


def _question(evidence: Evidence) -> str:
    main = evidence.main
    if main is None or main.baseline or evidence.model(VOLUME) is None:
        return "How well does each rank patients?"
    return "Is it better than tumour volume?"


def verdicts(evidence: Evidence) -> list[str]:
    """Say whether the model does better than each baseline.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    list of str
        One sentence a baseline; empty without a model to compare.
    """
    main = evidence.main
    if main is None or main.baseline:
        return []
    how = "on the same patients" if evidence.validation else "fold by fold"
    known = overlap_of(evidence.metrics) is not None
    return [
        f"{_verdict(found, name, known)}: compared {how}, its {evidence.score_name} differs by "
        f"{words.with_interval(found, 3, signed=True)}."
        for key, name in _BASELINES.items()
        if (found := main.versus(key)) is not None
    ]


def _verdict(found: Estimate, baseline: str, known: bool) -> str:
    if known:
        return (
            "With training patients among these, it cannot be told whether the model does better "
            f"than {baseline}"
        )
    if found.low > 0:
        return f"The model did better than {baseline}"
    if found.high < 0:
        return f"The model did worse than {baseline}"
    return f"This does not show that the model does better or worse than {baseline}"


def without_pairs(evidence: Evidence) -> list[str]:
    """Tell of test folds that could not be counted.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    list of str
        One sentence a model with such folds.
    """
    return [
        f"{model.title}: {model.facts['folds_without_pairs']} of {len(model.facts['folds'])} test "
        "folds held no two patients that can be compared, and are left out of the average."
        for model in evidence.models
        if model.facts.get("folds_without_pairs")
    ]


def _scores(evidence: Evidence) -> Chart:
    name = evidence.score_name
    rows = [Row(model.title, model.interval(evidence.score)) for model in evidence.models]
    told = "; ".join(f"{row.label} {words.span(row.found)}" for row in rows)
    return Chart(
        forest_figure(rows, f"{name} (0.5 = chance, 1 = perfect)", 0.5, (0.4, 0.9)),
        f"{name} with 95 % interval: {told}. A dashed line marks chance at 0.5.",
        f"{name} with 95 % interval; the dashed line is chance.",
        _forest_data("comparison", rows),
    )


def _differences(evidence: Evidence, baseline: str) -> Chart | None:
    rows = [
        Row(model.title, found)
        for model in evidence.models
        if (found := model.versus(baseline)) is not None and model.key not in _BASELINES
    ]
    if not rows:
        return None
    name, against = evidence.score_name, _BASELINES[baseline]
    told = "; ".join(f"{row.label} {words.span(row.found, 3, signed=True)}" for row in rows)
    return Chart(
        forest_figure(rows, f"{name} less that of {against}", 0.0, (-0.1, 0.1)),
        f"Difference of {name} from {against} with 95 % interval: {told}.",
        f"{name} less that of {against}, with 95 % interval, paired; right of the dashed line the "
        "model is better.",
        _forest_data(f"against_{baseline}", rows),
    )


def _forest_data(name: str, rows: list[Row]) -> Data:
    ends = [row.found or (None, None, None) for row in rows]
    return Data(
        name,
        ("what", "estimate", "low", "high"),
        [(row.label, *found) for row, found in zip(rows, ends, strict=True)],
    )


def _table(evidence: Evidence) -> Grid:
    shown = _binary_columns() if evidence.binary else _survival_columns()
    baselines = [key for key in _BASELINES if any(model.versus(key) for model in evidence.models)]
    columns = [
        Column("Score from" if evidence.binary else "Risk score from"),
        *(Column(title, True) for title in shown),
        *(Column(f"Against {_BASELINES[key]}", True) for key in baselines),
        Column("Likelihood gain per event", True),
    ]
    rows = [
        [
            _name(model),
            *(_cell(model.facts, key, fallback) for key, fallback in shown.values()),
            *(_difference(model.versus(key)) for key in baselines),
            _difference(model.interval("likelihood_gain")),
        ]
        for model in evidence.models
    ]
    return _without_empty(Grid("Models compared", columns, rows))


def _survival_columns() -> dict[str, tuple[str, str | None]]:
    return {
        "C-index": ("c_index", None),
        "Uno's C": ("uno", None),
        "Integrated Brier score": ("integrated_brier", "integrated_brier_null"),
    }


def _binary_columns() -> dict[str, tuple[str, str | None]]:
    return {
        "AUC": ("auc", None),
        "Average precision": ("average_precision", None),
        "Brier score": ("brier", "brier_null"),
    }


def _name(model: Judged) -> Cell:
    return Cell(model.title, note=model.facts.get("column") or weights_note(model.facts))


def _cell(facts: Mapping[str, Any], key: str, null: str | None) -> Cell:
    value = facts.get(key)
    if isinstance(value, Mapping):
        found = Judged("", "", False, facts).interval(key)
        return Cell(words.span(found), None if found is None else found.value)
    note = None
    if null is not None and facts.get(null) is not None:
        note = f"without predictors {words.number(facts[null], 3)}"
    return Cell(words.number(value, 3), value, note=note)


def _difference(found: Estimate | None) -> Cell:
    return Cell(words.span(found, signed=True), None if found is None else found.value)


def _without_empty(grid: Grid) -> Grid:
    """Leave out columns in which no model has a value."""
    kept = [
        place
        for place in range(len(grid.columns))
        if any(row[place].text != words.MISSING for row in grid.rows)
    ]
    return Grid(
        grid.name,
        [grid.columns[place] for place in kept],
        [[row[place] for place in kept] for row in grid.rows],
    )
