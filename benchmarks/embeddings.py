"""Measure what encoders trained on a cohort find, what they invent, and what they cost.

    python benchmarks/embeddings.py planted --methods cox,autoencoder --seeds 3
    python benchmarks/embeddings.py noise --workers 2
    python benchmarks/embeddings.py seconds

`planted`: tumours of one histogram whose texture's coarseness is their hazard, which volume and
mean intensity cannot see. `noise`: nothing to be found, and the leak that finds it all the same.
`seconds`: of a patch, on one thread, beside a plain ResNet, by which machines are compared. Each
prints what was wanted and found, and ends with 1 where one is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import norm
from torch import nn

from radpipe.networks.augmentation import AUGMENTATIONS, Augmenter
from radpipe.networks.embedding import embed
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.methods import METHODS
from radpipe.networks.training import Training, train_encoder
from radpipe.parallel import default_workers
from radpipe.prognosis.evaluation import ModelOptions, evaluate
from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.survival.concordance import concordance_index
from radpipe.store import MASK_VOLUME, Provenance, Run, write_table
from radpipe.store.patches import StoredPatch

Floats = np.ndarray[Any, np.dtype[np.float64]]
_SPEC = ENCODERS["radpipe-small"]
_SIDE = 32
_HAZARD = 2.0
_COARSENESS = 0.5
_PLACES = np.stack(np.meshgrid(*[np.arange(_SIDE) - (_SIDE - 1) / 2] * 3, indexing="ij"))


def main() -> None:
    chosen = arguments()
    started = time.perf_counter()
    passed = {"planted": planted, "noise": noise, "seconds": seconds}[chosen.measure](chosen)
    print(f"\n{chosen.measure}: {time.perf_counter() - started:.0f} s")
    sys.exit(0 if passed else 1)


def arguments() -> argparse.Namespace:
    told = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=told)
    parser.add_argument("measure", choices=["planted", "noise", "seconds"])
    parser.add_argument("--methods", type=lambda told: told.split(","), default=list(METHODS))
    parser.add_argument("--seeds", type=int, help="cohorts: 3 planted ones, 5 of noise")
    parser.add_argument("--first", type=int, default=0, help="the first of them: other draws")
    parser.add_argument("--patients", type=int, default=100)
    parser.add_argument("--inner-folds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=default_workers())
    return parser.parse_args()


def planted(chosen: argparse.Namespace) -> bool:
    passed = True
    for seed in range(chosen.first, chosen.first + (chosen.seeds or 3)):
        _, outcome, coarse = cohort(seed, chosen.patients, coarseness=_COARSENESS)
        oracle = concordance_index(outcome, coarse)
        print(f"cohort {seed}: {outcome['event'].mean():.0%} events, C of the truth {oracle:.3f}")
        for method in chosen.methods:
            began = time.perf_counter()
            found = nested(method, seed, chosen, _COARSENESS)
            took = time.perf_counter() - began
            passed &= method == "vicreg" or (found > 0.7 and took < 120)
            print(f"  {method}: nested C {found:.3f}, {took:.0f} s", flush=True)
    return passed


def noise(chosen: argparse.Namespace) -> bool:
    seeds = range(chosen.first, chosen.first + (chosen.seeds or 5))
    passed = True
    for method in chosen.methods:
        each = [nested(method, seed, chosen, 0.0) for seed in seeds]
        passed &= bool(0.42 <= np.mean(each) <= 0.58)
        print(f"{method}: mean nested C {np.mean(each):.3f} of {np.round(each, 3)}", flush=True)
    leak = leaky(chosen.first, chosen)
    print(f"cox fitted on all patients, then cross-validated: C {leak:.3f}")
    return passed and leak > 0.9


def seconds(chosen: argparse.Namespace) -> bool:
    inputs, outcome, _ = cohort(0, 32, coarseness=_COARSENESS)
    patches = torch.from_numpy(inputs)
    torch.set_num_threads(1)
    for name in AUGMENTATIONS:
        augment = Augmenter([name], _SPEC.channels)
        print(f"augmentation {name}: {_milliseconds(lambda a=augment: a(patches, 0)):.2f} ms")
    for method in chosen.methods:
        training = Training(method=method, epochs=2, patience=0)
        each = _milliseconds(lambda t=training: train_encoder(_SPEC, t, inputs, outcome)) / 2
        print(f"training by {method}: {each:.1f} ms a patch")
    print(f"training a plain ResNet: {_milliseconds(lambda: train_plain(patches)):.1f} ms a patch")
    network = train_encoder(_SPEC, Training(epochs=1, patience=0), inputs).network
    print(f"embedding: {_milliseconds(lambda: network(patches)):.1f} ms a patch")
    return True


def train_plain(patches: torch.Tensor) -> None:
    """Train a plain ResNet of as many weights as `radpipe-small` for an epoch.

    Where two minutes were asked of `planted`, such a one took 9.4 ms a patch.
    """
    torch.manual_seed(0)
    network = nn.Sequential(
        *_plain(_SPEC.arguments.get("channels", 2), 16, 5, 2),
        nn.ReLU(),
        *(_PlainBlock(*each) for each in ((16, 16, 1), (16, 32, 2), (32, 64, 2), (64, 128, 2))),
        nn.AdaptiveAvgPool3d(1),
    )
    optimiser = torch.optim.AdamW(network.parameters())
    for batch in patches.split(8):
        optimiser.zero_grad()
        torch.autograd.backward(network(batch).square().sum())
        optimiser.step()


class _PlainBlock(nn.Module):
    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(*_plain(width, out, 3, stride), nn.ReLU(), *_plain(out, out, 3))
        self.shortcut = (
            nn.Identity() if width == out else nn.Conv3d(width, out, 1, stride=stride, bias=False)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (self.inner(maps) + self.shortcut(maps)).relu()
        return found


def _plain(width: int, out: int, side: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv3d(width, out, side, stride=stride, padding=side // 2, bias=False)
    return convolution, nn.BatchNorm3d(out)


def _milliseconds(work: Any) -> float:
    """Time of this process for each of 32 patches: other processes' do not count."""
    work()
    began = time.process_time()
    work()
    return (time.process_time() - began) / 32 * 1000


def nested(method: str, seed: int, chosen: argparse.Namespace, coarseness: float) -> float:
    """C of `cnn` in `radpipe evaluate`, its encoder fitted anew in every fold."""
    inputs, outcome, _ = cohort(seed, chosen.patients, coarseness)
    with tempfile.TemporaryDirectory() as folder:
        run = written(Path(folder), inputs, asdict(Training(method=method)))
        return c_index(run, outcome, seed, chosen)


def leaky(seed: int, chosen: argparse.Namespace) -> float:
    """C of an encoder that knew all outcomes, its columns cross-validated afterwards."""
    inputs, outcome, _ = cohort(seed, chosen.patients, 0.0)
    # By heart is learnt what is shown often, and always alike.
    training = Training(method="cox", epochs=40, augmentations=())
    network = train_encoder(_SPEC, training, inputs, outcome).network
    vectors = np.stack([*embed(network, inputs, threads=chosen.workers)])
    with tempfile.TemporaryDirectory() as folder:
        return c_index(written(Path(folder), inputs, None, vectors), outcome, seed, chosen)


def c_index(run: Path, outcome: Any, seed: int, chosen: argparse.Namespace) -> float:
    clinical = pd.DataFrame(outcome).assign(patient_id=names(len(outcome)))
    found = evaluate(
        run,
        clinical,
        event="event",
        time="time",
        models=["cnn"],
        repeats=1,
        permutations=0,
        options=ModelOptions(inner_folds=chosen.inner_folds),
        seed=seed,
        workers=chosen.workers,
    )
    return float(found.metrics["models"]["cnn"]["c_index"]["estimate"])


def written(
    folder: Path, inputs: Any, training: dict[str, Any] | None, vectors: Any = None
) -> Path:
    """Write what `radpipe embed` writes: a table, and patches."""
    ids = names(len(inputs))
    values = np.zeros((len(ids), 1)) if vectors is None else vectors.astype(np.float64)
    keys = {"case_id": ids, "patient_id": ids, "modality": "", "roi": "", "label": 1}
    volume = inputs[:, 1].sum(axis=(1, 2, 3)).astype(np.float64)
    columns = {f"{_SPEC.name}_{place:04}": column for place, column in enumerate(values.T)}
    told = {"encoder": {}, "training": training, "fitted_on": "cohort" if training else None}
    table = pd.DataFrame({**keys, MASK_VOLUME: volume, **columns})
    run = Run(folder)
    write_table(run.embeddings_path, table, Provenance(_SPEC.name, "", told), ids)
    for key, (image, mask) in zip(ids, inputs, strict=True):
        run.patch_run.patches.put(key, StoredPatch(image, mask > 0))
    return folder


def names(count: int) -> list[str]:
    return [f"{number:04}" for number in range(count)]


def cohort(seed: int, patients: int, coarseness: float) -> tuple[Any, Any, Floats]:
    """Simulate patches, survival and what decides it; coarseness 0: nothing does.

    About three in ten are censored.
    """
    random = np.random.default_rng(seed)
    hidden = random.standard_normal(patients)
    inputs = np.stack([patch(random, float(np.exp(coarseness * each))) for each in hidden])
    hazard = np.exp(_HAZARD * hidden if coarseness else np.zeros(patients))
    died = random.exponential(1 / hazard)
    left = random.exponential(3.0 if coarseness else 2.3, patients)
    return inputs, make_endpoint(died <= left, np.minimum(died, left)), hidden


def patch(random: np.random.Generator, coarse: float) -> Any:
    """Draw an ellipsoid in noise; in it the same values in another order, coarse or fine.

    ``coarse`` is the standard deviation in voxels of the Gaussian that smooths it.
    """
    halves = random.uniform(6, 12) * random.uniform(0.8, 1.1, 3)
    roi = ((_PLACES / halves[:, None, None, None]) ** 2).sum(axis=0) < 1
    image = _smooth_noise(random, 1.0)
    image = image / image.std() - 1
    inner = _smooth_noise(random, coarse)[roi]
    ranks = np.argsort(np.argsort(inner))
    image[roi] = 0.5 + 0.7 * norm.ppf((ranks + 0.5) / len(ranks))
    standard = (image - image.mean()) / image.std()
    return np.stack([standard, roi]).astype(np.float32)


def _smooth_noise(random: np.random.Generator, sd: float) -> Floats:
    around = 8
    wide = gaussian_filter(random.standard_normal((_SIDE + 2 * around,) * 3), sd)
    return np.asarray(wide[(slice(around, -around),) * 3])


if __name__ == "__main__":
    main()
