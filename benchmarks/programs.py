"""Programs that are timed: a process that takes turns, or a command."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from peer import PEAK_UNIT


@dataclass
class Program:
    """One timed program and what was measured of it."""

    name: str
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    values: dict[str, np.ndarray] = field(default_factory=dict)
    version: str = ""

    @property
    def median(self) -> float:
        """Median of all runs in seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """Fastest and slowest run: on a machine shared with others the median may mislead."""
        return f"{min(self.seconds):.3f}–{max(self.seconds):.3f}"


class Peer(Program):
    """A program that keeps a process in which it repeats one job."""

    def start(self, python: str, script: str, job: dict[str, Any], folder: Path) -> None:
        """Start the process; it waits for its first turn."""
        stem = self.name.replace(" ", "_").replace(",", "")
        self.answer = folder / f"{stem}.npz"
        order = folder / f"{stem}.json"
        order.write_text(json.dumps(job), encoding="utf-8")
        command = [python, str(Path(__file__).with_name(script)), str(order)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self) -> None:
        """Take one turn."""
        self.process.stdin.write(f"{self.answer}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} failed: {' '.join(map(str, self.process.args))}")
        told = json.loads(line)
        self.seconds.append(told["seconds"])
        self.peak_bytes, self.version = told["peak_bytes"], told["version"]

    def stop(self) -> None:
        """End the process and keep the values of its last turn."""
        self.process.communicate()
        with np.load(self.answer) as values:
            self.values = dict(values)


def in_turn(peers: list[Peer], repeats: int, once: str = "") -> None:
    """Warm each program up and time it in turns; one that takes long is run once, as it is."""
    for turn in range(1 + repeats):
        for peer in peers:
            if peer.name == once and turn != 1:
                continue
            peer.run()
            if turn == 0:
                peer.seconds.clear()
    for peer in peers:
        peer.stop()


def command(program: Program, arguments: list[str]) -> None:
    """Time a command from its start to its end, and add that to the program's runs."""
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = process.stderr.read()
    # With its workers: the largest of all these processes.
    _, status, usage = os.wait4(process.pid, 0)
    program.seconds.append(time.perf_counter() - start)
    if status:
        raise SystemExit(f"{' '.join(arguments)}\n{told.decode(errors='replace')[-2000:]}")
    program.peak_bytes = max(program.peak_bytes, usage.ru_maxrss * PEAK_UNIT)
