"""radpipe as a command, on a cohort of small cases of which some are poisoned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest

from tests.conftest import Pair
from tests.faults.faulty_engine import FAULTS

HERE = Path(__file__).parent
Cohort = Callable[..., Path]
PARAMS = "featureClass: {firstorder: , shape: , glcm: }\n"
ENDED_BY_NOW = 300
RADPIPE = [sys.executable, "-c", "from radpipe.cli import main; main()"]


def mark(pair: Pair, number: int, fault: int) -> None:
    """Write a case's number and fault where the engine ``faulty`` looks for them."""

    def command(array: Any) -> None:
        array[0, 0, :2] = fault, number

    pair.change_image(command)


def marked(count: int, faults: Mapping[int, str]) -> dict[int, Callable[[Pair], None]]:
    """Say how ``make_cohort`` is to spoil its cases so that each knows its number and fault."""
    names = list(FAULTS)
    return {
        number: partial(
            mark, number=number, fault=1 + names.index(faults[number]) if number in faults else 0
        )
        for number in range(count)
    }


@dataclass
class Line:
    """A folder with a cohort, and commands on it that all see the engine ``faulty``."""

    folder: Path
    manifest: Path
    count: int
    environment: dict[str, str] = field(default_factory=dict)
    started: int = 0

    @property
    def calls_path(self) -> Path:
        return self.folder / "calls.txt"

    def command(self, out: str = "RUN", *more: object, workers: int = 2) -> list[str]:
        return [
            *RADPIPE, "extract", str(self.manifest), "--params", str(self.folder / "p.yaml"),
            "--out", str(self.folder / out), "--engine", "faulty", "--workers", str(workers),
            *map(str, more),
        ]  # fmt: skip

    def variables(self, mended: bool = False, **more: object) -> dict[str, str]:
        """Return the environment of a command; ``more`` are variables of the engine ``faulty``."""
        return {
            **os.environ,
            **self.environment,
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
            "FAULTY_CALLS": str(self.calls_path),
            "FAULTY_FOLDER": str(self.folder),
            "FAULTY_OFF": "1" if mended else "",
            **{f"FAULTY_{name.upper()}": str(value) for name, value in more.items()},
        }

    def start(
        self, command: list[str], mended: bool = False, **more: object
    ) -> subprocess.Popen[str]:
        self.calls_path.write_text("")
        self.started += 1
        return subprocess.Popen(
            command,
            env={**self.variables(mended, **more), "FAULTY_START": self._start},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            start_new_session=True,
        )

    def ended(
        self, command: list[str], mended: bool = False, **more: object
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; one that hangs fails the test."""
        running = self.start(command, mended, **more)
        try:
            told = running.communicate(timeout=ENDED_BY_NOW)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            told = running.communicate()
            pytest.fail(f"it hangs: {told[1]}")
        finally:
            end_all(self.processes())
        assert "Traceback" not in told[1], told[1]
        return subprocess.CompletedProcess(command, running.returncode, *told)

    def calls(self) -> Counter[int]:
        """Count how often the engine was called for each case since the last start."""
        return Counter(int(line.split()[0]) for line in self.calls_path.read_text().splitlines())

    def pids(self) -> set[str]:
        """Return the processes that called the engine since the last start."""
        return {line.split()[1] for line in self.calls_path.read_text().splitlines()}

    def wait_for_calls(self, count: int, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if len(self.calls_path.read_text().splitlines()) >= count:
                return
            time.sleep(0.01)
        pytest.fail(f"fewer than {count} calls of the engine in {seconds} s")

    def processes(self) -> list[psutil.Process]:
        """List all processes of the last command."""
        ours = f"FAULTY_START={self._start}"
        return [each for each in psutil.process_iter() if ours in environment_of(each)]

    @property
    def _start(self) -> str:
        return f"{self.folder}:{self.started}"

    def undisturbed(self) -> Path:
        """Extract the cohort without any fault, in one process."""
        ended = self.ended(self.command("CLEAN", "--quiet", workers=0), mended=True)
        assert ended.returncode == 0, ended.stderr
        return self.folder / "CLEAN"


def environment_of(process: psutil.Process) -> list[str]:
    try:
        return Path(f"/proc/{process.pid}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return []


def end_all(processes: list[psutil.Process]) -> None:
    for each in processes:
        each.kill()
    psutil.wait_procs(processes, timeout=10)


def make_line(
    make_cohort: Cohort, count: int = 40, faults: Mapping[int, str] | None = None
) -> Line:
    """Make a cohort in which the cases named have a fault of :data:`FAULTS`."""
    manifest = make_cohort(count, marked(count, faults or {}))
    (manifest.parent / "p.yaml").write_text(PARAMS)
    return Line(manifest.parent, manifest, count)


def stored(run: Path) -> set[str]:
    """Return the row keys of what a run directory holds, compacted or not."""
    table = run / "features.parquet"
    metadata = (pq.read_schema(table).metadata or {}) if table.exists() else {}
    compacted = set(json.loads(metadata.get(b"radpipe_row_keys", b"[]")))
    return compacted | {path.stem for path in run.glob("rows/*.json") if "." not in path.stem}


def assert_same_tables(run: Path, other: Path) -> None:
    """Two runs hold the same bytes of features and of pictures."""
    ours, theirs = (each / "features.parquet" for each in (run, other))
    pd.testing.assert_frame_equal(pd.read_parquet(ours), pd.read_parquet(theirs), check_exact=True)
    assert ours.read_bytes() == theirs.read_bytes()
    told, expected = (
        pd.read_parquet(each / "diagnostics.parquet").drop(columns="seconds", errors="ignore")
        for each in (run, other)
    )
    pd.testing.assert_frame_equal(told, expected, check_exact=True)
    for picture in told["picture"]:
        assert (run / picture).read_bytes() == (other / picture).read_bytes()


def failures_of(run: Path) -> dict[str, dict[str, Any]]:
    """Return the failures of a run by case_id."""
    table = pd.read_parquet(run / "failures.parquet")
    return {row["case_id"]: row for row in table.to_dict("records")}


def events(run: Path, name: str | None = None) -> list[dict[str, Any]]:
    """Return what stands in ``run.log``, every line of it JSON."""
    lines = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
    return [line for line in lines if name in (None, line["event"])]
