"""A run of `radpipe embed`, made of numbers: what the table wing is given."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from radpipe.networks.encoders import ENCODERS
from radpipe.store import MASK_VOLUME, Provenance, Run, write_table
from radpipe.store.patches import PatchFolder, StoredPatch

ENCODER = "fmcib"
SETTINGS = {"encoder": {"keys": "abc"}}


def keys(ids):
    told = {"case_id": ids, "patient_id": ids, "modality": "CT", "roi": "", "label": 1}
    return pd.DataFrame(told).assign(**{MASK_VOLUME: np.arange(1.0, len(ids) + 1)})


def write_run(
    folder: Path,
    vectors: pd.DataFrame,
    encoder=ENCODER,
    training=None,
    patches=None,
    spacing=None,
):
    """Write embeddings.parquet, one row a patient, and patches where they are given."""
    ids = [*vectors.index]
    settings = {**SETTINGS, "training": training, "fitted_on": "cohort" if training else None}
    patch = asdict(ENCODERS[encoder].patch)
    settings["patch"] = patch if spacing is None else {**patch, "spacing_mm": spacing}
    row_keys = [f"key{place}" for place in range(len(ids))]
    folder.mkdir(exist_ok=True)
    table = pd.concat([keys(ids), vectors.reset_index(drop=True)], axis=1)
    write_table(folder / "embeddings.parquet", table, Provenance(encoder, "1", settings), row_keys)
    if patches is not None:
        kept = Run(folder).patch_run
        kept.path.mkdir()
        hashes = {"row_key": row_keys, "image_sha256": [f"image of {each}" for each in ids]}
        write_table(kept.diagnostics_path, pd.DataFrame(hashes))
    for key, image in zip(row_keys, patches if patches is not None else (), strict=False):
        roi = np.ones(image.shape, dtype=bool)
        PatchFolder(folder / "patches" / "patches").put(key, StoredPatch(image, roi))
    return folder


def write_features(folder: Path, ids, **columns):
    """Write features.parquet of the same cases, as a finished run."""
    folder.mkdir(exist_ok=True)
    table = keys(ids).assign(**columns)
    write_table(folder / "features.parquet", table, Provenance("fast", "1", {}))
    told = pd.DataFrame({"case_id": ids, "image_sha256": [f"image of {each}" for each in ids]})
    write_table(folder / "diagnostics.parquet", told)
    (folder / "run.json").write_text('{"state": "finished"}')
    return folder


def vectors(ids, dimension=12, told=None, encoder=ENCODER, seed=0):
    """Draw embeddings, some of whose directions tell a hazard."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(len(ids), dimension))
    if told is not None:
        values += np.asarray(told)[:, np.newaxis] * random.normal(size=dimension)
    names = [f"{encoder}_{place:04}" for place in range(dimension)]
    return pd.DataFrame(values, index=ids, columns=names)
