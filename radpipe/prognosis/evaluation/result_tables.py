"""Tables of an evaluation, cross-validated or external, and the times that it is measured at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import SettingsError
from radpipe.prognosis.evaluation.results import ranked
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.survival import allowed_horizons
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.steps import CorrelationClusters, selection_frequency


def horizons_of(
    study: Study, asked: Sequence[float] | None
) -> tuple[Floats, list[tuple[float, str]]]:
    """Choose when to measure.

    Parameters
    ----------
    study : Study
        The cohort.
    asked : sequence of float or None
        Times wished for; None: the quartiles of the event times.

    Returns
    -------
    tuple of (ndarray, list of tuple of float and str)
        Times allowed; the others, and why. None of either for a binary endpoint.

    Raises
    ------
    SettingsError
        A horizon is not positive, or the endpoint has no times.
    """
    if study.binary:
        if asked:
            raise SettingsError(
                "this endpoint has no times",
                where="--horizons",
                found=asked,
                expected="none: the endpoint is binary",
                remedy="leave --horizons out, or name the column of times with --time",
            )
        return np.array([]), []
    try:
        return allowed_horizons(study.endpoint, asked)
    except ValueError as error:
        raise SettingsError(
            "a horizon is no time",
            where="--horizons",
            found=asked,
            expected="positive numbers, in the unit of the times",
            remedy="leave it out",
        ) from error


def probability_columns(predicted: Floats, times: Sequence[float] | Floats) -> pd.DataFrame:
    """Name predicted probabilities.

    Parameters
    ----------
    predicted : ndarray of float64, shape (n, k) or (n,)
        Survival at times; probability of the event for a binary endpoint.
    times : sequence of float, shape (k,)
        These times.

    Returns
    -------
    DataFrame, shape (n, k) or (n, 1)
        ``survival_at_<time>``, or ``probability``.
    """
    if predicted.ndim == 1:
        return pd.DataFrame({"probability": predicted})
    # As many digits as a float surely holds: two horizons must not share a name.
    return pd.DataFrame(predicted, columns=[f"survival_at_{time:.15g}" for time in times])


def prediction_table(
    identifiers: pd.DataFrame,
    place: Mapping[str, Any],
    risk: Floats,
    group: NDArray[np.str_],
    probabilities: pd.DataFrame,
) -> pd.DataFrame:
    """Put together what was predicted of some patients.

    Parameters
    ----------
    identifiers : DataFrame, shape (n, ...)
        Of :meth:`Study.identifiers`.
    place : mapping of str to value
        ``model``, ``repeat`` and ``fold``.
    risk : ndarray of float64, shape (n,)
        Risk scores.
    group : ndarray of str, shape (n,)
        ``high`` or ``low``.
    probabilities : DataFrame, shape (n, ...)
        Of :func:`probability_columns`.

    Returns
    -------
    DataFrame, shape (n, ...)
        In this order of columns.
    """
    front = pd.DataFrame(dict(place), index=range(len(identifiers)))
    told = identifiers.reset_index(drop=True).assign(risk_score=risk, group=group)
    return pd.concat([front, told, probabilities], axis=1)


def contribution_table(means: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Rank what each column added, model by model.

    Parameters
    ----------
    means : mapping of str to Series
        Mean absolute contribution by column, by model.

    Returns
    -------
    DataFrame
        ``model``, ``feature``, ``mean_abs_contribution``.
    """
    tables = []
    for name, mean in means.items():
        table = ranked(mean)
        table.insert(0, "model", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def selection_table(
    used: Mapping[str, Sequence[Sequence[str]]], features: pd.DataFrame, correlation: float
) -> pd.DataFrame:
    """Count how often each feature, and each cluster of features, was used.

    Parameters
    ----------
    used : mapping of str to sequence of sequences of str
        By model, the columns used in each fit.
    features : DataFrame, shape (n, p)
        All patients.
    correlation : float
        From which on features are one cluster.

    Returns
    -------
    DataFrame
        ``model``, ``feature``, ``cluster``, ``chosen``, ``cluster_chosen``.
    """
    # Of all patients, which is no leak: it groups what was chosen, and outcomes play no part.
    clusters = CorrelationClusters(correlation).fit(features).clusters_
    tables = []
    for name, fits in used.items():
        table = selection_frequency(fits, clusters)
        table.insert(0, "model", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
