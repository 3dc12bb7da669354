"""Metrics of a binary endpoint: scikit-learn's, with our words for what is undefined."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radpipe.prognosis.survival.concordance import NoPairsError
from radpipe.prognosis.survival.endpoint import Floats, check_probabilities


def auc(event: ArrayLike, risk_score: ArrayLike) -> float:
    """Return the area under the ROC curve.

    The chance that a patient with the event scores above one without: the C-index of a binary
    endpoint. It is blind to calibration and to how rare the event is.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        True: it happened.
    risk_score : array-like of float, shape (n,)
        Higher = likelier event.

    Returns
    -------
    float
        0.5 is chance, 1 perfect.

    Raises
    ------
    NoPairsError
        All had the event, or none.
    ValueError
        A score is not finite, or the lengths differ.

    Notes
    -----
    Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> auc([True, False, True], [0.9, 0.5, 0.5])
    0.75
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_both_classes(event, risk_score)))


def average_precision(event: ArrayLike, risk_score: ArrayLike) -> float:
    """Return the area under the precision-recall curve, as average precision.

    For rare events it tells what the AUC hides: how many of those flagged do have the event. Chance
    is the share of events, so cohorts with other shares cannot be compared by it.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        True: it happened.
    risk_score : array-like of float, shape (n,)
        Higher = likelier event.

    Returns
    -------
    float
        1 is perfect.

    Raises
    ------
    NoPairsError
        All had the event, or none.
    ValueError
        A score is not finite, or the lengths differ.

    Notes
    -----
    Saito and Rehmsmeier 2015, doi 10.1371/journal.pone.0118432.
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*_both_classes(event, risk_score)))


def brier_score(event: ArrayLike, probability: ArrayLike) -> float:
    """Return the mean squared error of predicted probabilities.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        True: it happened.
    probability : array-like of float, shape (n,)
        Of the event.

    Returns
    -------
    float
        0 is perfect; it exists with a single class, too.

    Raises
    ------
    ValueError
        A value is no probability, or the lengths differ.

    Notes
    -----
    Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    happened = np.asarray(event, dtype=bool)
    predicted = check_probabilities(probability, len(happened), 1)[:, 0]
    return float(np.mean((predicted - happened) ** 2))


def _both_classes(event: ArrayLike, risk_score: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    happened, risk = np.asarray(event, dtype=bool), np.asarray(risk_score, dtype=np.float64)
    if happened.ndim != 1 or risk.shape != happened.shape:
        raise ValueError(f"{risk.shape} risk scores for {happened.shape} patients")
    if not np.isfinite(risk).all():
        raise ValueError("NaN or infinity among the risk scores")
    if happened.all() or not happened.any():
        raise NoPairsError("everyone had the event" if happened.any() else "nobody had the event")
    return happened, risk
