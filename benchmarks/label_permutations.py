"""Check that the evaluation finds nothing where there is nothing.

Outcomes (time and event together) are shuffled among the patients, so that no feature can predict
them: over several shuffles the mean C-index must be one half.

    python benchmarks/label_permutations.py RUN clinical.csv --time os_days --event death
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from radpipe.parallel import default_workers, in_order
from radpipe.prognosis.evaluation import evaluate
from radpipe.prognosis.tables import load_features, read_clinical


class Shuffled:
    """Evaluate with the outcomes of one shuffle."""

    def __init__(
        self, features: pd.DataFrame, clinical: pd.DataFrame, chosen: argparse.Namespace
    ) -> None:
        known = set(clinical["patient_id"]) & set(features["patient_id"])
        self.features = features[features["patient_id"].isin(known)]
        # Only those who are evaluated, or a shuffle would bring in other patients' outcomes.
        self.clinical = clinical[clinical["patient_id"].isin(known)].reset_index(drop=True)
        self.chosen = chosen

    def __call__(self, seed: int) -> dict[str, float]:
        """Return the C-index of each model."""
        endpoint = [self.chosen.time, self.chosen.event]
        order = np.random.default_rng(seed).permutation(len(self.clinical))
        shuffled = self.clinical.copy()
        shuffled[endpoint] = self.clinical[endpoint].to_numpy()[order]
        result = evaluate(
            self.features,
            shuffled,
            time=self.chosen.time,
            event=self.chosen.event,
            repeats=self.chosen.repeats,
            seed=seed,
        )
        models = result.metrics["models"]
        return {name: facts["c_index"]["estimate"] for name, facts in models.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="a run, or a .parquet or .csv table of features")
    parser.add_argument("clinical")
    parser.add_argument("--time", required=True)
    parser.add_argument("--event", required=True)
    parser.add_argument("--permutations", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--per-patient", dest="per_patient")
    parser.add_argument("--workers", type=int, default=default_workers())
    chosen = parser.parse_args()
    features = load_features(chosen.table, chosen.per_patient)
    job = Shuffled(features, read_clinical(chosen.clinical), chosen)
    found = pd.DataFrame(in_order(job, range(chosen.permutations), chosen.workers))
    for name in found.columns:
        error = found[name].sem()
        print(f"{name:<8} mean C {found[name].mean():.3f} (standard error {error:.3f})")


if __name__ == "__main__":
    main()
