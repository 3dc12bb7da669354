"""Simulated cohorts whose true hazard is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.evaluation import ModelOptions, evaluate
from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.survival import concordance_index, make_endpoint

VOLUME = "original_shape_MeshVolume"
CLINICAL = ("age", "stage")
# Exponential censoring at this rate leaves about 60 % of events, by trial.
CENSORING_RATE = 0.7


@dataclass(frozen=True)
class Population:
    """Where cohorts are drawn from.

    Attributes
    ----------
    clusters, members : int
        Features come in clusters; those of one are correlated by 0.93.
    effects : tuple of float
        Log-hazards of one standard deviation of the first clusters' common part.
    volume, clinical : float
        Log-hazard of the volume's logarithm, and of age and stage.
    binary : bool
        The hazard is a log-odds, and there are no times.
    """

    clusters: int
    members: int = 1
    effects: tuple[float, ...] = ()
    volume: float = 0.0
    clinical: float = 0.0
    binary: bool = False


@dataclass(frozen=True)
class Cohort:
    """One draw: the table that is evaluated, and what it was made from.

    Attributes
    ----------
    table : DataFrame
        Features, volume, clinical columns, outcome; indexed by ``case_id``.
    hazard : Series
        True log-hazard, or log-odds, by ``case_id``.
    """

    table: pd.DataFrame
    hazard: pd.Series

    @property
    def features(self) -> list[str]:
        """Names of all features, volume among them."""
        return [str(name) for name in self.table if str(name).startswith("original_")]


def draw(population: Population, seed: int, patients: int) -> Cohort:
    random = np.random.default_rng(seed)
    ids = pd.Index([f"P{number:05d}" for number in range(patients)], name="case_id")
    common = random.normal(size=(patients, population.clusters))
    features = _members(population, common, random)
    size, age, stage = random.normal(size=(3, patients))
    effects = np.asarray(population.effects)
    hazard = common[:, : len(effects)] @ effects + population.volume * size
    hazard = hazard + population.clinical * (age + stage)
    table = pd.DataFrame(features, index=ids, columns=names(population))
    table[VOLUME] = np.exp(9 + size)
    table["age"] = 60 + 10 * age
    table["stage"] = np.array(["I", "II", "III", "IV"])[np.digitize(stage, [-0.7, 0.0, 0.7])]
    table = pd.concat([table, _outcome(population, hazard, ids, random)], axis=1)
    table.insert(0, "patient_id", ids.to_numpy())
    return Cohort(table, pd.Series(hazard, index=ids))


def names(population: Population) -> list[str]:
    return [
        f"original_glcm_Cluster{cluster}Member{member}"
        for cluster in range(population.clusters)
        for member in range(population.members)
    ]


def _members(population: Population, common: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if population.members == 1:
        return common
    repeated = np.repeat(common, population.members, axis=1)
    own = random.normal(size=repeated.shape)
    return np.sqrt(0.93) * repeated + np.sqrt(0.07) * own


def _outcome(
    population: Population, hazard: np.ndarray, ids: pd.Index, random: np.random.Generator
) -> pd.DataFrame:
    if population.binary:
        happened = random.uniform(size=len(hazard)) < 1 / (1 + np.exp(-hazard))
        return pd.DataFrame({"death": happened}, index=ids)
    time = random.exponential(np.exp(-hazard))
    censored = random.exponential(1 / CENSORING_RATE, len(hazard))
    told = {"days": np.minimum(time, censored), "death": time <= censored}
    return pd.DataFrame(told, index=ids)


def endpoint_of(table: pd.DataFrame) -> Any:
    death = table["death"].to_numpy(dtype=bool)
    return make_endpoint(death, table["days"]) if "days" in table else death


def evaluated(
    cohort: Cohort, models: list[str], *, repeats: int, seed: int, trials: int = 0, **roles: Any
) -> Evaluation:
    """Evaluate as a user would, without controls, in this process."""
    return evaluate(
        cohort.table,
        event="death",
        time="days" if "days" in cohort.table else None,
        models=models,
        options=ModelOptions(trials=trials),
        repeats=repeats,
        permutations=0,
        seed=seed,
        **roles,
    )


def tested(result: Evaluation) -> pd.DataFrame:
    """Return who was tested in which fold: the same for every model."""
    found = result.predictions
    return found[found["model"] == found["model"].iloc[0]]


def true_value(result: Evaluation, hazard: pd.Series) -> float:
    """Return the C-index that the true hazard has, counted as an evaluation counts."""
    return float(
        np.mean(
            [
                concordance_index(
                    make_endpoint(part["event"], part["time"]), hazard[part["case_id"]].to_numpy()
                )
                for _, part in tested(result).groupby(["repeat", "fold"])
            ]
        )
    )


def values_of(result: Evaluation) -> dict[str, float]:
    """Return the C-index or AUC of every model."""
    key = "auc" if result.metrics["endpoint"]["kind"] == "binary" else "c_index"
    return {name: facts[key]["estimate"] for name, facts in result.metrics["models"].items()}
