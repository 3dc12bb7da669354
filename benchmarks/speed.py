"""Time radpipe beside PyRadiomics and, where installed, pictologics, on the same inputs in turn.

    python benchmarks/speed.py --pictologics-python ~/picto/bin/python > speed.md

Prints tables in Markdown: medians of seconds, ratios, peak memory, and the worst relative
difference to PyRadiomics. Every program runs in a process of its own, is warmed up once, and then
takes turns with the others; but PyRadiomics makes its maps once, as they take long, and the
cohort's commands start anew each time. Nothing else may run meanwhile: on two busy cores
pictologics, whose threads wait for each other, took 1.4 s in place of 0.5, and that in every run.
The data are found at ../shared/data from the project's root.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jobs
import numpy as np
import pandas as pd
from programs import Peer, Program, command, in_turn

ROOT = Path(__file__).resolve().parents[1]
REFERENCE, PICTOLOGICS = "PyRadiomics", "pictologics"
ABSOLUTE = 1e-9
QUIET_LOAD = 0.5
HEAD = (
    "program", "runs", "seconds", "fastest–slowest", "× PyRadiomics", "time / pictologics",
    "peak GB", "features", "worst relative difference",
)  # fmt: skip


def worst_difference(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> str:
    """Return the largest relative difference; below 1e-9 a difference counts as none."""
    worst, missing = 0.0, 0
    for name, theirs in expected.items():
        if name not in found or found[name].shape != theirs.shape:
            missing += 1
            continue
        ours, theirs = found[name].astype(float), theirs.astype(float)
        far = ~np.isclose(ours, theirs, rtol=0, atol=ABSOLUTE, equal_nan=True)
        relative = np.abs(ours[far] - theirs[far]) / np.maximum(np.abs(theirs[far]), ABSOLUTE)
        worst = float(np.max(relative, initial=worst))
    return f"{worst:.1e}" + f", {missing} missing" * (missing > 0)


def print_table(title: str, programs: Sequence[Program]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    known = {program.name: program for program in programs}
    for program in programs:
        ratios = [
            f"{known[REFERENCE].median / program.median:.1f}" if REFERENCE in known else "–",
            f"{program.median / known[PICTOLOGICS].median:.2f}" if PICTOLOGICS in known else "–",
        ]
        alike = program.name not in (REFERENCE, PICTOLOGICS) and REFERENCE in known
        facts = [
            program.name,
            str(len(program.seconds)),
            f"{program.median:.3f}",
            program.spread,
            *ratios,
            f"{program.peak_bytes / 1e9:.2f}",
            str(len(program.values)),
            worst_difference(program.values, known[REFERENCE].values) if alike else "–",
        ]
        print(f"| {' | '.join(facts)} |", flush=True)


def time_peers(title: str, job: dict[str, Any], chosen: argparse.Namespace, once: bool) -> None:
    """Time one job on one image; ``once``: PyRadiomics needs so long that one run must do."""
    job = {"maps": False, "engine": chosen.engine, "threads": 1, **job}
    peers = []
    with tempfile.TemporaryDirectory() as folder:

        def start(name: str, script: str, python: str = sys.executable, **own: Any) -> None:
            peers.append(Peer(name))
            peers[-1].start(python, script, job | own, Path(folder))

        start(REFERENCE, "peer_pyradiomics.py")
        for threads in chosen.threads:
            start(
                f"radpipe, {threads} thread" + "s" * (threads > 1),
                "peer_radpipe.py",
                threads=threads,
            )
        if chosen.pictologics_python and not job["maps"]:
            start(PICTOLOGICS, "peer_pictologics.py", chosen.pictologics_python)
        in_turn(peers, chosen.repeats, REFERENCE if once else "")
    print_table(title, peers)
    print("\n" + "; ".join(dict.fromkeys(peer.version for peer in peers)))


def phantom(chosen: argparse.Namespace) -> None:
    everything = jobs.parameters(jobs.CLASSES, 25.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    with tempfile.TemporaryDirectory() as folder:
        pair = jobs.phantom(chosen.data, Path(folder))
        for title, params in (
            ("original only", jobs.parameters(jobs.CLASSES, 25.0)),
            ("original, LoG 1–5 mm, wavelets", everything),
        ):
            title = f"CT phantom at 1 mm, {jobs.PHANTOM_VOXELS:,} voxels: {title}"
            time_peers(title, {**pair, "params": params}, chosen, once=False)


def textures(chosen: argparse.Namespace) -> None:
    """Time the five texture classes alone: what they add to one first-order feature."""
    both = {
        "textures": jobs.parameters(jobs.TEXTURES | {"firstorder": ["Minimum"]}, 25.0),
        "base": jobs.parameters({"firstorder": ["Minimum"]}, 25.0),
    }
    with tempfile.TemporaryDirectory() as folder:
        pair = jobs.phantom(chosen.data, Path(folder))
        peers = [Peer(name) for name in both]
        for peer in peers:
            job = {"maps": False, "engine": chosen.engine, "threads": 1, **pair}
            job["params"] = both[peer.name]
            peer.start(sys.executable, "peer_radpipe.py", job, Path(folder))
        in_turn(peers, 1, 3 * chosen.repeats)
    added = peers[0].median - peers[1].median
    print(
        f"\n### Five texture classes, original, one thread\n\n{added * 1e3:.0f} ms, "
        f"{added / jobs.PHANTOM_VOXELS * 1e9:.0f} ns a voxel of {jobs.PHANTOM_VOXELS:,}"
    )


def maps(chosen: argparse.Namespace) -> None:
    for title, classes in (("GLCM", {"glcm": None}), ("all classes", None)):
        classes = classes or {"firstorder": None, **jobs.TEXTURES}
        job = {**jobs.brain(chosen.data), "params": jobs.parameters(classes, 25.0), "maps": True}
        time_peers(f"Voxel maps of brain1: {title}", job, chosen, once=True)


def cohort(chosen: argparse.Namespace) -> None:
    """Time both commands on the sarcomas; on one small case, what is left is start-up."""
    samples = sorted((ROOT / "data_samples/images").glob("SAMPLE-3_image.nii.gz"))
    theirs, ours, start_up = Program(REFERENCE), Program("radpipe"), Program("start-up")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = jobs.manifest(samples, folder / "sample.csv")
        pets = jobs.pet_manifest(chosen.data, folder / "pet.csv")
        # In HU a width for SUV would make hundreds of grey levels: computing, not start-up.
        jobs.write_pet_parameters(folder / "p.json", width=25.0)
        for _ in range(chosen.rounds):
            extract_by_radpipe(start_up, sample, folder, chosen)
        jobs.write_pet_parameters(folder / "p.json", width=0.25)
        for _ in range(chosen.rounds):
            extract_by_pyradiomics(theirs, pets, folder, chosen)
            extract_by_radpipe(ours, pets, folder, chosen)
    title = f"{jobs.PETS} sarcoma PET at 1.5 mm, start to table, {chosen.workers} workers"
    print_table(title, [theirs, ours])
    share = start_up.median / ours.median
    print(f"\npyradiomics {version('pyradiomics')}; radpipe {version('radpipe')}")
    print(f"\nradpipe on one small case: {start_up.median:.1f} s, {share:.0%} of its time")


def extract_by_pyradiomics(
    program: Program, batch: Path, folder: Path, chosen: argparse.Namespace
) -> None:
    out = folder / "pyradiomics.csv"
    # It adds lines to a table that is there.
    out.unlink(missing_ok=True)
    options = ["-p", str(folder / "p.json"), "-o", str(out), "-f", "csv", "-j", str(chosen.workers)]
    command(program, [binary("pyradiomics"), str(batch), *options])
    program.values = table_values(pd.read_csv(out), "ID")


def extract_by_radpipe(
    program: Program, batch: Path, folder: Path, chosen: argparse.Namespace
) -> None:
    run = Path(tempfile.mkdtemp(dir=folder)) / "RUN"
    options = ["--params", str(folder / "p.json"), "--out", str(run), "--engine", chosen.engine]
    options += ["--workers", str(chosen.workers), "--quiet"]
    command(program, [binary("radpipe"), "extract", str(batch), *options])
    program.values = table_values(pd.read_parquet(run / "features.parquet"), "patient_id")


def binary(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def table_values(table: pd.DataFrame, key: str) -> dict[str, np.ndarray]:
    table = table.sort_values(key)
    features = table.filter(regex="^(original|log-|wavelet-)")
    return {name: features[name].to_numpy(float) for name in features.columns}


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(": ")[2] for line in lines if "model name" in line), model)
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {platform.platform()}"


JOBS = {"phantom": phantom, "textures": textures, "cohort": cohort, "maps": maps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3, help="turns of the job `cohort`")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engine", default="fast")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--pictologics-python", help="an interpreter with pictologics")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    if load > QUIET_LOAD:
        sys.stderr.write(f"load average {load:.1f}: something else runs, the ratios will mislead\n")
    print(f"{machine()}, load average {load:.1f} before")
    for name in chosen.jobs:
        JOBS[name](chosen)


if __name__ == "__main__":
    main()
