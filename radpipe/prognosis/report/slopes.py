"""Calibration slopes, where predictions differ enough to have one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

# Of a score that is nearly constant the slope is rounding and luck.
_SPREAD, _STEEPEST = 0.02, 10.0
ALIKE = "all patients got nearly the same prediction"


def event_probability(
    predictions: pd.DataFrame, model: str, time: float | None
) -> pd.Series | None:
    """Read how likely a model said the event to be.

    Parameters
    ----------
    predictions : DataFrame
        ``predictions.parquet``.
    model : str
        Whose.
    time : float or None
        By when; None for a binary endpoint.

    Returns
    -------
    Series or None
        One value a row of this model; None where none was saved for this time.
    """
    name = "probability" if time is None else f"survival_at_{time:.15g}"
    if name not in predictions.columns:
        return None
    values = predictions.loc[predictions["model"] == model, name].astype("float64")
    return values if time is None else 1 - values


def meaningful_slope(
    slope: float | None, predictions: pd.DataFrame, model: str, times: Sequence[float | None]
) -> float | None:
    """Keep a calibration slope unless all patients got nearly the same prediction.

    Parameters
    ----------
    slope : float or None
        As it was measured.
    predictions : DataFrame
        ``predictions.parquet``.
    model : str
        Whose slope it is.
    times : sequence of float or None
        Horizons; None in it for a binary endpoint.

    Returns
    -------
    float or None
        None beyond 10, or where at no horizon the 5th and 95th percentile of the predicted
        probabilities of a test fold are 0.02 apart.
    """
    if slope is None or abs(slope) > _STEEPEST:
        return None
    found = (event_probability(predictions, model, time) for time in times)
    spreads = [_spread(values, predictions) for values in found if values is not None]
    return None if spreads and max(spreads) < _SPREAD else slope


def _spread(values: pd.Series, predictions: pd.DataFrame) -> float:
    folds = [predictions.loc[values.index, name] for name in ("repeat", "fold")]
    parts = values.groupby(folds)
    return float((parts.quantile(0.95) - parts.quantile(0.05)).median())
