"""What the software knows of a study: its evaluation, and the run behind the features."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.report import words
from radpipe.prognosis.report.evidence import estimate
from radpipe.prognosis.tables.columns import feature_columns
from radpipe.store import Run

_SPACING = "diagnostics_Image-original_Spacing"


@dataclass(frozen=True)
class Known:
    """All that an answer may be drawn from.

    Attributes
    ----------
    metrics : dict
        Content of ``metrics.json``.
    tables : dict of str to DataFrame
        The tables beside it that are there: ``predictions``, ``contributions``,
        ``selected``, ``subgroups``.
    run : dict
        Content of ``run.json``; empty where the run was not found.
    columns : list of str
        Features of the run.
    modalities : list of str
        As its manifest calls them.
    spacing_mm : ndarray of float64, shape (cases, 3), or None
        Voxel sizes of the images as read, (x, y, z).
    failures : int or None
        Failed cases of the run.
    """

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    modalities: list[str] = field(default_factory=list)
    spacing_mm: NDArray[np.float64] | None = None
    failures: int | None = None

    @classmethod
    def of(cls, found: Evaluation, run: Run | None) -> Known:
        """Gather it.

        Parameters
        ----------
        found : Evaluation
            The evaluation.
        run : Run or None
            The run behind it, if it was found.

        Returns
        -------
        Known
            All of it.
        """
        names = ("predictions", "contributions", "selected", "subgroups")
        tables = {name: getattr(found, name, None) for name in names}
        kept = {name: table for name, table in tables.items() if table is not None}
        if run is None:
            return cls(found.metrics, kept)
        features, _ = run.features()
        return cls(
            found.metrics,
            kept,
            run=run.facts(),
            columns=feature_columns(features),
            modalities=_modalities(features),
            spacing_mm=_spacing(run.diagnostics()),
            failures=len(run.failures()),
        )

    def get(self, *path: str) -> Any:
        """Look something up in ``metrics.json``.

        Parameters
        ----------
        *path : str
            Keys, from outside to inside.

        Returns
        -------
        object
            None where a key is missing: what does not apply may be left out.
        """
        return at(self.metrics, *path)

    @property
    def main(self) -> dict[str, Any]:
        """Facts of the model that the evaluation is about; empty where there is none."""
        return self.get("models", str(self.get("main"))) or {}

    @property
    def only_baselines(self) -> bool:
        """Whether nothing but baselines was evaluated."""
        return bool(self.main.get("baseline"))

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the features; empty where the table does not say."""
        return self.get("source", "provenance") or {}

    @property
    def settings(self) -> dict[str, Any]:
        """The section ``setting`` of the parameter file, complete; empty where not known."""
        return at(self.provenance, "settings", "setting") or {}

    @property
    def binary(self) -> bool:
        """Whether the endpoint has no times."""
        return bool(self.get("endpoint", "kind") == "binary")

    @property
    def risk_name(self) -> str:
        """What a model gives a patient; an event without times may be one that is hoped for."""
        return "score" if self.binary else "risk score"

    @property
    def measure_name(self) -> str:
        """Name of the measure of discrimination."""
        return "AUC" if self.binary else "C-index"

    @property
    def is_validation(self) -> bool:
        """Whether a frozen model met another cohort."""
        return bool(self.get("kind") == "validation")


def at(tree: Any, *path: str) -> Any:
    """Look something up in nested dicts.

    Parameters
    ----------
    tree : dict
        Where.
    *path : str
        Keys, from outside to inside.

    Returns
    -------
    object
        None where a key is missing.
    """
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return None
        tree = tree[key]
    return tree


def number(value: float | None, digits: int = 2) -> str | None:
    """Write a measure.

    Parameters
    ----------
    value : float or None
        The measure.
    digits : int
        After the point.

    Returns
    -------
    str or None
        None where there is none.

    Examples
    --------
    >>> number(0.7112), number(-0.0042), number(None)
    ('0.71', '0.00', None)
    """
    told = words.number(value, digits)
    return None if told == words.MISSING else told


def span(interval: dict[str, float] | None, digits: int = 2, *, signed: bool = False) -> str | None:
    """Write an estimate with its interval.

    Parameters
    ----------
    interval : dict or None
        ``estimate``, ``low``, ``high``.
    digits : int
        After the point.
    signed : bool
        With plus signs.

    Returns
    -------
    str or None
        None where there is no estimate.

    Examples
    --------
    >>> span({"estimate": 0.7112, "low": 0.651, "high": 0.772})
    '0.71 (0.65 to 0.77)'
    """
    found = estimate(interval)
    # In a narrow column of a checklist a line may break anywhere.
    if found is None:
        return None
    return words.span(found, digits, signed=signed).replace("\N{NO-BREAK SPACE}", " ")


def _modalities(features: pd.DataFrame) -> list[str]:
    if "modality" not in features:
        return []
    found = Counter(str(name) for name in features["modality"].dropna() if str(name).strip())
    return sorted(found)


def _spacing(diagnostics: pd.DataFrame) -> NDArray[np.float64] | None:
    if _SPACING not in diagnostics:
        return None
    written = [json.loads(text) for text in diagnostics[_SPACING].dropna()]
    volumes = [spacing for spacing in written if len(spacing) == 3]
    return np.array(volumes, dtype=np.float64) if volumes else None
