"""Tumours with a bright blob that shortens life, and a small encoder that sees it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from radpipe.networks.architectures import ARCHITECTURES
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.gradcam import MAPS
from radpipe.networks.saved import save_encoder
from radpipe.networks.spec import EncoderSpec, Layout, PatchSpec, Standardised
from radpipe.networks.weights import build, keys_hash
from radpipe.store import Provenance, write_table
from radpipe.store.files import sha256_of
from radpipe.store.patches import PatchFolder, StoredPatch
from tests.unit.prognosis.embedded import keys

SIDE, BLOB, DIMENSION = 16, 4, 6
# One that a file name may not hold.
CASES = ["a/b: <1>", *(f"case {place:02}" for place in range(1, 40))]


class Toy(nn.Module):
    """A layer of maps and their means."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv3d(1, DIMENSION, 3, padding=1), nn.ReLU())

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.maps(patches).mean(dim=(2, 3, 4))


def install(monkeypatch) -> EncoderSpec:
    """Make the toy one of the encoders that radpipe knows."""
    patch = PatchSpec((SIDE,) * 3, (2.0, 1.0, 1.0), "SPL", Standardised(None), 0.0)
    spec = EncoderSpec(
        "toy", "toy", {}, DIMENSION, keys_hash(Toy()), (Layout(),), patch, (), "MIT", None, "none"
    )
    monkeypatch.setitem(ARCHITECTURES, "toy", Toy)
    monkeypatch.setitem(ENCODERS, "toy", spec)
    monkeypatch.setitem(MAPS, "toy", lambda network: network.maps)
    return spec


def cohort(seed: int = 0) -> tuple[list[StoredPatch], list[tuple[slice, ...]], pd.DataFrame]:
    """Return patches, where the blob of each would be, and outcomes; every other has one."""
    random = np.random.default_rng(seed)
    patches, places = [], []
    for bright in _bright():
        corner = random.integers(2, SIDE - BLOB - 2, 3)
        blob = tuple(slice(at, at + BLOB) for at in corner)
        image = random.normal(0, 0.1, (SIDE,) * 3)
        image[blob] += 3.0 * bright
        roi = np.zeros(image.shape, bool)
        roi[tuple(slice(part.start - 1, part.stop + 1) for part in blob)] = True
        patches.append(StoredPatch(image.astype(np.float32), roi))
        places.append(blob)
    time = random.exponential(np.where(_bright(), 100, 900)) + 1
    outcomes = {"patient_id": CASES, "days": time, "died": random.random(len(CASES)) < 0.8}
    return patches, places, pd.DataFrame(outcomes).astype({"died": int})


def _bright() -> np.ndarray:
    return np.arange(len(CASES)) % 2 == 0


def network(spec: EncoderSpec, seed: int = 3) -> nn.Module:
    """Return a toy whose maps answer to brightness, more or less."""
    torch.manual_seed(seed)
    made = build(spec)
    with torch.no_grad():
        made.maps[0].weight.abs_()
        made.maps[0].bias.zero_()
    return made.requires_grad_(False)


def write_run(folder: Path, spec: EncoderSpec, made: nn.Module, *, fitted: bool = False) -> Path:
    """Write what `radpipe embed` would, the encoder in ENCODER beside the run."""
    patches, _, _ = cohort()
    encoder = folder.with_name("ENCODER")
    save_encoder(encoder, spec, made)
    images = torch.tensor(np.stack([patch.intensities[np.newaxis] for patch in patches]))
    names = [f"toy_{place:04}" for place in range(DIMENSION)]
    vectors = pd.DataFrame(made(images).numpy().astype(np.float64), columns=names)
    settings = {
        "encoder": {"weights_sha256": sha256_of(encoder / "model.safetensors")},
        "patch": {**asdict(spec.patch), "spacing_mm": [2.0, 1.0, 1.0]},
        "training": {"method": "autoencoder", "epochs": 1} if fitted else None,
        "fitted_on": "cohort" if fitted else None,
    }
    folder.mkdir()
    row_keys = [f"key{place}" for place in range(len(CASES))]
    table = pd.concat([keys(CASES), vectors], axis=1)
    write_table(folder / "embeddings.parquet", table, Provenance("toy", "1", settings), row_keys)
    for key, patch in zip(row_keys, patches, strict=True):
        PatchFolder(folder / "patches" / "patches").put(key, patch)
    return folder
