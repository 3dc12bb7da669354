"""How it was done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Block, Cell, Column, Folded, Grid, Section
from radpipe.prognosis.report.encoder import (
    embedding_of,
    encoder_in_words,
    learner_in_words,
    patch_in_words,
)
from radpipe.prognosis.report.evidence import Evidence

# Told in sentences of their own.
_TOLD = ("model", "cuts", "horizons", "refused_horizons", "unharmonised", "trained_on")


def section(evidence: Evidence) -> Section:
    """Tell the design, the sources and the versions.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section
        With the extraction's settings.
    """
    metrics = evidence.metrics
    rows = [[Cell(what), Cell(value, title=path)] for what, value, path in _facts(evidence)]
    blocks: list[Block] = [Grid("How it was done", [Column(""), Column("")], rows, sortable=False)]
    provenance = metrics["source"].get("provenance")
    if provenance:
        text = json.dumps(provenance, indent=1, sort_keys=True)
        blocks.append(Folded("Extraction settings", text))
    return Section("method", "How was it done?", words.how_done(metrics), blocks)


def _facts(evidence: Evidence) -> list[tuple[str, str, str | None]]:
    """Rows: what, the value, and the full path where the value is a file's name."""
    metrics, design = evidence.metrics, evidence.metrics["design"]
    source = metrics["source"]
    paths = {
        "table": source.get("table"),
        "clinical": source.get("clinical"),
        "run": source.get("run"),
        "model": design.get("model"),
    }
    rest = {key: value for key, value in design.items() if key not in _TOLD}
    horizons = [words.moment(time, evidence.axis) for time in evidence.horizons if time is not None]
    return [
        *((_title(key), Path(path).name or path, path) for key, path in paths.items() if path),
        *((_title(key), value, None) for key, value in _endpoint(metrics["endpoint"])),
        *_trained_on(design.get("trained_on")),
        *_encoder(embedding_of(metrics)),
        *((_title(key), _written(value), None) for key, value in rest.items() if value is not None),
        *([("Horizons", ", ".join(horizons), None)] if horizons else []),
        ("Versions", ", ".join(f"{name} {it}" for name, it in metrics["versions"].items()), None),
    ]


def _trained_on(told: dict[str, Any] | None) -> list[tuple[str, str, str | None]]:
    if not told:
        return []
    counts = (
        f"{words.counted(told['patients'], 'patient')}, {words.counted(told['events'], 'event')}"
    )
    return [("Trained on", counts, None)]


def _encoder(told: dict[str, Any] | None) -> list[tuple[str, str, str | None]]:
    if not told:
        return []
    rows = {
        "Encoder": encoder_in_words(told),
        "Learnt from it": learner_in_words(told),
        "Patch": patch_in_words(told),
    }
    return [(what, value, None) for what, value in rows.items() if value]


def _endpoint(endpoint: dict[str, Any]) -> list[tuple[str, str]]:
    value = endpoint.get("value")
    told = [("event", endpoint["event"] if value is None else f"{endpoint['event']} = {value}")]
    if endpoint.get("time"):
        told.append(("time", endpoint["time"]))
    if endpoint.get("origin_days"):
        told.append(("time_runs_from", endpoint["origin_days"]))
    if endpoint.get("competing"):
        others = ", ".join(f"{code} ({count})" for code, count in endpoint["competing"].items())
        told.append(
            ("competing_events", f"{others}: taken as censored, so risks are cause-specific")
        )
    return told


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = [f"{what} {each}" for what, each in value.items()]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
