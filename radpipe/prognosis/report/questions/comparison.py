"""Whether it adds to clinical columns and tumour volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radpipe.prognosis.models.table import BOTH, CLINICAL, CNN, RADIOMICS_ALONE, VOLUME
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
from radpipe.prognosis.report.branches import added_by, weights_in_table, without_weight
from radpipe.prognosis.report.cells import interval_cell
from radpipe.prognosis.report.evidence import Estimate, Evidence, Judged, estimate
from radpipe.prognosis.report.figures import forest_figure
from radpipe.prognosis.report.figures.forest import Row
from radpipe.prognosis.report.overlap import overlap_of

# What a model has to beat, the hardest first.
_BASELINES = {
    BOTH: "clinical columns and volume",
    VOLUME: "tumour volume",
    CLINICAL: "the clinical columns",
}
# What an embedding, or its fusion with more, is compared with beside them.
_ALONE = {**dict.fromkeys(RADIOMICS_ALONE, "radiomics alone"), CNN: "the embedding alone"}
_YARDSTICKS = {**_BASELINES, **_ALONE}


def section(evidence: Evidence) -> Section:
    """Compare every model with the baselines.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section
        Forest plots and a table.
    """
    alone = [key for key in _ALONE if evidence.main is not None and evidence.main.versus(key)]
    charts = [_scores(evidence), *(_differences(evidence, key) for key in (*_BASELINES, *alone))]
    drawn: list[list[Block]] = [[chart] for chart in charts if chart is not None]
    blocks: list[Block] = [Beside(drawn), _table(evidence)]
    if evidence.by_centre:
        blocks.append(_hospitals(evidence))
    blocks += [Text(sentence) for sentence in without_pairs(evidence)]
    left = without_weight(evidence.main.facts) if evidence.main is not None else None
    answer = words.sentences([*verdicts(evidence), left])
    return Section("comparison", _question(evidence), answer, blocks)


def _question(evidence: Evidence) -> str:
    main = evidence.main
    if main is None or main.baseline or evidence.model(VOLUME) is None:
        return "How well does each rank patients?"
    if main.versus(BOTH) is not None:
        return "Does it add to clinical columns and tumour volume?"
    return "Is it better than tumour volume?"


def verdicts(evidence: Evidence) -> list[str]:
    """Say what the model is against each baseline, the hardest first.

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
    found = {key: one for key in _BASELINES if (one := main.versus(key)) is not None}
    if overlap_of(evidence.metrics) is not None:
        return [_untold(evidence, key, one) for key, one in found.items()]
    if BOTH in found:
        rest = [_with_clinical(evidence, key, one) for key, one in found.items() if key != BOTH]
        return [_added(evidence, main, found[BOTH]), *rest]
    return [_verdict(evidence, key, one) for key, one in found.items()]


def _compared(evidence: Evidence) -> str:
    return f"compared {'on the same patients' if evidence.validation else 'fold by fold'}"


def _differs(evidence: Evidence, found: Estimate) -> str:
    gap = words.with_interval(found, 3, signed=True)
    return f"{_compared(evidence)}, its {evidence.measure_name} differs by {gap}."


def _untold(evidence: Evidence, key: str, found: Estimate) -> str:
    return (
        "With training patients among these, it cannot be told whether the model does better than "
        f"{_BASELINES[key]}: {_differs(evidence, found)}"
    )


def _added(evidence: Evidence, main: Judged, found: Estimate) -> str:
    gap = words.with_interval(found, 3, signed=True)
    if found.low > 0:
        shown = "."
    elif found.high < 0:
        shown = ": the model is the worse for it."
    else:
        shown = ". This does not show any gain."
    return (
        f"{added_by(main.facts)} {gap} to the {evidence.measure_name} of {_BASELINES[BOTH]}, "
        f"{_compared(evidence)}{shown}"
    )


def _with_clinical(evidence: Evidence, key: str, found: Estimate) -> str:
    """Claim no success: a gain over either baseline may be the other's."""
    have = "the clinical columns have" if key == VOLUME else "tumour volume has"
    no_yardstick = key == VOLUME and evidence.metrics.get("volume_reversed")
    aside = ", no yardstick here," if no_yardstick else ""
    return (
        f"Against {_BASELINES[key]} alone{aside} the model's {evidence.measure_name} differs by "
        f"{words.with_interval(found, 3, signed=True)}, in which {have} a part."
    )


def _verdict(evidence: Evidence, key: str, found: Estimate) -> str:
    name, told = _BASELINES[key], _differs(evidence, found)
    if key == VOLUME and evidence.metrics.get("volume_reversed"):
        return f"Tumour volume is no yardstick here: {told}"
    if found.low > 0:
        return f"The model did better than {name}: {told}"
    if found.high < 0:
        return f"The model did worse than {name}: {told}"
    return f"This does not show that the model does better or worse than {name}: {told}"


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
    name = evidence.measure_name
    rows = [Row(model.title, model.interval(evidence.measure)) for model in evidence.models]
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
    name, against = evidence.measure_name, _YARDSTICKS[baseline]
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
        Column(f"Likelihood gain per {evidence.unit}", True),
    ]
    rows = [
        [
            _name(model),
            *(_cell(model.facts, key, fallback) for key, fallback in shown.values()),
            *(interval_cell(model.versus(key), 3, signed=True) for key in baselines),
            interval_cell(model.interval("likelihood_gain"), 3, signed=True),
        ]
        for model in evidence.models
    ]
    return _without_empty(Grid("Models compared", columns, rows))


def _hospitals(evidence: Evidence) -> Grid:
    columns = [
        Column("Hospital left out"),
        Column("Patients", True),
        Column("Events", True),
        *(Column(f"{evidence.measure_name}: {one.title}", True) for one in evidence.compared),
    ]
    # Every model was tested in the same folds.
    folds = zip(*(one.facts["folds"] for one in evidence.compared), strict=True)
    rows = [
        [
            Cell(same[0]["centre"]),
            *(Cell(str(same[0][key]), same[0][key]) for key in ("patients", "events")),
            *(Cell(words.number(each[evidence.measure]), each[evidence.measure]) for each in same),
        ]
        for same in folds
    ]
    return Grid("Hospital by hospital", columns, rows)


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
    return Cell(model.title, note=model.facts.get("column") or weights_in_table(model.facts))


def _cell(facts: Mapping[str, Any], key: str, null: str | None) -> Cell:
    value = facts.get(key)
    if isinstance(value, Mapping):
        return interval_cell(estimate(value))
    note = None
    if null is not None and facts.get(null) is not None:
        note = f"without predictors {words.number(facts[null], 3)}"
    return Cell(words.number(value, 3), value, note=note)


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
