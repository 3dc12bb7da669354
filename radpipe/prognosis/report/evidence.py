"""All that the report rests on: an evaluation, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.models.table import BOTH, CLINICAL, CNN, DEFAULT, MODELS, VOLUME
from radpipe.prognosis.report.curves import TimeAxis, time_axis
from radpipe.prognosis.report.encoder import embedding_of
from radpipe.prognosis.report.explained import Explained, load_explained
from radpipe.prognosis.report.slopes import event_probability, meaningful_slope
from radpipe.prognosis.report.sources import Extraction, find_extraction
from radpipe.prognosis.survival.endpoint import Floats

_MOST_COMPARED = 4


class Estimate(NamedTuple):
    """A value with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        Estimate and ends.
    """

    value: float
    low: float
    high: float


def estimate(facts: Mapping[str, Any] | None) -> Estimate | None:
    """Read an interval of ``metrics.json``.

    Parameters
    ----------
    facts : mapping or None
        ``estimate``, ``low``, ``high``.

    Returns
    -------
    Estimate or None
        None where it does not apply or could not be computed.
    """
    if facts is None or facts.get("estimate") is None:
        return None
    ends = [facts["estimate"] if facts.get(end) is None else facts[end] for end in ("low", "high")]
    return Estimate(float(facts["estimate"]), float(ends[0]), float(ends[1]))


@dataclass(frozen=True)
class Judged:
    """One model and what is known of it.

    Attributes
    ----------
    key, title : str
        Its name in ``metrics.json``, and in plain words.
    baseline : bool
        What others are compared with.
    facts : mapping
        Its part of ``metrics.json``.
    """

    key: str
    title: str
    baseline: bool
    facts: Mapping[str, Any]

    def interval(self, name: str) -> Estimate | None:
        """Read one of its intervals.

        Parameters
        ----------
        name : str
            Such as ``c_index``.

        Returns
        -------
        Estimate or None
            None where there is none.
        """
        return estimate(self.facts.get(name))

    def versus(self, baseline: str) -> Estimate | None:
        """Read its difference from a baseline.

        Parameters
        ----------
        baseline : str
            ``volume``, ``clinical`` or ``clinical_volume``.

        Returns
        -------
        Estimate or None
            None where there is none.
        """
        return estimate((self.facts.get("versus") or {}).get(baseline))

    def at(self, time: float | None) -> Mapping[str, Any]:
        """Return what was measured at a horizon.

        Parameters
        ----------
        time : float or None
            One of the design's; None for a binary endpoint.

        Returns
        -------
        mapping
            Empty where nothing was.
        """
        entries = self.facts.get("horizons") or []
        return next((entry for entry in entries if entry.get("time") == time), {})


def model_title(key: str, facts: Mapping[str, Any] | None = None) -> str:
    """Name a model in plain words.

    Parameters
    ----------
    key : str
        Its key in ``metrics.json``.
    facts : mapping, optional
        What stands there.

    Returns
    -------
    str
        The key itself where it has no plain name.
    """
    told = (facts or {}).get("title")
    if told:
        return str(told)
    return MODELS[key].title if key in MODELS else key


def clinical_columns(subgroups: pd.DataFrame | None) -> list[str]:
    """Name the clinical columns that an evaluation saved.

    Parameters
    ----------
    subgroups : DataFrame or None
        ``subgroups.parquet``: ``case_id`` and these columns.

    Returns
    -------
    list of str
        Empty where there is no such table.
    """
    return [] if subgroups is None else [str(name) for name in subgroups.columns.drop("case_id")]


@dataclass(frozen=True)
class Evidence:
    """An evaluation, and the run behind it.

    Attributes
    ----------
    metrics : dict
        Content of ``metrics.json``.
    predictions : DataFrame
        Of patients that the model had not seen.
    contributions, selected, subgroups : DataFrame or None
        ``contributions.parquet``, ``selected.parquet``, ``subgroups.parquet``.
    extraction : Extraction
        The run behind it, if found.
    similar : DataFrame or None
        ``similar.parquet``.
    explained : Explained or None
        What a model looks at, if the user named it.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    contributions: pd.DataFrame | None
    selected: pd.DataFrame | None
    subgroups: pd.DataFrame | None
    extraction: Extraction
    similar: pd.DataFrame | None = None
    explained: Explained | None = None

    @classmethod
    def load(cls, folder: Path, run: Path | None, explained: Path | None = None) -> Self:
        """Read an evaluation.

        Parameters
        ----------
        folder : Path
            What ``radpipe evaluate`` or ``radpipe validate`` wrote.
        run : Path, optional
            The extraction run behind it; by default the one that the evaluation names.
        explained : Path, optional
            What ``radpipe explain`` wrote of some of these patients.

        Returns
        -------
        Evidence
            All of it.

        Raises
        ------
        RunError
            There is no evaluation, no run or explanations where they were named, or explanations
            of another model or endpoint.
        TableError
            A table of the evaluation cannot be read.
        """
        found = Evaluation.load(folder)
        return cls(
            found.metrics,
            found.predictions,
            found.contributions,
            found.selected,
            found.subgroups,
            find_extraction(found.metrics, folder, run),
            found.similar,
            None if explained is None else _explained(explained, found),
        )

    @property
    def validation(self) -> bool:
        """Whether a trained model was applied to another cohort."""
        return bool(self.metrics["kind"] == "validation")

    @property
    def by_centre(self) -> bool:
        """Whether each hospital was left out in turn."""
        return bool(self.metrics["design"].get("splits") == "centres")

    @property
    def bootstrapped(self) -> bool:
        """Whether intervals are of patients drawn again, not of folds."""
        return self.validation or self.by_centre

    @property
    def binary(self) -> bool:
        """Whether the endpoint has no times."""
        return self.metrics["endpoint"].get("time") is None

    @property
    def event(self) -> str:
        """Name of the event."""
        return str(self.metrics["endpoint"]["event"])

    @property
    def measure(self) -> str:
        """Key of the measure of discrimination."""
        return "auc" if self.binary else "c_index"

    @property
    def risk_name(self) -> str:
        """What a model gives a patient; an event without times may be one that is hoped for."""
        return "score" if self.binary else "risk score"

    @property
    def measure_name(self) -> str:
        """Name of the measure of discrimination."""
        return "AUC" if self.binary else "C-index"

    @property
    def unit(self) -> str:
        """What a likelihood is averaged over."""
        return "patient" if self.binary else "event"

    @cached_property
    def models(self) -> list[Judged]:
        """What the page is about first, baselines last."""
        main = self.metrics.get("main")
        models = [
            Judged(key, model_title(key, facts), bool(facts.get("baseline")), facts)
            for key, facts in self.metrics["models"].items()
        ]
        last = (BOTH, CLINICAL, VOLUME)
        return sorted(
            models,
            key=lambda one: (one.key != main, last.index(one.key) + 1 if one.key in last else 0),
        )

    @property
    def main(self) -> Judged | None:
        """The model that the page is about."""
        return next((one for one in self.models if one.key == self.metrics.get("main")), None)

    @property
    def compared(self) -> list[Judged]:
        """The main model, volume, and the best that clinical columns do; without, the first few."""
        hardest = BOTH if self.model(BOTH) not in (None, self.main) else CLINICAL
        plain = [one for one in self.models if one is self.main or one.key in (VOLUME, hardest)]
        return plain if len(plain) > 1 else self.models[:_MOST_COMPARED]

    @property
    def rivals(self) -> list[Judged]:
        """Every baseline but the main model, drawn or not."""
        return [one for one in self.models if one.baseline and one is not self.main]

    def model(self, key: str) -> Judged | None:
        """Find a model.

        Parameters
        ----------
        key : str
            Its key.

        Returns
        -------
        Judged or None
            None where it was not evaluated.
        """
        return next((one for one in self.models if one.key == key), None)

    def predicted(self, key: str, time: float | None) -> Floats | None:
        """Return how likely the event was said to be.

        Parameters
        ----------
        key : str
            Of a model.
        time : float or None
            A horizon; None for a binary endpoint.

        Returns
        -------
        ndarray of float64, shape (n,) or None
            Of every patient in every repeat; None where it was not saved.
        """
        found = event_probability(self.predictions, key, time)
        return None if found is None else found.to_numpy(np.float64)

    def slope(self, key: str, slope: float | None) -> float | None:
        """Keep a calibration slope that means something.

        Parameters
        ----------
        key : str
            Of a model.
        slope : float or None
            As it was measured.

        Returns
        -------
        float or None
            None where all patients got nearly the same prediction.
        """
        return meaningful_slope(slope, self.predictions, key, self.horizons)

    @property
    def horizons(self) -> list[float | None]:
        """Times at which it was judged; for a binary endpoint the one that has no name."""
        if self.binary:
            return [None]
        return [float(time) for time in self.metrics["design"].get("horizons") or []]

    @cached_property
    def axis(self) -> TimeAxis:
        """How times are shown."""
        longest = 1.0 if self.binary else float(self.predictions["time"].max())
        return time_axis(str(self.metrics["endpoint"].get("time")), longest)

    @property
    def clinical(self) -> list[str]:
        """Clinical columns that the evaluation names."""
        return clinical_columns(self.subgroups)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """One row a patient: ``patient_id``, ``case_id``, ``event``, and ``time`` if known."""
        names = ["patient_id", "case_id", "event", *([] if self.binary else ["time"])]
        rows = self.predictions.drop_duplicates("case_id")[names].reset_index(drop=True)
        return rows.assign(event=rows["event"].astype(bool))


def _explained(folder: Path, found: Evaluation) -> Explained:
    metrics = found.metrics
    # Another hospital's columns may have other names.
    trained_on = metrics["design"].get("trained_on", metrics)
    embedding = embedding_of(metrics)
    encoders = {} if embedding is None else dict.fromkeys((CNN, DEFAULT), embedding["encoder"])
    models = {name: encoders.get(name) for name in metrics["models"]}
    cases = {*found.predictions["case_id"]}
    return load_explained(folder, cases, models, trained_on["endpoint"])
