"""Evaluations that many tests look at; each is made once in a process."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.evaluation import Evaluation, evaluate
from tests.unit.prognosis.cohorts import VOLUME, simulate

ENDPOINT = {"time": "os_days", "event": "death"}
QUICK = {**ENDPOINT, "repeats": 2, "folds": 3, "permutations": 0}
PATIENTS, PERMUTATIONS = 90, 2


def cohort() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a volume that tells something, a texture that tells more, and clinical columns."""
    features, clinical = simulate(PATIENTS, effect=1.0, seed=2)
    random = np.random.default_rng(5)
    # Larger tumours in those who die early, as by chance alone they are not here.
    time = clinical.set_index("patient_id")["os_days"].loc[features["patient_id"]]
    later = np.log(time.to_numpy())
    features[VOLUME] = np.exp(random.normal(size=PATIENTS) - 0.5 * (later - later.mean()))
    clinical["stage"] = random.choice(["I", "II", "III"], PATIENTS)
    clinical.loc[clinical.index[::11], "stage"] = None
    clinical["died_early"] = ((clinical["os_days"] < 150) & (clinical["death"] == 1)).astype(int)
    return features, clinical


CALL = {
    "clinical_columns": ["age", "stage"],
    "repeats": 2,
    "folds": 3,
    "permutations": PERMUTATIONS,
    "seed": 7,
}


@cache
def survival() -> Evaluation:
    """Evaluate all models of survival."""
    return evaluate(*cohort(), **ENDPOINT, **CALL)


@cache
def binary() -> Evaluation:
    """Evaluate all models of an endpoint without times."""
    return evaluate(*cohort(), event="died_early", **CALL)


def fold_values(rows: pd.DataFrame, measure) -> list[float]:
    """Apply a measure to each test fold of one model, in order."""
    return [measure(part) for _, part in rows.groupby(["repeat", "fold"], sort=True)]


def of_model(result: Evaluation, name: str) -> pd.DataFrame:
    """Return the predictions of one model."""
    return result.predictions[result.predictions["model"] == name]


def as_sksurv(part: pd.DataFrame) -> NDArray:
    """Return an endpoint as scikit-survival takes it."""
    y = np.empty(len(part), dtype=[("event", bool), ("time", float)])
    y["event"], y["time"] = part["event"], part["time"]
    return y


def everybody(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each patient once."""
    return rows[rows["repeat"] == 0]


def training_of(rows: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """Return the patients of a repeat who are not in a part of it."""
    once = everybody(rows)
    return once[~once["patient_id"].isin(part["patient_id"])]
