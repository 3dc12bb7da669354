"""Whether PyRadiomics itself gives a run's values."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.cohort import Case
from radpipe.errors import ExtractionError, ImageError, RunError
from radpipe.extraction.case import load_case, row_of
from radpipe.extraction.engines import engine_named, planned_columns
from radpipe.extraction.settings import ExtractionSettings, validated
from radpipe.store import Run
from radpipe.store.files import sha256_of

REFERENCE = "pyradiomics"
# Relative; below the second, absolute differences are none.
TOLERANCE, NEGLIGIBLE = 1e-6, 1e-9


@dataclass(frozen=True)
class Verification:
    """How far a run's values are from PyRadiomics'.

    Attributes
    ----------
    differences : DataFrame
        One row a case and feature: ``case_id``, ``image_type``, ``feature_class``, ``feature``,
        ``found``, ``expected`` (by PyRadiomics, or by the run's own engine now if that is farther
        off), ``difference`` (relative; infinite where only one is a number).
    seconds : dict of str to float
        Wall time of the run's engine and of PyRadiomics for these cases, one after the other.
    failed : dict of str to str
        Cases that could not be compared: an engine failed, or the image has changed since.
    """

    differences: pd.DataFrame
    seconds: dict[str, float]
    failed: dict[str, str]

    @property
    def worst(self) -> float:
        """The largest relative difference; 0 without any value."""
        return float(self.differences["difference"].max()) if len(self.differences) else 0.0

    @property
    def passed(self) -> bool:
        """Whether every case could be compared, and all values are within the tolerance."""
        return len(self.differences) > 0 and not self.failed and self.worst <= TOLERANCE

    def by_class(self) -> pd.DataFrame:
        """Return the worst difference of each feature class and image type.

        Returns
        -------
        DataFrame
            Image types × feature classes; NaN where there is no feature.
        """
        return self.differences.pivot_table(
            index="image_type", columns="feature_class", values="difference", aggfunc="max",
            sort=False,
        )  # fmt: skip


def verify(run: str | Path, sample: int = 5) -> Verification:
    """Recompute cases of a run with PyRadiomics.

    Parameters
    ----------
    run : str or Path
        A finished run directory.
    sample : int
        How many cases, spread over the run.

    Returns
    -------
    Verification
        What differs.

    Raises
    ------
    RunError
        There is no finished run of features, or it has no rows.
    SettingsError
        PyRadiomics is not installed.
    """
    directory = Run(Path(run))
    directory.require_features("verified", "embed again elsewhere: the bytes must be the same")
    features, provenance = directory.features()
    if provenance is None or not len(features):
        raise RunError("nothing to verify", where=str(run), found=f"{len(features)} rows")
    settings = validated(provenance.settings, str(run))
    engine_named(REFERENCE).check(settings)
    chosen = np.unique(np.linspace(0, len(features) - 1, max(sample, 1)).round().astype(int))
    rows = features.iloc[chosen]
    inputs = directory.diagnostics().set_index("case_id")
    seconds = dict.fromkeys((provenance.engine, REFERENCE), 0.0)
    failed: dict[str, str] = {}
    found: list[tuple[Any, ...]] = []
    for _, row in rows.iterrows():
        try:
            case = _case_of(row, inputs.loc[row["case_id"]])
            found += _compared(row, case, settings, seconds, provenance.control)
        except (RunError, ImageError, ExtractionError) as error:
            failed[row["case_id"]] = str(error)
    columns = [
        "case_id", "image_type", "feature_class", "feature", "found", "expected", "difference",
    ]  # fmt: skip
    return Verification(pd.DataFrame(found, columns=columns), seconds, failed)


def _compared(
    row: pd.Series,
    case: Case,
    settings: ExtractionSettings,
    seconds: dict[str, float],
    control: str | None,
) -> Iterator[tuple[Any, ...]]:
    """Compare a row with what both engines give now, with the one that is farther from it."""
    loaded = load_case(case, settings, control=control)
    if not any(seconds.values()):
        # Loading compiled kernels belongs to no case's time.
        row_of(loaded, settings, next(iter(seconds)))
    again: list[dict[str, float]] = []
    for engine in seconds:
        started = time.perf_counter()
        again.append(row_of(loaded, settings, engine).features)
        seconds[engine] += time.perf_counter() - started
    for column in planned_columns(settings):
        found = row[column]
        difference, expected = max(
            (relative_difference(found, values[column]), values[column]) for values in again
        )
        yield case.case_id, *column.split("_", 2), found, expected, difference


def _case_of(row: pd.Series, inputs: pd.Series) -> Case:
    for name in ("image", "mask"):
        path, expected = Path(inputs[name]), inputs[f"{name}_sha256"]
        if not path.is_file():
            raise RunError(
                f"the {name} that the run read is not there",
                where=str(path),
                found="no such file",
                remedy="bring it back, or extract again from where it is now",
            )
        if (now := sha256_of(path)) != expected:
            raise RunError(
                f"the {name} has changed since the run read it",
                where=str(path),
                found=f"SHA-256 {now}",
                expected=expected,
                remedy="extract again",
            )
    return Case(
        case_id=row["case_id"], patient_id=row["patient_id"], image=Path(inputs["image"]),
        mask=Path(inputs["mask"]), label=int(row["label"]),
        label_channel=int(inputs["label_channel"]),
    )  # fmt: skip


def relative_difference(found: float, expected: float) -> float:
    """Tell how far a value is from what it should be.

    Parameters
    ----------
    found, expected : float
        The two.

    Returns
    -------
    float
        Their difference over the larger magnitude; 0 if it is negligible or both are NaN, infinite
        if only one is a finite number.
    """
    if found == expected or (math.isnan(found) and math.isnan(expected)):
        return 0.0
    if not (math.isfinite(found) and math.isfinite(expected)):
        return math.inf
    difference = abs(found - expected)
    if difference <= NEGLIGIBLE:
        return 0.0
    return difference / max(abs(found), abs(expected))


def in_words(verification: Verification) -> list[str]:
    """Tell a verification to a person.

    Parameters
    ----------
    verification : Verification
        What differs.

    Returns
    -------
    list of str
        A table of the worst differences, the worst of all, and the times.
    """
    lines = [f"case {case}: {why}" for case, why in verification.failed.items()]
    if not len(verification.differences):
        return [*lines, "nothing could be compared"]
    place = int(np.argmax(verification.differences["difference"]))
    worst = verification.differences.iloc[place]
    table = verification.by_class().map(lambda each: "-" if math.isnan(each) else f"{each:.0e}")
    table = table.rename_axis(index=None, columns=None)
    cases = verification.differences["case_id"].nunique()
    times = ", ".join(f"{name} {took:.2f} s" for name, took in verification.seconds.items())
    engine = next(iter(verification.seconds))
    if engine != REFERENCE:
        faster = verification.seconds[REFERENCE] / verification.seconds[engine]
        times += f": {engine} is {faster:.1f} times as fast"
    return [
        *lines,
        "worst relative difference to PyRadiomics:",
        *table.to_string().splitlines(),
        f"{len(verification.differences)} values of {cases} case(s); tolerance {TOLERANCE:g}; "
        f"worst {verification.worst:.1e}, case {worst['case_id']}, "
        f"{worst['image_type']}_{worst['feature_class']}_{worst['feature']}: "
        f"{worst['found']:.9g} where {worst['expected']:.9g} is expected",
        times,
    ]
