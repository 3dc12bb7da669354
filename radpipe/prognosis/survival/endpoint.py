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


def is_binary(endpoint: NDArray[Any]) -> bool:
    """Tell an endpoint without times from one with them.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Of bool where an event happened, or the structured array of :func:`make_endpoint`.

    Returns
    -------
    bool
        Whether there are no times.
    """
    return endpoint.dtype.names is None


def events_of(endpoint: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell who had the event.

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        With times or without.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where it happened.
    """
    return endpoint if is_binary(endpoint) else endpoint["event"]


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


def check_probabilities(values: ArrayLike, patients: int, times: int) -> Floats:
    """Check predicted probabilities.

    Parameters
    ----------
    values : array-like of float, shape (n, k)
        Between 0 and 1; (n,) will do for a single time.
    patients : int
        The n there must be.
    times : int
        The k there must be.

    Returns
    -------
    ndarray of float64, shape (n, k)
        The same.

    Raises
    ------
    ValueError
        Another shape, or a value that is no probability.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape == (patients,) and times == 1:
        array = array[:, np.newaxis]
    if array.shape != (patients, times):
        raise ValueError(f"probabilities {array.shape} for {patients} patients and {times} times")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("a probability lies between 0 and 1")
    return array
