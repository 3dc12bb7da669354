"""What the model uses."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radpipe.prognosis.models.table import CNN, DEFAULT, VOLUME
from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Column, Data, Grid, Heading, Section, Text
from radpipe.prognosis.report.branches import without_weight
from radpipe.prognosis.report.encoder import embedding_of
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
    main, rows = evidence.main, _of_main(evidence.selected, evidence)
    told = [None if main is None else without_weight(main.facts)]
    if main is not None and rows is not None:
        kinds = _kinds(rows["feature"], evidence)
        told.append(_given(rows["feature"], kinds))
        if main.key != CNN and evidence.metrics["cohort"]["features"]:
            told.append(_clusters(rows[~_with_given(rows, kinds)]))
    return words.sentences(told)


def _kinds(names: pd.Series, evidence: Evidence) -> pd.Series:
    """Say of a column what it is, if it is no feature that was chosen."""
    kinds = dict.fromkeys(evidence.clinical, "clinical column")
    embedding = embedding_of(evidence.metrics)
    if embedding is not None:
        kinds[embedding["encoder"]] = "embedding"
    volume = evidence.model(VOLUME)
    if volume is not None and evidence.main is not None and evidence.main.key == DEFAULT:
        kinds[str(volume.facts.get("column"))] = "tumour volume"
    return pd.Series([kinds.get(name) for name in names], names.index, dtype=object)


def _with_given(rows: pd.DataFrame, kinds: pd.Series) -> pd.Series:
    """Tell which columns are of a cluster that counts as chosen since one of it was given."""
    return rows["cluster"].isin(rows.loc[kinds.notna(), "cluster"])


def _given(names: pd.Series, kinds: pd.Series) -> str | None:
    told = [f"{name} ({kind})" for name, kind in zip(names, kinds, strict=True) if kind is not None]
    return f"Given, not chosen: {words.listed(told, MOST_FEATURES)}." if told else None


def _clusters(rows: pd.DataFrame) -> str:
    steady = rows.drop_duplicates("cluster")["cluster_chosen"]
    if steady.empty:
        return "No feature was chosen in any fold."
    chosen = words.counted(len(steady), "cluster of features was", "clusters of features were")
    often = f"{int((steady >= 0.8).sum())} of {len(steady)}"
    return f"{chosen} chosen at least once, {often} in four folds of five or more."


def _contributions(evidence: Evidence) -> list[Block]:
    rows = _of_main(evidence.contributions, evidence)
    if rows is None:
        return []
    ranked = rows.sort_values(["mean_abs_contribution", "feature"], ascending=[False, True])
    top = ranked[ranked["mean_abs_contribution"] > 0].head(MOST_FEATURES)
    if top.empty:
        return [Text(f"No column moved the {evidence.risk_name}.")]
    largest = float(top["mean_abs_contribution"].max())
    scale = "log-odds" if evidence.binary else "log-hazard"
    whose = "these" if evidence.metrics.get("overlap") else "unseen"
    shown = [
        [Cell(name), Cell("", value, bar=100 * value / largest), Cell(f"{value:.2g}", value)]
        for name, value in zip(top["feature"], top["mean_abs_contribution"], strict=True)
    ]
    columns = (Column("Column"), Column("Mean contribution"), Column(scale.capitalize(), True))
    names = ("feature", "mean_abs_contribution")
    return [
        Heading(f"How far each column moved the {evidence.risk_name}"),
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
    kinds = _kinds(ranked["feature"], evidence)
    beside = kinds.mask(_with_given(ranked, kinds) & kinds.isna(), "in the cluster of one given")
    ranked = ranked.assign(kind=beside)
    shown = [_chosen(*row) for row in _values(ranked.head(MOST_FEATURES), (*_SELECTED, "kind"))]
    columns = (
        Column("Column"),
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


def _chosen(
    feature: str, cluster: str, itself: float, together: float, kind: str | None
) -> list[Cell]:
    note = None if feature == cluster else f"cluster of {cluster}"
    return [
        Cell(feature, note=kind or note),
        Cell("", together, bar=100 * together),
        Cell(words.percent(together), together),
        Cell(words.percent(itself), itself),
    ]


def _values(table: pd.DataFrame, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].tolist() for name in names), strict=True))
