"""The endpoint: whether it happened, and when, as one structured array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# scikit-survival's layout, so that its users and its estimators can take ours as they are.
ENDPOINT_DTYPE = np.dtype([("event", np.bool_), ("time", np.float64)])

Endpoint = NDArray[np.void]
Floats = NDArray[np.float64]


def make_endpoint(event: ArrayLike, time: ArrayLike) -> Endpoint:
    """Join event and time.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        True: it happened at ``time``; False: censored then.
    time : array-like of float, shape (n,)
        Time since the start, in any unit; positive and finite.

    Returns
    -------
    ndarray, shape (n,)
        Structured array with the fields ``event`` (bool) and ``time`` (float64).

    Raises
    ------
    ValueError
        Lengths differ, or a time is not a positive number.

    Examples
    --------
    >>> make_endpoint([True, False], [3, 5])["time"].tolist()
    [3.0, 5.0]
    """
    events, times = np.asarray(event, dtype=bool), np.asarray(time, dtype=np.float64)
    if events.ndim != 1 or events.shape != times.shape:
        raise ValueError(f"event and time differ in shape: {events.shape}, {times.shape}")
    if not (np.isfinite(times).all() and (times > 0).all()):
        raise ValueError("every time must be a positive, finite number")
    endpoint = np.empty(len(times), dtype=ENDPOINT_DTYPE)
    endpoint["event"], endpoint["time"] = events, times
    return endpoint


def check_endpoint(endpoint: Endpoint, *per_patient: ArrayLike) -> tuple[Any, ...]:
    """Check the array and whatever must be as long and finite as it is.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array of :func:`make_endpoint`.
    *per_patient : array-like of float, shape (n,)
        For example risk scores.

    Returns
    -------
    tuple of ndarray
        ``event``, ``time`` and each further array as float64.

    Raises
    ------
    ValueError
        A wrong dtype, no patient, another length, NaN or infinity.
    """
    if endpoint.dtype.names != ENDPOINT_DTYPE.names or len(endpoint) == 0:
        raise ValueError("the endpoint must be a non-empty array with fields event and time")
    arrays = [np.asarray(values, dtype=np.float64) for values in per_patient]
    for values in arrays:
        if values.shape != endpoint.shape:
            raise ValueError(f"{values.shape} values for {len(endpoint)} patients")
        if not np.isfinite(values).all():
            raise ValueError("NaN or infinity among the values")
    return endpoint["event"], endpoint["time"], *arrays
