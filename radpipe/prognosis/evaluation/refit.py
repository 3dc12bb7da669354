"""What a frozen model would be once its level and its slope were fitted to the new hospital."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from radpipe.prognosis.evaluation.measures import calibration_facts
from radpipe.prognosis.models.base import FEWEST_EVENTS, Model, fewest_of
from radpipe.prognosis.models.calibration import Recalibration
from radpipe.prognosis.survival import (
    binary_calibration,
    calibration_at,
    events_of,
    stratified_folds,
)
from radpipe.prognosis.survival.endpoint import Floats, is_binary

_FOLDS = 10


def recalibrated(
    model: Model, X: pd.DataFrame, y: NDArray[Any], horizons: Floats, seed: int
) -> dict[str, Any] | None:
    """Refit slope and baseline, nothing else, and look at the calibration that is left.

    Each patient's probability comes from a slope and baseline fitted to other patients of the
    cohort: fitted to all, they would look right on them by necessity.

    Parameters
    ----------
    model : Model
        Frozen.
    X : DataFrame, shape (n, p)
        Its columns of the cohort.
    y : ndarray, shape (n,)
        The endpoint.
    horizons : ndarray of float64, shape (k,)
        When; not looked at for a binary endpoint.
    seed : int
        Of the folds.

    Returns
    -------
    dict or None
        ``slope``, by which the frozen one is to be multiplied; ``intercept``, the log-odds to be
        added (None of survival, whose whole baseline is refitted); ``horizons``, each with ``time``
        and ``calibration``. None with too few events.
    """
    fewest = fewest_of(y)
    if fewest < 2 * FEWEST_EVENTS:
        return None
    score = model.standardised(X)
    folds = stratified_folds(events_of(y), min(_FOLDS, fewest // FEWEST_EVENTS), seed)
    fitted = [(_fit(y[train], score[train]), test) for train, test in folds]
    whole = _fit(y, score)
    slope = whole.slope / model.calibration_.slope
    intercept = None
    if whole.intercept is not None:
        intercept = whole.intercept - slope * (model.calibration_.intercept or 0.0)
    return {"slope": slope, "intercept": intercept, "horizons": _at(fitted, score, y, horizons)}


def _fit(y: NDArray[Any], score: Floats) -> Recalibration:
    return Recalibration.fit(y, score, np.zeros(len(y), dtype=np.intp))


def _at(
    fitted: list[tuple[Recalibration, NDArray[np.intp]]],
    score: Floats,
    y: NDArray[Any],
    horizons: Floats,
) -> list[dict[str, Any]]:
    if is_binary(y):
        probability = np.empty(len(y))
        for calibration, test in fitted:
            probability[test] = expit(calibration.risk(score[test]))
        facts = calibration_facts(lambda: binary_calibration(y, probability))
        return [{"time": None, "calibration": facts}]
    survival = np.empty((len(y), len(horizons)))
    for calibration, test in fitted:
        survival[test] = calibration.survival(score[test], horizons)
    return [
        {
            "time": float(time),
            "calibration": calibration_facts(partial(calibration_at, y, at, float(time))),
        }
        for at, time in zip(survival.T, horizons, strict=True)
    ]
