"""How the columns of another cohort differ from those that a model was trained on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom, nhypergeom
from scipy.stats import t as student

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.columns import id_text

Facts = dict[str, Any]

# A difference of means that is called a shift, in standard deviations.
LARGE_SHIFT = 0.5
# A share of patients that is called many.
_MANY = 0.05
# What is called chance, of hundreds of columns.
_CHANCE = 0.001
# The ways to drift.
OUTSIDE, SHIFTED, MISSING = "outside", "shifted", "missing"
_KINDS = {
    OUTSIDE: f"outside the training range in more than {_MANY:.0%} of the patients",
    SHIFTED: f"shifted by more than {LARGE_SHIFT} standard deviations",
    MISSING: "missing more often than in training",
}
_TOLERANCE = 0.15
_NEARLY_ALL = 0.9
_FEWEST_COLUMNS = 3

log = logging.getLogger("radpipe")


def column_facts(X: pd.DataFrame) -> list[Facts]:
    """Describe the columns of a cohort.

    Parameters
    ----------
    X : DataFrame, shape (n, p)
        One row a patient.

    Returns
    -------
    list of dict
        For each column ``feature``, ``missing`` (share), and ``mean``, ``deviation``, ``low``,
        ``high``, None where all is missing; or, of a column of text, ``categories`` with their
        share of the patients in whom it is known.
    """
    numbers = X.select_dtypes(["number", "bool"])
    told = dict(zip(numbers.columns, _numbers(numbers), strict=True))
    missing = X.isna().mean()
    return [
        {
            "feature": str(name),
            "missing": float(missing[name]),
            **(told[name] if name in told else {"categories": _categories(X[name])}),
        }
        for name in X.columns
    ]


def _numbers(X: pd.DataFrame) -> list[dict[str, float | None]]:
    if X.empty:
        return [{} for _ in X.columns]
    values = X.to_numpy(np.float64, na_value=np.nan)
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)
    rows = {
        "mean": np.nanmean(known, axis=0),
        "deviation": np.nanstd(known, axis=0),
        "low": np.nanmin(known, axis=0),
        "high": np.nanmax(known, axis=0),
    }
    empty = np.isnan(values).all(axis=0)
    return [
        {name: None if empty[place] else float(row[place]) for name, row in rows.items()}
        for place in range(X.shape[1])
    ]


def _categories(column: pd.Series) -> dict[str, float]:
    shares = id_text(column[column.notna()]).value_counts(normalize=True).sort_index()
    return {str(name): float(share) for name, share in shares.items()}


def outside_range(training: Sequence[Facts], X: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which values no training patient came near.

    Parameters
    ----------
    training : sequence of dict
        What :func:`column_facts` told of the training cohort.
    X : DataFrame, shape (m, p)
        The same columns of other patients.

    Returns
    -------
    ndarray of bool, shape (m, p)
        True where a value is below the lowest or above the highest of training, or a category that
        training lacked. False where it is missing.
    """
    outside = [_outside(facts, X.iloc[:, place]) for place, facts in enumerate(training)]
    if not outside:
        # A model that looks at patches alone has no column that could lie outside.
        return np.zeros(X.shape, dtype=bool)
    return np.asarray(np.column_stack(outside) & X.notna().to_numpy())


def alone_outside(X: pd.DataFrame) -> NDArray[np.intp]:
    """Count for each patient the values that no other patient of the same cohort came near.

    Parameters
    ----------
    X : DataFrame, shape (n, p)
        The training cohort.

    Returns
    -------
    ndarray of int, shape (n,)
        As :func:`outside_range` would count them, had the patient not been there.
    """
    numbers = X.select_dtypes(["number", "bool"])
    values = numbers.to_numpy(np.float64, na_value=np.nan)
    holes = np.isnan(values)
    counts = np.zeros(len(X), dtype=np.intp)
    if len(X) > 1 and numbers.shape[1]:
        low = np.partition(np.where(holes, np.inf, values), 1, axis=0)[1]
        high = np.partition(np.where(holes, -np.inf, values), -2, axis=0)[-2]
        counts += ((values < low) | (values > high)).sum(axis=1)
    for name in X.columns.difference(numbers.columns):
        text = id_text(X[name])
        counts += (~text.duplicated(keep=False) & X[name].notna()).to_numpy()
    return counts


def drift(
    training: Sequence[Facts],
    X: pd.DataFrame,
    features: Collection[str],
    used: Collection[str],
    patients: int,
) -> Facts:
    """Compare a cohort with the training cohort, column by column.

    Parameters
    ----------
    training : sequence of dict
        What :func:`column_facts` told of the training cohort.
    X : DataFrame, shape (m, p)
        The same columns of the other cohort.
    features : collection of str
        Those from images; whether their numbers were standardised is told by them.
    used : collection of str
        Those that move the model's risk.
    patients : int
        In the training cohort.

    Returns
    -------
    dict
        ``columns``, those that differ most first: ``feature``, ``text``, ``used``, ``outside``
        (share of patients outside the training range, or of a category that training lacked),
        ``missing``, ``training_missing``, ``shift`` (standardised mean difference, Austin 2009,
        doi 10.1002/sim.3697; None of a column of text), ``differs`` (which of these are large),
        ``drifted`` (which of those chance does not explain). ``standardised`` and
        ``training_standardised``: whether each table was brought to one scale within itself.
        ``summary``: the same in words.
    """
    cohort = column_facts(X)
    known = X.notna().sum().to_numpy()
    outside = outside_range(training, X).sum(axis=0) / np.maximum(known, 1)
    columns = [
        {
            "feature": theirs["feature"],
            "text": "categories" in theirs,
            "used": theirs["feature"] in used,
            "outside": float(outside[place]) if known[place] else None,
            "missing": ours["missing"],
            "training_missing": theirs["missing"],
            "shift": _shift(theirs, ours),
        }
        for place, (theirs, ours) in enumerate(zip(training, cohort, strict=True))
    ]
    for each in columns:
        each["differs"] = _differs(each)
        each["drifted"] = [
            kind for kind in each["differs"] if _beyond_chance(kind, each, len(X), patients)
        ]
    columns.sort(key=lambda each: (-_size(each), each["feature"]))
    here, there = (
        common_scale([each for each in told if each["feature"] in features])
        for told in (cohort, training)
    )
    alike = _one_scale([each for each in columns if each["feature"] in features])
    return {
        "columns": columns,
        "standardised": here is not None and not (alike and there is None),
        "training_standardised": there is not None and not (alike and here is None),
        "summary": " ".join([_in_words(columns), *_standardised(here, there, alike)]),
    }


def warn_of_drift(found: Facts) -> None:
    """Log a warning where tables were standardised, each within itself.

    Parameters
    ----------
    found : dict
        Of :func:`drift`.
    """
    if found["standardised"] or found["training_standardised"]:
        log.warning("%s", found["summary"])


def _outside(training: Facts, column: pd.Series) -> NDArray[np.bool_]:
    if "categories" in training:
        return ~id_text(column).isin([*training["categories"]]).to_numpy()
    if training["low"] is None:
        return np.ones(len(column), dtype=bool)
    values = column.to_numpy(np.float64, na_value=np.nan)
    # As far as float32 tells apart: a table may have been written and read as text.
    slack = 1e-6 * max(abs(training["low"]), abs(training["high"]))
    return np.asarray((values < training["low"] - slack) | (values > training["high"] + slack))


def _shift(training: Facts, cohort: Facts) -> float | None:
    ours, theirs = cohort.get("mean"), training.get("mean")
    if ours is None or theirs is None:
        return None
    spread = np.sqrt((cohort["deviation"] ** 2 + training["deviation"] ** 2) / 2)
    if spread <= 1e-12 * max(abs(ours), abs(theirs)):
        return 0.0 if np.isclose(ours, theirs) else None
    return float((ours - theirs) / spread)


def _size(column: Facts) -> float:
    shift = column["shift"]
    return float((column["outside"] or 0.0) if shift is None else abs(shift))


def common_scale(columns: Sequence[Facts]) -> str | None:
    """Recognise a table whose columns were each brought to one scale.

    Parameters
    ----------
    columns : sequence of dict
        What :func:`column_facts` told of features.

    Returns
    -------
    str or None
        That scale in words; None where there is none, or too few columns tell.
    """
    known = [each for each in columns if each.get("deviation")]
    if len(known) < _FEWEST_COLUMNS:
        return None
    mean, deviation, low, high = (
        np.array([each[name] for each in known]) for name in ("mean", "deviation", "low", "high")
    )
    # Not exactly: patients may have been left out since.
    forms: dict[str, NDArray[np.bool_]] = {
        "mean 0 and standard deviation 1": _near(mean, 0) & _near(deviation, 1),
        "a range from 0 to 1": (low >= 0) & _near(low, 0) & (high <= 1) & _near(high, 1),
    }
    return next((form for form, fits in forms.items() if fits.mean() >= _NEARLY_ALL), None)


def _near(values: Floats, wanted: float) -> NDArray[np.bool_]:
    return np.abs(values - wanted) <= _TOLERANCE


def _in_words(columns: Sequence[Facts]) -> str:
    told = [
        f"{what}: {sum(kind in each['differs'] for each in columns)}, of which "
        f"{sum(kind in each['drifted'] for each in columns)} beyond chance"
        for kind, what in _KINDS.items()
    ]
    return f"Of {len(columns)} columns, {'; '.join(told)} (p below {_CHANCE:g})."


def _differs(column: Facts) -> list[str]:
    """Name the ways in which a column differs, be it by chance."""
    seen = {
        OUTSIDE: (column["outside"] or 0.0) > _MANY,
        SHIFTED: abs(column["shift"] or 0.0) > LARGE_SHIFT,
        MISSING: column["missing"] > column["training_missing"] + _MANY,
    }
    return [kind for kind, so in seen.items() if so]


def _beyond_chance(kind: str, column: Facts, patients: int, training: int) -> bool:
    ours = round(patients * (1 - column["missing"]))
    theirs = round(training * (1 - column["training_missing"]))
    if kind == SHIFTED:
        return bool(abs(column["shift"]) > _shift_by_chance(ours, theirs))
    if kind == MISSING:
        return chance_more(patients - ours, patients, training - theirs, training) < _CHANCE
    outside = round(column["outside"] * ours)
    if column["text"]:
        # Who has a category that training lacked.
        return chance_more(outside, ours, 0, theirs) < _CHANCE
    return chance_outside(outside, ours, theirs) < _CHANCE


def chance_outside(outside: int, patients: int, training: int) -> float:
    """Tell how often so many new patients of one population lie outside the training range.

    Parameters
    ----------
    outside : int
        New patients below the lowest or above the highest of training.
    patients, training : int
        All of each.

    Returns
    -------
    float
        Probability of so many or more: all orders of the two cohorts are equally likely, whatever
        the distribution. 1 where training has fewer than two patients, and no range.

    Examples
    --------
    >>> round(chance_outside(1, 1, 59), 4)
    0.0333
    """
    if training < 2:
        return 1.0
    return float(nhypergeom.sf(outside - 1, patients + training, patients, 2))


def chance_more(ours: int, patients: int, theirs: int, training: int) -> float:
    """Tell how often a cohort has so many of something, were both of one population.

    Parameters
    ----------
    ours, patients : int
        Who has it here, and all.
    theirs, training : int
        The same of training.

    Returns
    -------
    float
        Probability of so many or more here (Fisher's exact test, one-sided).

    Examples
    --------
    >>> round(chance_more(1, 1, 0, 3), 4)
    0.25
    """
    return float(hypergeom.sf(ours - 1, patients + training, ours + theirs, patients))


def _shift_by_chance(ours: int, theirs: int) -> float:
    if ours + theirs < 3 or not ours or not theirs:
        return np.inf
    quantile = student.ppf(1 - _CHANCE / 2, ours + theirs - 2)
    return float(quantile * np.sqrt(1 / ours + 1 / theirs))


def _one_scale(columns: Sequence[Facts]) -> bool:
    """Tell whether most columns have the training patients' mean, as parts of one table do."""
    shifts = [abs(each["shift"]) for each in columns if each["shift"] is not None]
    return bool(shifts) and float(np.median(shifts)) < LARGE_SHIFT


def _standardised(here: str | None, there: str | None, alike: bool) -> list[str]:
    if here is None and there is None:
        return []
    if alike and not (here and there):
        return [
            f"One of the tables looks standardised ({here or there}), and the other like a part "
            "of it: risks are right only if both were scaled with the same numbers."
        ]
    if here and there:
        return [
            f"Both tables were standardised, each within itself ({here}): what differs between the "
            "hospitals is gone from them, and no drift can be seen."
        ]
    whose = "This table was" if here else "The training table was"
    return [
        f"{whose} standardised within itself ({here or there}), and the other was not: their "
        "numbers mean different things, and no risk is right."
    ]
