"""All that is measured of predictions pooled over a cohort, cross-validated or external."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from radpipe.prognosis.evaluation.results import interval_facts
from radpipe.prognosis.survival import (
    Calibration,
    binary_calibration,
    brier_score,
    brier_scores,
    calibration_at,
    calibration_slope,
    integrated_brier_score,
    log_rank_statistic,
    net_benefit,
    net_benefit_all,
)
from radpipe.prognosis.survival.endpoint import Floats, is_binary

THRESHOLDS = np.round(np.arange(0.02, 0.99, 0.02), 2)
_GRID = 15
Result = TypeVar("Result")


@dataclass(frozen=True)
class Pooled:
    """Predictions for every patient of a cohort, each made by a model that had not seen it.

    Attributes
    ----------
    y : ndarray, shape (n,)
        The endpoint.
    risk : ndarray of float64, shape (n,)
        Risk scores.
    predicted : ndarray of float64, shape (n, k) or (n,)
        Survival at ``times``; probability of the event for a binary endpoint.
    null : ndarray of float64, of the same shape
        What a model without predictors says.
    group : ndarray of str, shape (n,)
        ``high`` or ``low``.
    fold : ndarray of int, shape (n,)
        Risk scores of two folds have no common zero.
    times : ndarray of float64, shape (k,)
        Horizons and the grid of :func:`prediction_times`.
    """

    y: NDArray[Any]
    risk: Floats
    predicted: Floats
    null: Floats
    group: NDArray[np.str_]
    fold: NDArray[np.intp]
    times: Floats


def prediction_times(y: NDArray[Any], horizons: Floats) -> Floats:
    """Choose when survival is predicted: at the horizons, and between for the integrated score.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint.
    horizons : ndarray of float64, shape (h,)
        Those allowed.

    Returns
    -------
    ndarray of float64, shape (k,)
        Ascending; empty without a horizon.
    """
    if is_binary(y) or len(horizons) == 0:
        return np.array([])
    events = y["time"][y["event"]]
    grid = np.quantile(events[events <= horizons.max()], np.linspace(0.05, 1, _GRID))
    return np.unique(np.concatenate([grid, horizons]))


def pooled_measures(pooled: Pooled, horizons: Floats) -> dict[str, Any]:
    """Measure calibration, accuracy and usefulness.

    Parameters
    ----------
    pooled : Pooled
        Predictions.
    horizons : ndarray of float64, shape (h,)
        When; not looked at for a binary endpoint.

    Returns
    -------
    dict
        As ``metrics.json`` holds it, without what counts pairs.
    """
    if is_binary(pooled.y):
        return _binary(pooled)
    found: dict[str, Any] = {
        "calibration_slope": _or_none(
            lambda: calibration_slope(pooled.y, pooled.risk, pooled.fold)
        ),
        "log_rank": {"statistic": log_rank(pooled)},
        "horizons": [_at(pooled, float(time)) for time in horizons],
    }
    for name, survival in (("", pooled.predicted), ("_null", pooled.null)):
        found[f"integrated_brier{name}"] = _integrated(pooled, survival)
    return found


def _integrated(pooled: Pooled, survival: Floats) -> float | None:
    return _or_none(lambda: integrated_brier_score(pooled.y, pooled.y, survival, pooled.times))


def log_rank(pooled: Pooled) -> float | None:
    """Compare the survival of the two risk groups.

    Parameters
    ----------
    pooled : Pooled
        Predictions.

    Returns
    -------
    float or None
        Chi-square; None where there is but one group.
    """
    return _or_none(lambda: log_rank_statistic(pooled.y, pooled.group))


def _at(pooled: Pooled, time: float) -> dict[str, Any]:
    place = int(np.flatnonzero(pooled.times == time)[0])
    survival, null = pooled.predicted[:, place], pooled.null[:, place]
    y = pooled.y
    return {
        "time": time,
        "brier": _or_none(lambda: float(brier_scores(y, y, survival, [time])[0])),
        "brier_null": _or_none(lambda: float(brier_scores(y, y, null, [time])[0])),
        "calibration": calibration_facts(lambda: calibration_at(y, survival, time)),
        "decision": _decision(y, 1 - survival, time),
    }


def _binary(pooled: Pooled) -> dict[str, Any]:
    y, probability = pooled.y, pooled.predicted
    calibration = calibration_facts(lambda: binary_calibration(y, probability))
    brier, null = brier_score(y, probability), brier_score(y, pooled.null)
    decision = _decision(y, probability, None)
    return {
        "calibration_slope": None if calibration is None else calibration["slope"],
        "brier": brier,
        "brier_null": null,
        "horizons": [
            {
                "time": None,
                "brier": brier,
                "brier_null": null,
                "calibration": calibration,
                "decision": decision,
            }
        ],
    }


def calibration_facts(make: Callable[[], Calibration]) -> dict[str, Any] | None:
    """Write a calibration as ``metrics.json`` holds it.

    Parameters
    ----------
    make : callable
        Returns it.

    Returns
    -------
    dict or None
        None where it is not defined.
    """
    found = _or_none(make)
    if found is None:
        return None
    return {
        **found._asdict(),
        "ratio": interval_facts(found.ratio),
        "curve": [point._asdict() for point in found.curve],
    }


def _decision(y: NDArray[Any], probability: Floats, time: float | None) -> dict[str, Any] | None:
    return _or_none(
        lambda: {
            "thresholds": THRESHOLDS.tolist(),
            "model": net_benefit(y, probability, THRESHOLDS, time).tolist(),
            "all": net_benefit_all(y, THRESHOLDS, time).tolist(),
        }
    )


def average(repeats: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Average what was measured in each repeat.

    Parameters
    ----------
    repeats : sequence of dict
        Of :func:`pooled_measures`.

    Returns
    -------
    dict
        Numbers, ends of intervals among them, averaged over the repeats where they are defined;
        curves of groups of patients are the first repeat's.
    """
    return {key: _averaged(key, [each[key] for each in repeats]) for key in repeats[0]}


def _averaged(key: str, values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    if not known or key in ("curve", "thresholds"):
        return known[0] if known else None
    if isinstance(known[0], dict):
        return average(known)
    if isinstance(known[0], list):
        if known[0] and isinstance(known[0][0], dict):
            return [average(entries) for entries in zip(*known, strict=True)]
        return np.mean(known, axis=0).tolist()
    return float(np.mean(known))


def _or_none(make: Callable[[], Result]) -> Result | None:
    """Return None where a measure is not defined for these patients."""
    try:
        return make()
    except ValueError:
        return None
