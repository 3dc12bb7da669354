"""Explanations on disk: a picture a case, and a table of what can be said in numbers.

::

    EXPLAINED/
      explanations.json  model, encoder, method, endpoint, and a row a case
      explanations.csv   the rows for a spreadsheet
      case_01.png        three planes, without and with what moves the risk; a case_id may hold
                         characters that a file name may not

"""

from __future__ import annotations

import csv
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radpipe.errors import RunError
from radpipe.prognosis.report.gallery import picture_in
from radpipe.prognosis.tables.columns import listed
from radpipe.store.files import empty_directory, read_json, whole_folder, write_json
from radpipe.version import VERSION

if TYPE_CHECKING:
    # A report needs no package that fits models.
    from radpipe.prognosis.evaluation.explanation import Explanation

SCHEMA_VERSION = 2
_JSON, _CSV = "explanations.json", "explanations.csv"
_COMMON = ("model", "encoder", "method")
_OUTCOME = ("event", "value", "time")
_ROW = ("case_id", "patient_id", "risk", "share_inside", "roi_share", "randomised")


@dataclass(frozen=True)
class Explained:
    """What :func:`save_explanations` wrote.

    Attributes
    ----------
    model, encoder, method : str
        What was explained, and how.
    cases : list of dict
        ``case_id``, ``patient_id``, ``risk``, ``strongest`` (the largest change of risk),
        ``share_inside``, ``roi_share``, ``randomised``; and ``picture``, a data URI or None.
    """

    model: str
    encoder: str
    method: str
    cases: list[dict[str, Any]]


def save_explanations(explanations: Sequence[Explanation], folder: str | Path) -> Path:
    """Write explanations of one model, whole or not at all.

    Parameters
    ----------
    explanations : sequence of Explanation
        Of :func:`radpipe.prognosis.evaluation.explain`; at least one.
    folder : str or Path
        A new or empty directory.

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    RunError
        It is not empty, or cannot be made.
    """
    # Figures know the evidence, of which what was explained is a part.
    from radpipe.prognosis.report.figures.overlay import overlay_picture

    path = empty_directory(folder)
    # Not every system renames a folder to the name of an empty one.
    path.rmdir()
    with whole_folder(path) as part:
        rows = [_row(each, f"case_{place:02}.png") for place, each in enumerate(explanations, 1)]
        # One scale for all: where little moves the risk, little is to be seen.
        strongest = max(row["strongest"] for row in rows)
        for each, row in zip(explanations, rows, strict=True):
            shown = (each.intensities, each.roi, each.heat, each.spacing_mm, strongest)
            (part / row["picture"]).write_bytes(overlay_picture(*shown))
        common = {name: getattr(explanations[0], name) for name in _COMMON}
        with (part / _CSV).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*common, *rows[0]])
            writer.writeheader()
            writer.writerows({**common, **row} for row in rows)
        head = {
            "schema": SCHEMA_VERSION,
            "radpipe": VERSION,
            **common,
            "endpoint": explanations[0].endpoint,
        }
        write_json(part / _JSON, {**head, "cases": rows})
    return path


def load_explained(
    folder: Path,
    known: Container[str],
    models: Mapping[str, str | None],
    endpoint: Mapping[str, Any],
) -> Explained:
    """Read what :func:`save_explanations` wrote.

    Parameters
    ----------
    folder : Path
        The directory.
    known : container of str
        Every ``case_id`` of the evaluation beside which they are shown.
    models : mapping of str to str or None
        Those that it measured, and the encoder of each that has one.
    endpoint : mapping
        What these predict.

    Returns
    -------
    Explained
        With its pictures.

    Raises
    ------
    RunError
        It holds no explanations, those of another radpipe, of other patients, of a model or an
        encoder that was not measured, or of another endpoint.
    """
    path = folder / _JSON
    try:
        facts = read_json(path)
        if facts["schema"] != SCHEMA_VERSION:
            raise ValueError(f"layout {facts['schema']}, not {SCHEMA_VERSION}")
        cases = [{**row, "picture": picture_in(folder, row["picture"])} for row in facts["cases"]]
        found = Explained(cases=cases, **{name: str(facts[name]) for name in _COMMON})
        outcome = _outcome(facts["endpoint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            "no explanations in this directory",
            where=str(folder),
            found=f"{_JSON}: {error}" if path.is_file() else f"no {_JSON}",
            expected="a directory that this radpipe's `explain --out` made",
            remedy="mend the path, or explain again",
        ) from error
    unknown = [row["case_id"] for row in cases if row["case_id"] not in known]
    if unknown:
        raise RunError(
            "explanations of cases that the evaluation does not know",
            where=str(folder),
            found=listed(unknown),
            expected="cases of the same cohort",
            remedy="explain cases of the run that was evaluated",
        )
    if (found.model, found.encoder) not in models.items():
        raise RunError(
            "explanations of a model that was not measured",
            where=str(folder),
            found=_told(found.model, found.encoder),
            expected=listed([_told(*each) for each in models.items()]),
            remedy="explain a model whose figures the page shows",
        )
    if outcome != _outcome(endpoint):
        raise RunError(
            "explanations of a model of another endpoint",
            where=str(folder),
            found=outcome,
            expected=_outcome(endpoint),
            remedy="explain a model of this endpoint",
        )
    return found


def _told(model: str, encoder: str | None) -> str:
    return model if encoder is None else f"{model} of {encoder}"


def _outcome(endpoint: Mapping[str, Any]) -> str:
    told = {name: endpoint[name] for name in _OUTCOME}
    return ", ".join(f"{name} {each!r}" for name, each in told.items() if each is not None)


def _row(each: Explanation, picture: str) -> dict[str, Any]:
    row = {name: getattr(each, name) for name in _ROW}
    return {**row, "strongest": float(np.abs(each.heat).max()), "picture": picture}
