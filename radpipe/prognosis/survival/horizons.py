"""Times at which a cohort can answer for a prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint

FEWEST = 10
_QUARTILES = (0.25, 0.5, 0.75)


def allowed_horizons(
    endpoint: Endpoint, asked: Sequence[float] | None = None
) -> tuple[Floats, list[tuple[float, str]]]:
    """Keep the times with at least 10 events by then and 10 patients under observation after.

    With fewer, a calibration or an AUC(t) is the story of a few patients. The number is a
    convention, far below the 100 events asked for in external validation (Vergouwe et al. 2005,
    doi 10.1016/j.jclinepi.2004.06.017): it keeps out nonsense, not noise.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    asked : sequence of float, optional
        Times wished for, in the unit of ``time``; by default the quartiles of the event times.

    Returns
    -------
    times : ndarray of float64, shape (k,)
        Those allowed, ascending, each once.
    refused : list of tuple of float and str
        The others, and why.

    Raises
    ------
    ValueError
        A time asked for is not a positive number.
    """
    event, time = check_endpoint(endpoint)
    wished = _quartiles(time[event]) if asked is None else np.unique(np.asarray(asked, dtype=float))
    if not (np.isfinite(wished).all() and (wished > 0).all()):
        raise ValueError("every horizon must be a positive, finite number")
    reasons = [
        _objection(int((event & (time <= at)).sum()), int((time > at).sum())) for at in wished
    ]
    allowed = np.array([reason is None for reason in reasons], dtype=bool)
    refused = [(float(at), why) for at, why in zip(wished, reasons, strict=True) if why]
    return wished[allowed], refused


def _quartiles(event_times: Floats) -> Floats:
    if not len(event_times):
        return np.empty(0)
    return np.unique(np.quantile(event_times, _QUARTILES, method="inverted_cdf"))


def _objection(events: int, followed: int) -> str | None:
    if events < FEWEST:
        return f"events by then: {events}, {FEWEST} are needed"
    if followed < FEWEST:
        return f"patients under observation after it: {followed}, {FEWEST} are needed"
    return None
