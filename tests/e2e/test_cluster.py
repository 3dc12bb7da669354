"""A cluster gives the tables of one machine, whatever becomes of its hosts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.faults.cluster import Cluster, Loopback, cluster, namespaces
from tests.faults.documents import block
from tests.faults.harness import Cohort, Line, assert_same_tables, end_all, make_line, stored

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs POSIX signals and namespaces"
)
# The documentation's are for a real network, where a silence of seconds means nothing.
IMPATIENT = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
}


def settings(line: Line) -> None:
    """Let all processes of a line read the settings and certificates of the documentation."""
    home = line.folder / "home"
    home.mkdir()
    subprocess.run(
        ["sh", "-e", "-c", block("clusters.md", "certificates").replace("~", "$HOME")],
        env={"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        check=True, capture_output=True,
    )  # fmt: skip
    text = block("clusters.md", "settings").replace("/home/you", str(home))
    (home / "dask.yaml").write_text(text)
    line.environment |= {"DASK_CONFIG": str(home / "dask.yaml")}


def extract(line: Line, of: Cluster, out: str, **more: object) -> subprocess.Popen[str]:
    command = [*of.hub, *line.command(out, "--timeout", 30)]
    place = command.index("--workers")
    command[place : place + 2] = ["--scheduler", of.address]
    return line.start(command, **more)


def ended(line: Line, running: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        told = running.communicate(timeout=120)[1]
    except subprocess.TimeoutExpired:
        end_all(line.processes())
        pytest.fail(f"it hangs: {running.communicate()[1]}")
    assert "Traceback" not in told, told
    return running.returncode, told


@pytest.mark.slow
def test_three_hosts_give_the_tables_of_one_and_one_may_be_cut_off(make_cohort: Cohort) -> None:
    line = make_line(make_cohort)
    line.environment |= IMPATIENT
    with namespaces() as network, cluster(line.folder, line.variables(), network) as hosts:
        # Slow enough that a host that is a second late still finds work.
        code, told = ended(line, extract(line, hosts, "RUN", pause=0.3))
        assert code == 0, told
        assert len(line.pids()) == 3
        assert_same_tables(line.folder / "RUN", line.undisturbed())
        running = extract(line, hosts, "CUT", pause=0.4)
        line.wait_for_calls(9)
        network.cut(1)
        assert_every_case(line, running, "CUT")


def assert_every_case(line: Line, running: subprocess.Popen[str], out: str) -> None:
    code, told = ended(line, running)
    assert code == 0, told
    assert len(pd.read_parquet(line.folder / out / "features.parquet")) == 40
    clean = line.folder / "CLEAN"
    assert_same_tables(line.folder / out, clean if clean.exists() else line.undisturbed())


@pytest.mark.slow
@pytest.mark.parametrize(
    "lose",
    [pytest.param(Cluster.kill, id="killed"), pytest.param(Cluster.freeze, id="frozen")],
)
def test_the_documented_cluster_loses_a_host(
    make_cohort: Cohort, lose: Callable[[Cluster, int], None]
) -> None:
    line = make_line(make_cohort)
    settings(line)
    line.environment |= IMPATIENT
    with cluster(line.folder, line.variables(), Loopback(), protocol="tls") as hosts:
        assert hosts.address.startswith("tls://")
        running = extract(line, hosts, "RUN", pause=0.3)
        line.wait_for_calls(6)
        lose(hosts, 2)
        assert_every_case(line, running, "RUN")


@pytest.mark.slow
def test_without_a_certificate_nobody_is_let_in(make_cohort: Cohort, tmp_path: Path) -> None:
    line = make_line(make_cohort, 2)
    settings(line)
    with cluster(line.folder, line.variables(), Loopback(), protocol="tls") as hosts:
        line.environment.pop("DASK_CONFIG")
        line.environment |= {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}
        code, told = ended(line, extract(line, hosts, "RUN"))
        assert code == 2, told
        assert hosts.address in told
        assert not line.calls()


@pytest.mark.slow
def test_a_scheduler_that_is_gone_is_told_and_the_run_goes_on_here(make_cohort: Cohort) -> None:
    line = make_line(make_cohort)
    line.environment |= IMPATIENT
    with cluster(line.folder, line.variables(), Loopback()) as hosts:
        running = extract(line, hosts, "RUN", pause=0.3)
        line.wait_for_calls(9)
        hosts.scheduler.kill()
        started = time.monotonic()
        code, told = ended(line, running)
        assert code == 2, told
        assert time.monotonic() - started < 45
        assert hosts.address in told
        assert "same command" in told
    end_all(line.processes())
    kept = len(stored(line.folder / "RUN"))
    assert kept >= 6
    resumed = line.ended(line.command())
    assert resumed.returncode == 0, resumed.stderr
    assert sum(line.calls().values()) == 40 - kept
    assert_same_tables(line.folder / "RUN", line.undisturbed())


def test_a_scheduler_that_is_not_there_is_told_at_once(make_cohort: Cohort) -> None:
    line = make_line(make_cohort, 1)
    line.environment |= {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    command = line.command()
    command[command.index("--workers") :] = ["--scheduler", "tcp://127.0.0.1:9"]
    refused = line.ended(command)
    assert refused.returncode == 2, refused.stderr
    assert "tcp://127.0.0.1:9" in refused.stderr
    assert "remedy" in refused.stderr
