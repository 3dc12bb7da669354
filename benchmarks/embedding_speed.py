"""What embedding costs.

``python benchmarks/embedding_speed.py encoders`` times every encoder with random weights, each in a
process of its own, and prints Markdown: seconds a patch on the CPU, the process's peak memory, and,
where torch finds a GPU, patches a second there and the largest difference to the CPU.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from radpipe.networks.embedding import device_named, embed
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.weights import build

GPU_BATCH = 16
HEAD = ("encoder", "parameters, M", "patch", "threads", "s a patch", "peak memory, GB")
GPU_HEAD = ("GPU patches/s", "GPU peak memory, GB", "largest difference to the CPU")


def patches(name: str, count: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(0)
    spec = ENCODERS[name]
    for _ in range(count):
        yield random.random((len(spec.channels), *spec.patch.size), dtype=np.float32)


def timed(name: str, threads: int, count: int) -> dict[str, float]:
    network = network_of(name)
    seconds_of(embed(network, patches(name, threads), threads=threads))
    seconds = seconds_of(embed(network, patches(name, count), threads=threads))
    return {"seconds": seconds / count, "gigabytes": peak_gigabytes()}


def timed_on_gpu(name: str, count: int) -> dict[str, float]:
    network = network_of(name)
    on_cpu = np.stack(list(embed(network, patches(name, 2))))
    found = np.stack(list(embed(network, patches(name, 2), device="cuda")))
    inputs = list(patches(name, count))
    seconds = seconds_of(embed(network, inputs, device="cuda", batch=GPU_BATCH))
    return {
        "rate": count / seconds,
        "gigabytes": torch.cuda.max_memory_allocated() / 1e9,
        "difference": float(np.abs(found - on_cpu).max()),
    }


def seconds_of(embeddings: Iterator[np.ndarray]) -> float:
    started = time.perf_counter()
    for _ in embeddings:
        pass
    return time.perf_counter() - started


def network_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build(ENCODERS[name])


def peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def apart(name: str, threads: int, patches: int) -> dict[str, float]:
    """Measure in a new process: a peak of memory is never forgotten."""
    command = [sys.executable, __file__, "one", name, str(threads), str(patches)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(told)
    return measured


def encoders(chosen: argparse.Namespace) -> None:
    gpu = device_named("auto") == "cuda"
    head = HEAD + GPU_HEAD if gpu else HEAD
    where = torch.cuda.get_device_name() if gpu else "no GPU found"
    print(f"torch {torch.__version__}, {where}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for name in chosen.encoder:
        # Built without memory: only counted.
        with torch.device("meta"):
            million = sum(each.numel() for each in network_of(name).parameters()) / 1e6
        size = " × ".join(map(str, ENCODERS[name].patch.size))
        on_gpu = gpu_cells(apart(name, 0, 20 * GPU_BATCH)) if gpu else []
        for threads in chosen.threads:
            told = apart(name, threads, chosen.patches)
            times = [f"{told['seconds']:.3f}", f"{told['gigabytes']:.2f}"]
            cells = [name, f"{million:.1f}", size, str(threads), *times, *on_gpu]
            print(f"| {' | '.join(cells)} |", flush=True)


def gpu_cells(told: dict[str, float]) -> list[str]:
    return [f"{told['rate']:.1f}", f"{told['gigabytes']:.2f}", f"{told['difference']:.1e}"]


def one(chosen: argparse.Namespace) -> None:
    name, threads, count = chosen.name, chosen.threads, chosen.patches
    print(json.dumps(timed(name, threads, count) if threads else timed_on_gpu(name, count)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    every = commands.add_parser("encoders", help="all encoders, or those named")
    every.add_argument("--encoder", nargs="+", choices=ENCODERS, default=list(ENCODERS))
    every.add_argument("--patches", type=int, default=8)
    every.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    every.set_defaults(run=encoders)
    single = commands.add_parser("one", help="used by the others; 0 threads: on the GPU")
    single.add_argument("name", choices=ENCODERS)
    single.add_argument("threads", type=int)
    single.add_argument("patches", type=int)
    single.set_defaults(run=one)
    chosen = parser.parse_args()
    chosen.run(chosen)


if __name__ == "__main__":
    main()
