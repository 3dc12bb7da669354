"""One outer fold: fit on its training patients, look at its test patients once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from radpipe.prognosis.evaluation.leaks import require_fitted_on
from radpipe.prognosis.evaluation.results import risk_groups
from radpipe.prognosis.evaluation.similar import encoder_of, similar_cases
from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.table import CNN
from radpipe.prognosis.survival import (
    NoPairsError,
    auc,
    concordance_index,
    kaplan_meier,
    survival_at,
)
from radpipe.prognosis.survival.endpoint import Floats, is_binary
from radpipe.prognosis.survival.splits import Fold


@dataclass(frozen=True)
class Bench:
    """What all folds have in common.

    Attributes
    ----------
    models : dict of str to (Model, list of str)
        Not fitted, and their columns.
    frame : DataFrame
        One row a patient.
    y : ndarray
        The endpoint.
    times : ndarray of float64, shape (k,)
        When survival is predicted.
    """

    models: dict[str, tuple[Model, list[str]]]
    frame: pd.DataFrame
    y: NDArray[Any]
    times: Floats


@dataclass(frozen=True)
class Fitted:
    """What one model did in one outer fold.

    Attributes
    ----------
    fold : Fold
        Training and test patients.
    risk : ndarray of float64, shape (m,)
        Risk scores of the test patients.
    predicted : ndarray of float64, shape (m, k) or (m,)
        Their survival at the bench's times; probability of the event for a binary endpoint.
    null : ndarray of float64, shape (k,), or float
        What the training patients' Kaplan-Meier curve, or their share of events, predicts for all.
    group : ndarray of str, shape (m,)
        ``high`` above the training patients' median risk, else ``low``.
    value : float or None
        C-index or AUC within the fold; None where no two patients can be compared.
    apparent : float or None
        The same of the training patients.
    settings : dict
        What the inner folds chose.
    used : list of str
        Columns that move the score.
    clusters : dict of str to list of str
        Features taken as one.
    contributions : Series
        Mean absolute contribution of each column to the test patients' risk.
    similar : DataFrame or None
        Training patients most like each test patient to an encoder.
    """

    fold: Fold
    risk: Floats
    predicted: Floats
    null: Floats
    group: NDArray[np.str_]
    value: float | None
    apparent: float | None
    settings: dict[str, Any]
    used: list[str]
    clusters: dict[str, list[str]]
    contributions: pd.Series
    similar: pd.DataFrame | None


def run_fold(bench: Bench, fold: Fold, *, with_similar: bool = False) -> dict[str, Fitted]:
    """Fit every model to the training patients and score the test patients.

    Parameters
    ----------
    bench : Bench
        Models, table, endpoint.
    fold : Fold
        Who is who.
    with_similar : bool
        Whether to look for training patients like each test patient.

    Returns
    -------
    dict of str to Fitted
        By model.

    Raises
    ------
    LeakError
        A part of a model saw a test patient while it was fitted.
    """
    return {name: _run(bench, name, fold, with_similar) for name in bench.models}


def _run(bench: Bench, name: str, fold: Fold, with_similar: bool) -> Fitted:
    made, columns = bench.models[name]
    train, test = (bench.frame.iloc[places][columns] for places in (fold.train, fold.test))
    y_train, y_test = bench.y[fold.train], bench.y[fold.test]
    model: Model = clone(made).fit(train, y_train)
    require_fitted_on(model, train.index, test.index)
    risk, known = model.predict(test), model.predict(train)
    binary = is_binary(bench.y)
    return Fitted(
        fold=fold,
        risk=risk,
        predicted=model.predict_probability(test)
        if binary
        else model.predict_survival(test, bench.times),
        null=np.asarray(y_train.mean())
        if binary
        else survival_at(kaplan_meier(y_train), bench.times),
        group=risk_groups(risk, float(np.median(known))),
        value=concordance(y_test, risk),
        apparent=concordance(y_train, known),
        settings=model.settings(),
        used=model.used(),
        clusters=model.clusters(),
        contributions=model.contributions(test).abs().mean(),
        similar=_similar(bench, name, model, fold) if with_similar else None,
    )


def _similar(bench: Bench, name: str, model: Model, fold: Fold) -> pd.DataFrame | None:
    encoder = encoder_of(model)
    # The fusion's embedding is that of the model of embeddings alone, where there is one.
    if encoder is None or (name != CNN and CNN in bench.models):
        return None
    rows = bench.frame[[*encoder.feature_names_in_]]
    train, test = (rows.iloc[places] for places in (fold.train, fold.test))
    return similar_cases(encoder, train, test, bench.frame["patient_id"])


def concordance(y: NDArray[Any], risk: Floats) -> float | None:
    """Return the C-index, or the AUC where there are no times.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint.
    risk : ndarray of float64, shape (n,)
        Risk scores.

    Returns
    -------
    float or None
        None where no two patients can be compared.
    """
    try:
        return auc(y, risk) if is_binary(y) else concordance_index(y, risk)
    except NoPairsError:
        return None
