"""Measure what encoders trained on a cohort find, what they invent, and what they cost.

    python benchmarks/embeddings.py planted --methods cox,autoencoder --seeds 3
    python benchmarks/embeddings.py noise --workers 2
    python benchmarks/embeddings.py seconds

`planted`: tumours of one histogram whose texture's coarseness is their hazard, which volume and
mean intensity cannot see. `noise`: nothing to be found, and the leak that finds it all the same.
`seconds`: of a patch, on one thread. Each prints what was wanted and found, and ends with 1 where
one is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from radpipe.networks.augmentation import AUGMENTATIONS, Augmenter
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.methods import METHODS
from radpipe.networks.training import Training, train_encoder
from radpipe.parallel import default_workers
from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.survival.concordance import concordance_index
from radpipe.prognosis.survival.cox import fit_cox

Floats = np.ndarray[Any, np.dtype[np.float64]]
_SPEC = ENCODERS["radpipe-small"]
_SIDE = 32
_FOLDS = 5
_AXES = 10
_RIDGE = 3.0
_HAZARD = 1.5
_PLACES = np.stack(np.meshgrid(*[np.arange(_SIDE) - (_SIDE - 1) / 2] * 3, indexing="ij"))


@dataclass(frozen=True)
class Task:
    """One fold of one method on one simulated cohort; ``leaky``: the encoder knows all patients."""

    method: str
    seed: int
    fold: int
    patients: int
    coarseness: float
    leaky: bool = False


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
    parser.add_argument("--workers", type=int, default=default_workers())
    return parser.parse_args()


def planted(chosen: argparse.Namespace) -> bool:
    passed = True
    for seed in range(chosen.first, chosen.first + (chosen.seeds or 3)):
        _, outcome, coarse = cohort(seed, chosen.patients, coarseness=0.35)
        parts = folds(outcome, seed)
        oracle = np.mean([_c(outcome, coarse, parts == fold) for fold in range(_FOLDS)])
        print(f"cohort {seed}: {outcome['event'].mean():.0%} events, oracle C {oracle:.3f}")
        for method in chosen.methods:
            began = time.perf_counter()
            found = nested(method, seed, chosen, coarseness=0.35)
            took = time.perf_counter() - began
            print(f"  {method}: nested C {found:.3f}, {took:.0f} s", flush=True)
            passed &= method == "vicreg" or found > 0.7
    return passed


def noise(chosen: argparse.Namespace) -> bool:
    seeds = range(chosen.first, chosen.first + (chosen.seeds or 5))
    passed = True
    for method in chosen.methods:
        each = [nested(method, seed, chosen, coarseness=0.0) for seed in seeds]
        inside = 0.42 <= np.mean(each) <= 0.58
        passed &= inside
        print(f"{method}: mean nested C {np.mean(each):.3f} of {np.round(each, 3)}", flush=True)
    leak = nested("cox", chosen.first, chosen, coarseness=0.0, leaky=True)
    print(f"cox fitted on all patients, then cross-validated: C {leak:.3f}")
    return passed and leak > 0.9


def seconds(chosen: argparse.Namespace) -> bool:
    inputs, outcome, _ = cohort(0, 32, coarseness=0.35)
    patches = torch.from_numpy(inputs)
    torch.set_num_threads(1)
    for name in AUGMENTATIONS:
        augment = Augmenter([name], _SPEC.channels)
        print(f"augmentation {name}: {_milliseconds(lambda a=augment: a(patches, 0)):.2f} ms")
    for method in chosen.methods:
        training = Training(method=method, epochs=2, patience=0)
        each = _milliseconds(lambda t=training: train_encoder(_SPEC, t, inputs, outcome)) / 2
        print(f"training by {method}: {each:.1f} ms a patch")
    network = train_encoder(_SPEC, Training(epochs=1, patience=0), inputs).network
    print(f"embedding: {_milliseconds(lambda: network(patches)):.1f} ms a patch")
    return True


def _milliseconds(work: Any) -> float:
    """Time of this process for each of 32 patches: other processes' do not count."""
    work()
    began = time.process_time()
    work()
    return (time.process_time() - began) / 32 * 1000


def nested(method: str, seed: int, chosen: argparse.Namespace, **how: Any) -> float:
    """Mean C of the outer folds."""
    tasks = [Task(method, seed, fold, chosen.patients, **how) for fold in range(_FOLDS)]
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as pool:
        return float(np.mean(list(pool.map(in_fold, tasks))))


def in_fold(task: Task) -> float:
    """Train, embed, regress; C of the test patients."""
    inputs, outcome, _ = cohort(task.seed, task.patients, task.coarseness)
    test = folds(outcome, task.seed) == task.fold
    # By heart is learnt what is shown often, and always alike.
    training = (
        Training(method=task.method, epochs=40, patience=0, augmentations=())
        if task.leaky
        else Training(method=task.method)
    )
    taught = np.ones_like(test) if task.leaky else ~test
    trained = train_encoder(_SPEC, training, inputs[taught], outcome[taught])
    torch.set_num_threads(1)
    embeddings = trained.network(torch.from_numpy(inputs)).numpy().astype(np.float64)
    return _c(outcome, risks(embeddings, outcome, ~test), test)


def risks(embeddings: Floats, outcome: Any, taught: Any) -> Floats:
    """Standardise, PCA and ridge Cox, fitted on the taught alone."""
    known = embeddings[taught]
    scaled = (embeddings - known.mean(axis=0)) / (known.std(axis=0) + 1e-9)
    _, spread, axes = np.linalg.svd(scaled[taught], full_matrices=False)
    scores = scaled @ axes[:_AXES].T / (spread[:_AXES] / np.sqrt(taught.sum()))
    return np.asarray(scores @ fit_cox(scores[taught], outcome[taught], ridge=_RIDGE))


def _c(outcome: Any, risk: Floats, rows: Any) -> float:
    return concordance_index(outcome[rows], risk[rows])


def folds(outcome: Any, seed: int) -> Any:
    """Number of each patient's outer fold, stratified by event."""
    random = np.random.default_rng([seed, 1])
    found = np.empty(len(outcome), dtype=int)
    for event in (True, False):
        rows = random.permutation(np.flatnonzero(outcome["event"] == event))
        found[rows] = np.arange(len(rows)) % _FOLDS
    return found


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
