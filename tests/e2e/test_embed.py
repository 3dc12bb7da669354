"""`radpipe embed` killed at its worst moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from radpipe.extraction.embedding import Order, embed_run  # noqa: E402
from radpipe.networks.encoders import ENCODERS  # noqa: E402
from radpipe.networks.weights import build  # noqa: E402
from radpipe.store import Run  # noqa: E402
from radpipe.store.table import read_row_keys  # noqa: E402

Cohort = Callable[..., Path]
COUNT = 10
NAME = "medicalnet10"
ENDED_BY_NOW = 120


def write_weights(path: Path) -> Path:
    torch.manual_seed(0)
    weights = build(ENCODERS[NAME]).state_dict()
    torch.save({"state_dict": {f"module.{key}": each for key, each in weights.items()}}, path)
    return path


def start(folder: Path, out: str, workers: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-c", "from radpipe.cli import main; main()", "embed", "cohort.csv",
        "--encoder", NAME, "--weights", "weights.pth", "--out", out, "--workers", str(workers),
        "--quiet",
    ]  # fmt: skip
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def kill_at(running: subprocess.Popen[bytes], folder: Path, pattern: str, count: int) -> int:
    """Kill a command and its workers once it has kept so many files; tell how many there are."""
    deadline = time.monotonic() + ENDED_BY_NOW
    while len(list(folder.glob(pattern))) < count:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=ENDED_BY_NOW)
    return len(list(folder.glob(pattern)))


def end(running: subprocess.Popen[bytes]) -> str:
    told, error = running.communicate(timeout=ENDED_BY_NOW)
    assert running.returncode == 0, error.decode()
    return told.decode()


@pytest.mark.slow
def test_killed_in_either_stage_it_goes_on_to_the_same_bytes(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    make_cohort(COUNT)
    write_weights(tmp_path / "weights.pth")
    run = Run(tmp_path / "RUN")
    cut = kill_at(start(tmp_path, "RUN", 2), run.patch_run.patches.path, "*.npz", 3)
    assert cut < COUNT
    stored = {path: path.stat().st_mtime_ns for path in run.patch_run.rows.path.glob("*.json")}
    kept = kill_at(start(tmp_path, "RUN", 0), run.vectors_path, "*/*.npy", 3)
    assert kept < COUNT
    # No patch whose row was whole has been cut again.
    for path, moment in stored.items():
        assert run.patch_run.patches.path_of(path.stem).stat().st_mtime_ns < moment
    assert f"{COUNT} of {COUNT} cases, {kept} of them from before" in end(start(tmp_path, "RUN", 2))
    clean = Run(tmp_path / "CLEAN")
    embed_run(tmp_path / "cohort.csv", Order(NAME, tmp_path / "weights.pth"), clean.path)
    assert run.embeddings_path.read_bytes() == clean.embeddings_path.read_bytes()
    keys = read_row_keys(run.embeddings_path)
    for key in keys:
        paths = [each.patch_run.patches.path_of(key) for each in (run, clean)]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(path.name for path in run.path.iterdir()) == [
        "embeddings.parquet", "lock", "patches",
    ]  # fmt: skip
