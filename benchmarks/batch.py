"""How much a batch costs beside its cases, what a rerun saves, what cases share.

``python benchmarks/batch.py overhead`` needs no data; ``rerun`` and ``labels`` take the sarcomas of
``--data``. Prints Markdown. Commands run as a user's do; the engine's own time is noted from inside
the workers by the engine `faulty` of the tests, which is the engine `fast` and a clock.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

import jobs
import numpy as np
import psutil
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[1]
RADPIPE = [sys.executable, "-c", "from radpipe.cli import main; main()"]
SAMPLE_EVERY_SECONDS = 0.1
# Image size in voxels and what is computed: on a core of the README's machine about so long.
CASES = {
    "5 ms": ((32, 32, 16), jobs.parameters(jobs.CLASSES, 25.0)),
    "50 ms": ((52, 52, 26), jobs.parameters(jobs.CLASSES, 25.0, 2.0, 3.0)),
}
LABELS = 20
CT = "STS_002"


@dataclass
class Command:
    """A command that ran, and what it took."""

    seconds: float
    summary: dict[str, float]
    rss: list[int] = field(default_factory=list)
    calls: list[tuple[float, float]] = field(default_factory=list)

    @property
    def engine_seconds(self) -> float:
        """Time in the engine, of all workers together."""
        return sum(end - start for start, end in self.calls)

    @property
    def window_seconds(self) -> float:
        """Time from the first case's start in an engine to the last one's end."""
        return max(end for _, end in self.calls) - min(start for start, _ in self.calls)

    def third(self, number: int) -> float:
        """Mean memory of the parent in a third of the time in which it had cases, in MB."""
        part = len(self.rss) // 3
        return mean(self.rss[number * part : (number + 1) * part]) / 1e6


def extract(folder: Path, *options: object, fresh: bool = True) -> Command:
    """Run ``radpipe extract``, sampling its memory while it computes."""
    run, times = folder / "RUN", folder / "times.txt"
    if fresh:
        shutil.rmtree(run, ignore_errors=True)
    times.write_text("")
    variables = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "tests" / "faults"),
        "FAULTY_CALLS": str(folder / "calls.txt"),
        "FAULTY_TIMES": str(times),
        "FAULTY_OFF": "1",
    }
    command = [*RADPIPE, "extract", *map(str, options), "--out", str(run), "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    rss: list[int] = []
    watching = threading.Thread(target=_watch, args=(process, times, rss))
    watching.start()
    told, complaints = process.communicate()
    seconds = time.perf_counter() - started
    watching.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{complaints[-2000:]}")
    calls = [line.split() for line in times.read_text().splitlines()]
    (summary,) = json.loads(told)["runs"]
    return Command(seconds, summary, rss, [(float(start), float(end)) for start, end in calls])


def _watch(process: subprocess.Popen[str], times: Path, rss: list[int]) -> None:
    parent = psutil.Process(process.pid)
    while process.poll() is None:
        if times.stat().st_size:
            try:
                rss.append(parent.memory_info().rss)
            except psutil.Error:
                return
        time.sleep(SAMPLE_EVERY_SECONDS)


def write_synthetic(folder: Path, count: int, size: tuple[int, int, int]) -> Path:
    """Write ``count`` images of noise, each with an ellipsoid in it."""
    z, y, x = np.mgrid[tuple(slice(-1, 1, n * 1j) for n in size[::-1])]
    roi = (x**2 + y**2 + z**2 < 0.6).astype(np.uint8)
    rng = np.random.default_rng(0)
    rows = []
    sitk.WriteImage(sitk.GetImageFromArray(roi), str(folder / "mask.nii"))
    for number in range(count):
        pixels = (rng.normal(60, 40, roi.shape) + 80 * roi).astype(np.int16)
        path = folder / f"image-{number}.nii"
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path))
        rows.append((f"P{number:04d}", path.name, "mask.nii"))
    return write_manifest(folder / "cohort.csv", ["patient_id", "image", "mask"], rows)


def write_manifest(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def write_params(folder: Path, content: dict[str, object]) -> Path:
    path = folder / "p.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def overhead(chosen: argparse.Namespace) -> None:
    """Time many small cases: what is not the engine's time is ours."""
    rows = []
    for name, (size, params) in CASES.items():
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            manifest = write_synthetic(folder, chosen.cases, size)
            options = [manifest, "--params", write_params(folder, params), "--engine", "faulty"]
            for workers in (1, 2):
                rows.append(
                    _overhead_row(name, workers, extract(folder, *options, "--workers", workers))
                )
    print_table(
        f"{chosen.cases} synthetic cases, with overlay pictures",
        [
            "case", "workers", "command", "cases/s", "of the engine, a case",
            "outside the engine", "with start-up and end", "parent's memory, first → last third",
        ],
        rows,
    )  # fmt: skip


def _overhead_row(name: str, workers: int, command: Command) -> list[str]:
    engine = command.engine_seconds
    return [
        f"about {name}",
        str(workers),
        f"{command.seconds:.1f} s",
        f"{len(command.calls) / command.window_seconds:.1f}",
        f"{median(end - start for start, end in command.calls) * 1e3:.1f} ms",
        f"{1 - engine / (workers * command.window_seconds):.1%}",
        f"{1 - engine / (workers * command.seconds):.1%}",
        f"{command.third(0):.0f} → {command.third(2):.0f} MB",
    ]


def rerun(chosen: argparse.Namespace) -> None:
    """Extract all PET and MR, again unchanged, and again with one setting changed."""
    images = [
        path
        for pattern in ("*/PET_image.nii.gz", "*/MR_T1_image.nii.gz")
        for path in sorted((chosen.data / "sts/nifti").glob(pattern))
    ]
    content = jobs.parameters(jobs.CLASSES, 0.25, 2.0, 4.0, resampledPixelSpacing=[2.0, 2.0, 2.0])
    content["setting"] |= {"normalize": True, "normalizeScale": 100, "binWidth": 10.0}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        rows = [
            (
                f"{path.parent.name}-{path.name.split('_image')[0]}",
                path.parent.name, path, path.with_name(path.name.replace("_image", "_mask")),
            )
            for path in images
        ]  # fmt: skip
        manifest = write_manifest(
            folder / "cohort.csv", ["case_id", "patient_id", "image", "mask"], rows
        )
        options = [manifest, "--params", write_params(folder, content), "--workers", chosen.workers]
        table = [["first", *_rerun_row(extract(folder, *options))]]
        table.append(["the same again", *_rerun_row(extract(folder, *options, fresh=False))])
        content["setting"]["binWidth"] = 12.0
        write_params(folder, content)
        table.append(["binWidth changed", *_rerun_row(extract(folder, *options, fresh=False))])
    title = f"{len(images)} sarcomas (PET and T1 MR) at 2 mm, {chosen.workers} workers"
    print_table(title, ["command", "time", "reused", "computed", "failures"], table)


def _rerun_row(command: Command) -> list[str]:
    told = command.summary
    return [
        f"{command.seconds:.1f} s",
        *(str(told[name]) for name in ("reused", "computed", "failures")),
    ]


def labels(chosen: argparse.Namespace) -> None:
    """Extract 20 labels of a CT: as one image, as 20 cases that share nothing, as 20 commands."""
    cut = sitk.ReadImage(str(chosen.data / "sts/nifti" / CT / "CT_image.nii.gz"))
    # The files are cut out around the tumour; set side by side they have a whole CT's size.
    for ct in (cut, sitk.Tile([cut] * 9, [3, 3, 1])):
        _labels_of(ct)


def _labels_of(ct: sitk.Image) -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        image, mask = folder / "image.nii.gz", folder / "mask.nii.gz"
        sitk.WriteImage(ct, str(image))
        sitk.WriteImage(_blobs(ct), str(mask))
        params = write_params(folder, jobs.parameters(jobs.CLASSES, 25.0, 2.0))
        head = ["case_id", "patient_id", "image", "mask", "label"]

        def manifest(rows: Sequence[Sequence[object]]) -> list[object]:
            path = write_manifest(folder / "cohort.csv", head, rows)
            return [path, "--params", params, "--workers", 1]

        together = extract(folder, *manifest([("c", "c", image, mask, "all")]))
        copies = [folder / f"copy-{label}.nii.gz" for label in range(1, LABELS + 1)]
        for copy in copies:
            shutil.copy(image, copy)
        separate = extract(
            folder,
            *manifest([(f"c{n}", "c", copy, mask, n) for n, copy in enumerate(copies, start=1)]),
        )
        commands = [
            extract(folder, *manifest([(f"c{n}", "c", image, mask, n)]))
            for n in range(1, LABELS + 1)
        ]
    table = [
        ["one image, one command", f"{together.seconds:.1f} s", "1"],
        ["20 copies of the image, one command", *_against(separate.seconds, together.seconds)],
        ["20 commands", *_against(sum(each.seconds for each in commands), together.seconds)],
    ]
    size = "×".join(map(str, ct.GetSize()))
    print_table(f"{LABELS} labels of one CT of {size} voxels, 1 worker", ["", "time", "×"], table)


def _against(seconds: float, reference: float) -> list[str]:
    return [f"{seconds:.1f} s", f"{seconds / reference:.1f}"]


def _blobs(image: sitk.Image) -> sitk.Image:
    """Draw twenty balls of 12 mm radius on a grid around the middle of an image."""
    array = np.zeros(image.GetSize()[::-1], np.uint8)
    spacing = np.array(image.GetSpacing()[::-1])
    middle = np.array(array.shape) * spacing / 2
    z, y, x = (np.arange(n) * mm for n, mm in zip(array.shape, spacing, strict=True))
    for number in range(LABELS):
        centre = middle + np.array([0, 30.0 * (number // 5 - 1.5), 30.0 * (number % 5 - 2)])
        far = (
            (z[:, None, None] - centre[0]) ** 2
            + (y[:, None] - centre[1]) ** 2
            + (x - centre[2]) ** 2
        )
        array[far < 12.0**2] = number + 1
    blobs = sitk.GetImageFromArray(array)
    blobs.CopyInformation(image)
    return blobs


JOBS: dict[str, Callable[[argparse.Namespace], None]] = {
    "overhead": overhead,
    "rerun": rerun,
    "labels": labels,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", choices=JOBS, default=list(JOBS))
    parser.add_argument("--cases", type=int, default=1000, help="of the job `overhead`")
    parser.add_argument("--workers", type=int, default=2, help="of the job `rerun`")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    chosen = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} before")
    for name in chosen.jobs:
        JOBS[name](chosen)


if __name__ == "__main__":
    main()
