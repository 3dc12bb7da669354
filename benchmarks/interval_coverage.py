"""Count how often the 95 % interval of `radpipe evaluate` holds the C-index it is meant for.

Many cohorts of one known hazard are simulated and evaluated. The target is the expected C-index,
on new patients, of models trained on as many patients as an outer fold has: the mean over all
cohorts of fold models scored on a large cohort of the same population.

    python benchmarks/interval_coverage.py --cohorts 200 --workers 2
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from radpipe.parallel import in_order
from radpipe.prognosis.evaluation import evaluate
from radpipe.prognosis.models.xgb_cox import XgbCox
from radpipe.prognosis.survival import concordance_index, make_endpoint, repeated_folds

PATIENTS, NEW_PATIENTS = 100, 2000
VOLUME = "original_shape_MeshVolume"
EFFECTS = {VOLUME: 0.5, "original_firstorder_Entropy": 0.7, "original_glcm_Contrast": -0.5}
NOISE = [f"original_glcm_Noise{number}" for number in range(9)]
# Exponential censoring at this rate leaves about 60 % of events, by trial.
CENSORING_RATE = 0.7


def simulate(seed: int, patients: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(seed)
    names = [*EFFECTS, *NOISE]
    X = pd.DataFrame(random.normal(size=(patients, len(names))), columns=names)
    time = random.exponential(np.exp(-(X[list(EFFECTS)] @ list(EFFECTS.values()))))
    censored = random.exponential(1 / CENSORING_RATE, patients)
    ids = [f"P{number:05d}" for number in range(patients)]
    X.insert(0, "patient_id", ids)
    clinical = pd.DataFrame(
        {"patient_id": ids, "days": np.minimum(time, censored), "death": time <= censored}
    )
    return X.set_index(pd.Index(ids, name="case_id")), clinical


def one_cohort(seed: int) -> dict[str, float]:
    features, clinical = simulate(seed, PATIENTS)
    models = evaluate(features, clinical, time="days", event="death", seed=seed).metrics["models"]
    facts = {"events": float(clinical["death"].sum())}
    for name in ("xgb_cox", "volume"):
        for end, value in models[name]["c_index"].items():
            facts[f"{name} {end}"] = value
    new_X, new_y = new_patients(seed)
    facts["volume true"] = concordance_index(new_y, new_X[VOLUME])
    return {**facts, "xgb_cox true": true_c(features, clinical, seed)}


def true_c(features: pd.DataFrame, clinical: pd.DataFrame, seed: int) -> float:
    y = make_endpoint(clinical["death"], clinical["days"])
    X = features[[*EFFECTS, *NOISE]]
    new_X, new_y = new_patients(seed)
    scores = [
        XgbCox(seed=seed).fit(X.iloc[fold.train], y[fold.train]).predict(new_X)
        for fold in repeated_folds(y["event"], repeats=1, folds=5, seed=seed)
    ]
    return float(np.mean([concordance_index(new_y, risk) for risk in scores]))


def new_patients(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw a large cohort of its own for each simulated one: the target then has no error."""
    features, clinical = simulate(2**31 + seed, NEW_PATIENTS)
    return features[[*EFFECTS, *NOISE]], make_endpoint(clinical["death"], clinical["days"])


def report(results: pd.DataFrame) -> None:
    targets = {name: results[f"{name} true"].mean() for name in ("xgb_cox", "volume")}
    print(f"{len(results)} cohorts of {PATIENTS}, {results['events'].mean():.1f} events on average")
    for name, target in targets.items():
        low, high = results[f"{name} low"], results[f"{name} high"]
        covered = ((low <= target) & (target <= high)).mean()
        error = np.sqrt(covered * (1 - covered) / len(results))
        print(
            f"{name:<8} coverage {covered:.3f} (standard error {error:.3f}), target C {target:.3f},"
            f" mean estimate {results[f'{name} estimate'].mean():.3f},"
            f" mean width {(high - low).mean():.3f},"
            f" above {(target > high).mean():.3f}, below {(target < low).mean():.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    report(pd.DataFrame(in_order(one_cohort, range(chosen.cohorts), chosen.workers)))


if __name__ == "__main__":
    main()
