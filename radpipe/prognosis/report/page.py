"""Fill the template and write the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.errors import RunError
from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.models.table import VOLUME
from radpipe.prognosis.report import curves, figures, words
from radpipe.prognosis.report.gallery import gallery
from radpipe.prognosis.report.sources import Extraction, find_extraction
from radpipe.store.files import whole_file

MOST_FEATURES = 15
_NAMES_SHOWN = 20


def write_report(evaluation: str | Path, out: str | Path, run: str | Path | None = None) -> Path:
    """Write the report of an evaluation as one HTML file that needs no network.

    Parameters
    ----------
    evaluation : str or Path
        Directory that ``radpipe evaluate`` or ``radpipe validate`` wrote.
    out : str or Path
        The HTML file to make or replace.
    run : str or Path, optional
        The extraction run behind it; by default the one that the evaluation names.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    RunError
        There is no evaluation or no run where one was named, or the file cannot be written.
    TableError
        A table of the evaluation cannot be read.
    """
    folder, out = Path(evaluation), Path(out)
    found = Evaluation.load(folder)
    extraction = find_extraction(found.metrics, folder, None if run is None else Path(run))
    html = _template().render(page_content(found, extraction))
    try:
        with whole_file(out) as part:
            part.write_text(html, encoding="utf-8")
    except OSError as error:
        raise RunError(
            "cannot write the report",
            where=str(out),
            found=error.strerror,
            expected="a file name in a folder that exists",
            remedy="make the folder, or name another file with --out",
        ) from error
    return out


def page_content(found: Evaluation, extraction: Extraction) -> dict[str, Any]:
    """Gather what the template shows.

    Parameters
    ----------
    found : Evaluation
        The evaluation.
    extraction : Extraction
        The run behind it, if found.

    Returns
    -------
    dict
        The template's variables; text in it is not yet escaped.
    """
    metrics = found.metrics
    provenance = metrics["source"].get("provenance")
    return {
        "metrics": metrics,
        "validation": metrics["kind"] == "validation",
        "kind": words.kind(metrics),
        "overlap": words.overlap(metrics),
        "headline": words.headline(metrics),
        "comparison": words.comparison(metrics),
        "withheld": [(words.model_name(key), why) for key, why in metrics["withheld"].items()],
        "follow_up": _follow_up(metrics),
        "dropped": _dropped(metrics["cohort"].get("dropped", {})),
        "extraction": _extraction(extraction),
        "groups": _groups(found),
        "grouping": words.grouping(metrics),
        "forest": _forest(metrics),
        "without_pairs": words.without_pairs(metrics),
        "features": _features(found.contributions),
        "how": words.how_done(metrics),
        "facts": _facts(metrics),
        "settings": json.dumps(provenance, indent=1, sort_keys=True) if provenance else None,
    }


def _facts(metrics: dict[str, Any]) -> list[tuple[str, object, str | None]]:
    """Rows of a table: what, the value, and the full path where the value is a file's name."""
    source, design = metrics["source"], metrics["design"]
    paths = {"table": source.get("table"), "run": source.get("run"), "model": design.get("model")}
    # The cuts are told in a sentence.
    rest = {key: value for key, value in design.items() if key not in ("model", "cuts")}
    return [
        *((key, Path(path).name or path, path) for key, path in paths.items() if path),
        *((key, value, None) for key, value in rest.items() if value is not None),
    ]


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # The file ends in .j2, which autoescape by suffix would take for plain text.
    environment = Environment(
        loader=PackageLoader("radpipe.prognosis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _follow_up(metrics: dict[str, Any]) -> str:
    median = metrics["cohort"].get("follow_up_median")
    if median is None:
        return "not reached"
    axis = curves.time_axis(metrics["endpoint"]["time"], median)
    return f"{median / axis.divisor:.1f} {axis.label.lower()}"


def _dropped(dropped: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [
        {"why": why, "count": len(ids), "ids": ids[:_NAMES_SHOWN]}
        for why, ids in dropped.items()
        if ids
    ]


def _extraction(extraction: Extraction) -> dict[str, Any]:
    if extraction.run is None:
        return {"found": False, "looked": extraction.looked}
    pictures, cases = gallery(extraction.run)
    failures = extraction.run.failures()
    return {
        "found": True,
        "cases": cases,
        "pictures": pictures,
        "failures": failures[["case_id", "stage", "message", "remedy"]].to_dict("records"),
    }


def _groups(found: Evaluation) -> list[dict[str, Any]]:
    """Kaplan-Meier curves by risk group, first of the model, then of volume."""
    models = sorted(found.metrics["models"], key=lambda model: model == VOLUME)
    endpoint, predictions = found.metrics["endpoint"], found.predictions
    axis = curves.time_axis(endpoint["time"], float(predictions["time"].max()))
    shown = []
    for model in models:
        estimated = curves.group_curves(curves.group_of_patient(predictions, model), axis)
        shown.append(
            {
                "name": words.model_name(model),
                "figure": figures.kaplan_meier_figure(estimated, axis, endpoint["event"]),
                "unit": axis.label.lower(),
                "ticks": [f"{tick:g}" for tick in axis.ticks[1:]],
                "rows": [_group_row(curve, axis) for curve in estimated],
            }
        )
    return shown


def _group_row(curve: curves.Curve, axis: curves.TimeAxis) -> dict[str, Any]:
    median = curve.median()
    return {
        "group": curve.group,
        "patients": curve.patients,
        "events": curve.events,
        "median": "not reached" if median is None else f"{median:.1f}",
        "survival": [_percent(curve.at(tick)) for tick in axis.ticks[1:]],
    }


def _percent(point: tuple[float, float, float] | None) -> str:
    if point is None:
        return "–"
    survival, low, high = (100 * value for value in point)
    # Before the first event and after the last patient's the band is not defined.
    if low != low or low == high:
        return f"{survival:.0f} (–)"
    return f"{survival:.0f} ({low:.0f}–{high:.0f})"


def _forest(metrics: dict[str, Any]) -> dict[str, Any]:
    models = sorted(metrics["models"].items(), key=lambda item: item[0] == VOLUME)
    lines = [
        figures.Estimate(
            words.model_name(key), *(model["c_index"][end] for end in ("estimate", "low", "high"))
        )
        for key, model in models
    ]
    columns = [model.get("column") for _, model in models]
    return {
        "figure": figures.forest_figure(lines),
        "rows": [(line, column) for line, column in zip(lines, columns, strict=True)],
    }


def _features(contributions: pd.DataFrame | None) -> list[dict[str, Any]]:
    if contributions is None or contributions.empty:
        return []
    top = contributions.sort_values(
        ["mean_abs_contribution", "feature"], ascending=[False, True]
    ).head(MOST_FEATURES)
    largest = float(top["mean_abs_contribution"].max()) or 1.0
    return [
        {"name": name, "value": f"{value:.3f}", "width": f"{100 * value / largest:.1f}"}
        for name, value in zip(top["feature"], top["mean_abs_contribution"], strict=True)
    ]
