"""The C-index or AUC of some of a cohort's patients, counted within test folds."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd

from radpipe.prognosis.report.evidence import Estimate
from radpipe.prognosis.survival import (
    NoPairsError,
    concordance_index,
    make_endpoint,
    nadeau_bengio,
)
from radpipe.prognosis.survival.endpoint import Endpoint, Floats
from radpipe.prognosis.survival.resampling import (
    all_pairs,
    concordances,
    interval_of,
    within_groups,
)

_BOOTSTRAPS = 1000


def concordance_of(rows: pd.DataFrame, test_to_train: float | None) -> Estimate | None:
    """Rank the patients of a subgroup against each other, as those of a whole cohort are ranked.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one model: ``repeat``, ``fold``, ``event``, ``risk_score``, and ``time``
        unless the endpoint has none.
    test_to_train : float or None
        Test patients to one training patient; None in a validation and where hospitals are left
        out, where patients are bootstrapped within each fold instead.

    Returns
    -------
    Estimate or None
        Average over the test folds where two patients can be compared, with Nadeau and Bengio's
        interval; None with fewer than two such folds.
    """
    if test_to_train is None:
        return _bootstrapped(rows)
    values, folds = [], set()
    for (_, fold), part in rows.groupby(["repeat", "fold"], sort=True):
        with suppress(NoPairsError):
            values.append(concordance_index(as_endpoint(part), part["risk_score"].to_numpy(float)))
            folds.add(fold)
    return Estimate(*nadeau_bengio(values, test_to_train, len(folds))) if len(folds) > 1 else None


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


def _bootstrapped(rows: pd.DataFrame) -> Estimate | None:
    groups = [
        (as_endpoint(part), part["risk_score"].to_numpy(float))
        for _, part in rows.groupby(["repeat", "fold"], sort=True)
    ]
    found = interval_of(within_groups(groups, _ordered, _BOOTSTRAPS))
    return None if found is None else Estimate(*found)


def _ordered(y: Endpoint, risk: Floats, drawn: Floats) -> Floats:
    return concordances(all_pairs(y), risk, drawn)
