"""What the model uses."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Column, Data, Grid, Heading, Section, Text
from radpipe.prognosis.report.evidence import Evidence

MOST_FEATURES = 15
_SELECTED = ("feature", "cluster", "chosen", "cluster_chosen")
_SHARED = (
    "Correlated features share what they say, so a short bar does not mean that a feature is "
    "unrelated to the outcome."
)


def section(evidence: Evidence) -> Section | None:
    """Show what was chosen, how often, and how far it moved the risk.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where no model tells.
    """
    blocks = [*_contributions(evidence), *_selected(evidence)]
    if not blocks:
        return None
    return Section("content", "What does the model use?", _answer(evidence), blocks)


def _of_main(table: pd.DataFrame | None, evidence: Evidence) -> pd.DataFrame | None:
    main = evidence.main
    if table is None or main is None:
        return None
    rows = table[table["model"] == main.key] if "model" in table.columns else table
    return None if rows.empty else rows


def _answer(evidence: Evidence) -> str | None:
    rows = _of_main(evidence.selected, evidence)
    if rows is None:
        return None
    steady = rows.drop_duplicates("cluster")["cluster_chosen"]
    return (
        f"{words.counted(len(steady), 'cluster')} of features "
        f"{'was' if len(steady) == 1 else 'were'} chosen at least once, "
        f"{int((steady >= 0.8).sum())} of them in four folds of five or more."
    )


def _contributions(evidence: Evidence) -> list[Block]:
    rows = _of_main(evidence.contributions, evidence)
    if rows is None:
        return []
    ranked = rows.sort_values(["mean_abs_contribution", "feature"], ascending=[False, True])
    top = ranked[ranked["mean_abs_contribution"] > 0].head(MOST_FEATURES)
    largest = float(top["mean_abs_contribution"].max())
    scale = "log-odds" if evidence.binary else "log-hazard"
    whose = "these" if evidence.metrics.get("overlap") else "unseen"
    shown = [
        [Cell(name), Cell("", value, bar=100 * value / largest), Cell(f"{value:.2g}", value)]
        for name, value in zip(top["feature"], top["mean_abs_contribution"], strict=True)
    ]
    columns = (Column("Feature"), Column("Mean contribution"), Column(scale.capitalize(), True))
    names = ("feature", "mean_abs_contribution")
    return [
        Heading("How far each column moved the risk"),
        Text(f"Of {whose} patients, on average, in {scale}. {_SHARED}"),
        Grid("Contributions", columns, shown, Data("contributions", names, _values(ranked, names))),
    ]


def _selected(evidence: Evidence) -> list[Block]:
    rows = _of_main(evidence.selected, evidence)
    if rows is None:
        return []
    ranked = rows.sort_values(
        ["cluster_chosen", "chosen", "feature"], ascending=[False, False, True]
    )
    shown = [_chosen(*row) for row in _values(ranked.head(MOST_FEATURES), _SELECTED)]
    columns = (
        Column("Feature"),
        Column("Its cluster chosen"),
        Column("In folds", True),
        Column("Itself", True),
    )
    data = Data("selection_frequency", _SELECTED, _values(ranked, _SELECTED))
    return [
        Heading("How often each was chosen"),
        Text(
            "Share of outer folds. Of features that say the same another one may be chosen in each "
            "fold; the share of their cluster shows whether the finding itself is stable."
        ),
        Grid("Selection frequency", columns, shown, data),
    ]


def _chosen(feature: str, cluster: str, itself: float, together: float) -> list[Cell]:
    return [
        Cell(feature, note=None if feature == cluster else f"cluster of {cluster}"),
        Cell("", together, bar=100 * together),
        Cell(words.percent(together), together),
        Cell(words.percent(itself), itself),
    ]


def _values(table: pd.DataFrame, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].tolist() for name in names), strict=True))
