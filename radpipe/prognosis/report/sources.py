"""What the report is made from: an evaluation, and the extraction run behind it if it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.errors import RadpipeError, RunError
from radpipe.store import Run, read_table
from radpipe.store.files import read_json

SCHEMA = 1


@dataclass(frozen=True)
class Evaluation:
    """The files of an evaluation.

    Attributes
    ----------
    metrics : dict
        ``metrics.json``.
    predictions : DataFrame
        ``predictions.parquet``: one row a model, repeat and patient.
    contributions : DataFrame or None
        ``contributions.parquet``; None where no model was fitted.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    contributions: pd.DataFrame | None


@dataclass(frozen=True)
class Extraction:
    """The run that the features came from.

    Attributes
    ----------
    run : Run or None
        None where it was not found.
    looked : list of str
        Where it was looked for.
    """

    run: Run | None
    looked: list[str]


def read_evaluation(folder: Path) -> Evaluation:
    """Read an evaluation directory.

    Parameters
    ----------
    folder : Path
        What ``radpipe evaluate`` or ``radpipe validate`` wrote.

    Returns
    -------
    Evaluation
        Its files.

    Raises
    ------
    RunError
        It holds no evaluation, or one of a newer layout.
    TableError
        A table of it cannot be read.
    """
    metrics = _read_metrics(folder)
    contributions = folder / "contributions.parquet"
    return Evaluation(
        metrics,
        read_table(folder / "predictions.parquet")[0],
        read_table(contributions)[0] if contributions.is_file() else None,
    )


def _read_metrics(folder: Path) -> dict[str, Any]:
    path, expected = folder / "metrics.json", "a directory that `radpipe evaluate --out` made"
    try:
        metrics: dict[str, Any] = read_json(path)
        schema = int(metrics["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            "no evaluation in this directory",
            where=str(folder),
            found="no metrics.json" if not path.exists() else f"metrics.json: {error}",
            expected=expected,
        ) from error
    if schema > SCHEMA:
        raise RunError(
            "the evaluation was written by a newer radpipe",
            where=str(folder),
            found=f"layout {schema}",
            expected=f"at most {SCHEMA}",
            remedy="update radpipe",
        )
    return metrics


def find_extraction(metrics: dict[str, Any], folder: Path, named: Path | None) -> Extraction:
    """Find the extraction run behind an evaluation.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``, whose ``source.run`` says where the run lay.
    folder : Path
        The evaluation directory; a run that moved along with it is found beside it.
    named : Path, optional
        Where the user says it is.

    Returns
    -------
    Extraction
        The run, or where it was looked for.

    Raises
    ------
    RunError
        There is no run at ``named``.
    """
    if named is not None:
        Run(named).facts()
        return Extraction(Run(named), [str(named)])
    told = metrics.get("source", {}).get("run")
    if not told:
        return Extraction(None, [])
    places = list(
        dict.fromkeys([Path(told), folder.parent / told, folder.parent / Path(told).name])
    )
    for place in places:
        if _is_run(Run(place)):
            return Extraction(Run(place), [str(place)])
    return Extraction(None, [str(place) for place in places])


def _is_run(run: Run) -> bool:
    try:
        run.facts()
        run.features()
        run.failures()
    except (RadpipeError, OSError, ValueError):
        return False
    return True
