"""Risk groups and their survival curves, ready to draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival import (
    kaplan_meier,
    log_log_band,
    make_endpoint,
    numbers_at_risk,
)
from radpipe.prognosis.survival.endpoint import Floats

GROUPS = ("low", "high")
_DAYS_PER_MONTH = 365.25 / 12
_STEPS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 36, 60, 120, 240)
_MOST_TICKS = 7


@dataclass(frozen=True)
class TimeAxis:
    """How times are shown.

    Attributes
    ----------
    divisor : float
        Units of the table in one unit of the axis.
    label : str
        What stands under the axis.
    ticks : ndarray of float64
        In the axis' unit, from 0.
    known : bool
        Whether the label is a unit; else it is the column's name.
    """

    divisor: float
    label: str
    ticks: Floats
    known: bool = True


@dataclass(frozen=True)
class Curve:
    """The Kaplan-Meier curve of one risk group, in the axis' unit of time.

    Attributes
    ----------
    group : str
        ``low`` or ``high``.
    patients, events : int
        Counts.
    times, survival, low, high : ndarray of float64, shape (k,)
        The curve from time 0 on, and its 95 % band; NaN where the band is not defined.
    censored : ndarray of float64
        Times at which a patient was censored.
    at_risk : ndarray of int
        At the axis' ticks.
    """

    group: str
    patients: int
    events: int
    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    censored: Floats
    at_risk: NDArray[np.intp]

    def at(self, time: float) -> tuple[float, float, float] | None:
        """Read the curve.

        Parameters
        ----------
        time : float
            In the axis' unit.

        Returns
        -------
        tuple of float or None
            Survival and its band; None beyond the last patient.
        """
        if time > self.times[-1]:
            return None
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        return float(self.survival[place]), float(self.low[place]), float(self.high[place])

    def median(self) -> float | None:
        """Return the first time at which survival is one half or less.

        Returns
        -------
        float or None
            In the axis' unit; None where it was not reached.
        """
        reached = np.flatnonzero(self.survival <= 0.5 + 1e-12)
        return float(self.times[reached[0]]) if len(reached) else None


def group_of_patient(predictions: pd.DataFrame, model: str) -> pd.DataFrame:
    """Give each patient one risk group: that of most repeats.

    Parameters
    ----------
    predictions : DataFrame
        Out-of-fold predictions with ``model``, ``patient_id``, ``event``, ``group``, and ``time``
        unless the endpoint has none.
    model : str
        Whose.

    Returns
    -------
    DataFrame
        Indexed by patient_id: ``time`` if known, ``event``, ``group``. A tie counts as high.
    """
    rows = predictions[predictions["model"] == model]
    rows = rows.assign(high=rows["group"] == "high", event=rows["event"].astype(bool))
    known = {name: "first" for name in ("time", "event") if name in rows.columns}
    table = rows.groupby("patient_id").agg({**known, "high": "mean"})
    return table.assign(group=np.where(table["high"] >= 0.5, "high", "low")).drop(columns="high")


def time_axis(name: str, longest: float) -> TimeAxis:
    """Choose unit and ticks for a time column.

    Parameters
    ----------
    name : str
        Name of the column; ``…_days`` is shown in months.
    longest : float
        The longest time, in the column's unit.

    Returns
    -------
    TimeAxis
        With at most seven ticks.

    Examples
    --------
    >>> time_axis("os_days", 1500).ticks.tolist()
    [0.0, 12.0, 24.0, 36.0, 48.0]
    """
    unit = name.rsplit("_", 1)[-1]
    divisor = _DAYS_PER_MONTH if unit == "days" else 1.0
    shown = {"days": "Months", "months": "Months", "years": "Years"}.get(unit, name)
    end = longest / divisor
    step = next((step for step in _STEPS if end / step < _MOST_TICKS), end / _MOST_TICKS)
    return TimeAxis(divisor, shown, np.arange(0, end + step * 1e-9, step), shown != name)


def group_curves(groups: pd.DataFrame, axis: TimeAxis) -> list[Curve]:
    """Estimate one curve for each group that has patients.

    Parameters
    ----------
    groups : DataFrame
        Of :func:`group_of_patient`.
    axis : TimeAxis
        Unit and ticks.

    Returns
    -------
    list of Curve
        Low risk first.
    """
    return [
        _curve(group, part, axis)
        for group in GROUPS
        if len(part := groups[groups["group"] == group])
    ]


def _curve(group: str, rows: pd.DataFrame, axis: TimeAxis) -> Curve:
    event, time = rows["event"].to_numpy(), rows["time"].to_numpy(dtype=float)
    endpoint = make_endpoint(event, time / axis.divisor)
    times, survival = kaplan_meier(endpoint)
    band = log_log_band(survival, numbers_at_risk(endpoint, times))
    survival, low, high = (np.concatenate([[1.0], line]) for line in (survival, *band))
    return Curve(
        group=group,
        patients=len(rows),
        events=int(event.sum()),
        times=np.concatenate([[0.0], times]),
        survival=survival,
        low=low,
        high=high,
        censored=np.sort(endpoint["time"][~event]),
        at_risk=numbers_at_risk(endpoint, axis.ticks),
    )
