"""The log-rank statistic: how far apart groups of patients are in survival."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.concordance import NoPairsError
from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint


def log_rank_statistic(endpoint: Endpoint, groups: ArrayLike) -> float:
    """Compare the events of each group with those expected if all had the same hazard.

    It weighs early and late differences alike and misses curves that cross. Under no difference it
    follows chi-square with one degree of freedom less than groups only if the groups were formed
    without looking at the outcome; for groups from cross-validated risks, whose training sets
    overlap, its p-value must come from permutations (Simon et al. 2011, doi 10.1093/bib/bbr001).

    Parameters
    ----------
    endpoint : ndarray, shape (n,)
        Structured array with ``event`` and ``time``.
    groups : array-like, shape (n,)
        A label a patient; two or more distinct.

    Returns
    -------
    float
        Chi-square.

    Raises
    ------
    NoPairsError
        At no event were patients of two groups at risk.
    ValueError
        Fewer than two groups, or another length.

    Notes
    -----
    Mantel 1966, Cancer Chemother Rep 50:163-170; the hypergeometric variance accounts for ties.

    Examples
    --------
    >>> from radpipe.prognosis.survival import make_endpoint
    >>> cohort = make_endpoint([True, True, True, False], [1, 2, 3, 4])
    >>> round(log_rank_statistic(cohort, ["a", "a", "b", "b"]), 4)
    2.8824
    """
    event, time = check_endpoint(endpoint)
    labels, codes = np.unique(np.asarray(groups), return_inverse=True)
    if codes.shape != time.shape or len(labels) < 2:
        raise ValueError(f"{len(labels)} groups of {codes.size} labels for {len(time)} patients")
    at_risk, events = _tables(event, time, codes, len(labels))
    difference = (events - at_risk * _share(events, at_risk)).sum(axis=0)
    covariance = _covariance(at_risk, events)
    if not np.diag(covariance).max(initial=0.0) > 0:
        raise NoPairsError("at no event were patients of two groups at risk")
    # The groups' differences sum to zero, so one is always redundant, whichever it is.
    inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
    return float(difference @ inverse @ difference)


def _tables(
    event: NDArray[np.bool_], time: Floats, codes: NDArray[np.intp], groups: int
) -> tuple[Floats, Floats]:
    """Count, at each event time and in each group, patients at risk and events."""
    times, place = np.unique(time[event], return_inverse=True)
    events = np.bincount(place * groups + codes[event], minlength=len(times) * groups)
    member = np.eye(groups)[codes]
    order = np.argsort(-time, kind="stable")
    latest_first = np.cumsum(member[order], axis=0)
    last = np.searchsorted(-time[order], -times, side="right") - 1
    return latest_first[last], events.reshape(len(times), groups).astype(np.float64)


def _share(events: Floats, at_risk: Floats) -> Floats:
    share: Floats = events.sum(axis=1, keepdims=True) / at_risk.sum(axis=1, keepdims=True)
    return share


def _covariance(at_risk: Floats, events: Floats) -> Floats:
    patients, died = at_risk.sum(axis=1), events.sum(axis=1)
    variance = died * (patients - died) / (patients * np.maximum(patients - 1, 1))
    scaled = at_risk * variance[:, np.newaxis]
    covariance: Floats = np.diag(scaled.sum(axis=0)) - at_risk.T @ (
        scaled / patients[:, np.newaxis]
    )
    return covariance
