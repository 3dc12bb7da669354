"""A simulated cohort whose hazard is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

VOLUME = "original_shape_MeshVolume"
TEXTURE = "original_glcm_Contrast"
SETTINGS = {"imageType": {"Original": {}}, "setting": {"binWidth": 25.0}}
PROVENANCE = {"engine": "pyradiomics", "values_version": "3.0.1", "settings": SETTINGS, "schema": 1}


def simulate(
    patients: int = 80, noise: int = 4, effect: float = 1.5, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features as load_features gives them, and the clinical table in another order."""
    random = np.random.default_rng(seed)
    ids = [f"{number:03d}" for number in range(patients)]
    names = [VOLUME, TEXTURE, *(f"original_glrlm_Noise{number}" for number in range(noise))]
    values = random.normal(size=(patients, len(names)))
    features = pd.DataFrame(values, columns=names)
    features[VOLUME] = np.exp(features[VOLUME])
    features.insert(0, "patient_id", ids)
    time = random.exponential(300 * np.exp(-effect * values[:, 1]))
    censored = random.exponential(600, patients)
    clinical = pd.DataFrame(
        {
            "patient_id": ids,
            "os_days": np.minimum(time, censored) + 1,
            "death": (time <= censored).astype(int),
            "age": random.integers(40, 80, patients),
            "sex": random.choice(["f", "m"], patients),
        }
    )
    features = features.set_index(pd.Index(ids, name="case_id"))
    features.attrs.update(source="simulated", run=None, provenance=None)
    return features, clinical.sample(frac=1, random_state=seed).reset_index(drop=True)


def few_events(clinical: pd.DataFrame, events: int) -> pd.DataFrame:
    """Censor all but the first few."""
    return clinical.assign(death=(np.arange(len(clinical)) < events).astype(int))
