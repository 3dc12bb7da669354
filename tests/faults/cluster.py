"""A Dask cluster of three hosts on this machine: a scheduler, and a worker with a nanny on each.

Hosts are network namespaces with a cable each to a switch, where the machine permits them, or else
processes that meet on the loopback device. Nothing is set up outside the namespaces.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DASK = [sys.executable, "-m", "dask"]
PORT = 8786
STARTED_BY_NOW = 30


class Loopback:
    """Three hosts that are mere processes."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self.hub: list[str] = []

    def host(self, number: int) -> list[str]:
        return []


class Namespaces:
    """A switch in a network namespace, and three hosts with one each, cabled to it."""

    address = "10.77.0.1"

    def __init__(self, open_ones: ExitStack) -> None:
        self._open = open_ones
        switch = self._namespace(["unshare", "--user", "--map-root-user", "--net"])
        self.hub = self._enter(switch)
        self._in(self.hub, "link set lo up")
        self._in(self.hub, "link add name switch type bridge")
        self._in(self.hub, f"address add {self.address}/24 dev switch")
        self._in(self.hub, "link set switch up")
        self._hosts = [self._cabled(number) for number in range(3)]

    def host(self, number: int) -> list[str]:
        return self._hosts[number]

    def cut(self, number: int) -> None:
        """Pull a host's cable."""
        self._in(self.hub, f"link set cable{number} down")

    def _cabled(self, number: int) -> list[str]:
        process = self._namespace([*self.hub, "unshare", "--net"])
        host = self._enter(process)
        cable = f"cable{number}"
        self._in(self.hub, f"link add {cable} type veth peer name eth0 netns {process}")
        self._in(self.hub, f"link set {cable} master switch up")
        self._in(host, f"address add 10.77.0.{number + 2}/24 dev eth0")
        self._in(host, "link set eth0 up")
        self._in(host, "link set lo up")
        return host

    def _namespace(self, command: list[str]) -> int:
        holder = subprocess.Popen([*command, "sleep", "600"])
        self._open.callback(holder.wait)
        self._open.callback(holder.kill)
        ours = _network_of("self")
        deadline = time.monotonic() + 5
        while _network_of(str(holder.pid)) == ours or not _sleeps(holder.pid):
            if holder.poll() is not None or time.monotonic() > deadline:
                pytest.skip("needs network namespaces, which this machine does not permit")
            time.sleep(0.01)
        return holder.pid

    def _enter(self, process: int) -> list[str]:
        return ["nsenter", "-t", str(process), "--user", "--preserve-credentials", "--net"]

    def _in(self, where: list[str], command: str) -> None:
        done = subprocess.run(
            [*where, "ip", *command.split()], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"needs virtual network cables: {done.stderr.strip()}")


def _network_of(process: str) -> Path:
    return Path(f"/proc/{process}/ns/net").readlink()


def _sleeps(process: int) -> bool:
    return Path(f"/proc/{process}/comm").read_text().strip() == "sleep"


@contextmanager
def namespaces() -> Iterator[Namespaces]:
    """Give a network of three hosts, or skip the test."""
    if any(shutil.which(name) is None for name in ("unshare", "nsenter", "ip")):
        pytest.skip("needs unshare, nsenter and ip, to make a network of its own")
    with ExitStack() as open_ones:
        yield Namespaces(open_ones)


@dataclass
class Cluster:
    """Scheduler and workers.

    Attributes
    ----------
    address : str
        Of the scheduler.
    hub : list of str
        What a command starts with to run where the scheduler runs.
    scheduler : Popen
        The scheduler.
    workers : list of Popen
        Nannies, each with its worker in one process group.
    """

    address: str
    hub: list[str]
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill(self, number: int) -> None:
        """End a host at once, with all that runs on it."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)

    def freeze(self, number: int) -> None:
        """Let a host answer no more, its connections open."""
        os.killpg(self.workers[number].pid, signal.SIGSTOP)


@contextmanager
def cluster(
    folder: Path,
    environment: Mapping[str, str],
    network: Loopback | Namespaces,
    protocol: str = "tcp",
) -> Iterator[Cluster]:
    """Start a scheduler and three workers.

    Parameters
    ----------
    folder : Path
        For logs and workers' files.
    environment : dict
        Of all processes.
    network : Loopback or Namespaces
        Where they run.
    protocol : str
        ``tcp`` or ``tls``.

    Yields
    ------
    Cluster
        With all three workers there.
    """
    told = folder / "scheduler.json"
    port = PORT if isinstance(network, Namespaces) else 0
    place = ["--protocol", protocol, "--host", network.address, "--port", str(port)]
    with ExitStack() as open_ones:
        scheduler = _started(
            open_ones, folder / "scheduler.log", environment, network.hub,
            ["scheduler", *place, "--no-dashboard", "--scheduler-file", str(told)],
        )  # fmt: skip
        _wait_for(told.exists, "a scheduler", folder)
        address = json.loads(told.read_text())["address"]
        found = Cluster(address, network.hub, scheduler)
        for number in range(3):
            options = [
                "--nworkers",
                "1",
                "--nthreads",
                "1",
                "--memory-limit",
                "0",
                "--no-dashboard",
            ]
            options += ["--name", f"host-{number}", "--death-timeout", "60"]
            options += ["--local-directory", str(folder / f"host-{number}")]
            found.workers.append(
                _started(
                    open_ones, folder / f"host-{number}.log", environment, network.host(number),
                    ["worker", address, *options],
                )
            )  # fmt: skip
        for number in range(3):
            log = folder / f"host-{number}.log"
            _wait_for(lambda log=log: "Registered to" in log.read_text(), "a worker", folder)
        yield found


def _started(
    open_ones: ExitStack,
    log: Path,
    environment: Mapping[str, str],
    where: list[str],
    what: list[str],
) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*where, *DASK, *what],
            env=environment,
            stdout=file,
            stderr=file,
            cwd=log.parent,
            start_new_session=True,
        )
    open_ones.callback(process.wait)
    open_ones.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    # A frozen group is ended as well, and one whose leader is gone still has its members.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


def _wait_for(happened: Callable[[], bool], what: str, folder: Path) -> None:
    deadline = time.monotonic() + STARTED_BY_NOW
    while not happened():
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))
            pytest.fail(f"no sign of {what}:\n{logs}")
        time.sleep(0.05)
