"""The C-index or AUC of some of a cohort's patients, counted within test folds."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from radpipe.prognosis.report.evidence import Estimate
from radpipe.prognosis.survival import NoPairsError, bootstrap_concordance, make_endpoint
from radpipe.prognosis.survival.concordance import weighted_pairs
from radpipe.prognosis.survival.endpoint import Endpoint, Floats

_BOOTSTRAPS = 1000


def concordance_of(rows: pd.DataFrame, test_to_train: float | None) -> Estimate | None:
    """Rank the patients of a subgroup against each other.

    The pairs of all test folds are counted together, so that a fold with few pairs counts little.
    The interval is Nadeau and Bengio's (doi 10.1023/A:1024068626366) with folds weighted by their
    pairs; with equal weights it is the plain one.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one model: ``repeat``, ``fold``, ``event``, ``risk_score``, and ``time``
        unless the endpoint has none.
    test_to_train : float or None
        Test patients to one training patient; None in a validation, where patients are
        bootstrapped instead.

    Returns
    -------
    Estimate or None
        None where no two patients can be compared, or in one fold only.
    """
    if test_to_train is None:
        return _bootstrapped(rows)
    values, pairs, folds = [], [], []
    for (_, fold), part in rows.groupby(["repeat", "fold"], sort=True):
        endpoint, risk = as_endpoint(part), part["risk_score"].to_numpy(float)
        concordant, comparable = weighted_pairs(endpoint, risk, np.ones((1, len(part))))
        if comparable[0] > 0:
            values.append(concordant[0] / comparable[0])
            pairs.append(comparable[0])
            folds.append(fold)
    return weighted_nadeau_bengio(values, pairs, folds, test_to_train)


def as_endpoint(rows: pd.DataFrame) -> Endpoint:
    """Write outcomes so that pairs can be counted.

    Parameters
    ----------
    rows : DataFrame
        ``event``, and ``time`` unless the endpoint has none.

    Returns
    -------
    ndarray, shape (n,)
        Without times, the event comes at 1 and its absence is seen until 2: then the comparable
        pairs are those of the AUC.
    """
    event = rows["event"].to_numpy(bool)
    known = "time" in rows.columns
    return make_endpoint(event, rows["time"].to_numpy(float) if known else np.where(event, 1, 2))


def weighted_nadeau_bengio(
    values: list[float], weights: list[float], folds: list[Hashable], test_to_train: float
) -> Estimate | None:
    """Average fold values by weight, with the corrected resampled t interval.

    Parameters
    ----------
    values, weights : list of float
        One an outer fold of a repeat.
    folds : list
        Which fold of its repeat each is.
    test_to_train : float
        Test patients to one training patient.

    Returns
    -------
    Estimate or None
        None of fewer than two values.
    """
    from scipy.stats import t as student

    if len(values) < 2:
        return None
    value, share = np.asarray(values), _shares(weights)
    mean = float(share @ value)
    # With equal weights: the sample variance, and 1/J.
    together = float(share @ share)
    variance = float(share @ (value - mean) ** 2) / (1 - together)
    freedom = max(min(len(set(folds)), len(values)) - 1, 1)
    half = float(student.ppf(0.975, freedom)) * np.sqrt(variance * (together + test_to_train))
    return Estimate(mean, max(mean - half, 0.0), min(mean + half, 1.0))


def _shares(weights: list[float]) -> Floats:
    shares: Floats = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    return shares


def _bootstrapped(rows: pd.DataFrame) -> Estimate | None:
    try:
        found = bootstrap_concordance(
            as_endpoint(rows), rows["risk_score"].to_numpy(float), bootstraps=_BOOTSTRAPS
        )
    except NoPairsError:
        return None
    return Estimate(*found)
