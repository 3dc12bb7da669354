import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import dask
import psutil
import pytest

from radpipe.errors import RunError, SettingsError, WorkerDiedError
from radpipe.parallel import Pool, as_done, bytes_of, in_order, in_threads
from radpipe.parallel.admission import Waiting

NOBODY = "tcp://127.0.0.1:1"
ROOT = Path(__file__).parents[2]


def square(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number**2


def die(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(flag: Path) -> str:
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@pytest.mark.parametrize("workers", [0, 2])
def test_every_outcome_comes_back_with_its_place(workers: int) -> None:
    outcomes = dict(as_done(square, range(5), workers))
    assert {place: value for place, value in outcomes.items() if place != 3} == {
        0: 0, 1: 1, 2: 4, 4: 16,
    }  # fmt: skip
    assert isinstance(outcomes[3], ValueError)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_keep_the_order_and_ask_for_few_items(threads: int) -> None:
    given: list[int] = []

    def numbers() -> Iterator[int]:
        for number in (2, 0, 1, 5, 4, 7, 6):
            given.append(number)
            yield number

    taken = []
    for result in in_threads(square, numbers(), threads):
        taken.append(result)
        assert len(given) - len(taken) <= threads
    assert taken == [4, 0, 1, 25, 16, 49, 36]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_in_a_thread_is_raised(threads: int) -> None:
    with pytest.raises(ValueError, match="three"):
        list(in_threads(square, [2, 3, 4], threads))


def test_in_order_keeps_the_order_and_raises() -> None:
    assert in_order(square, [2, 0, 1], 0) == [4, 0, 1]
    with pytest.raises(ValueError, match="three"):
        in_order(square, [2, 3], 0)


def test_an_item_that_kills_its_worker_costs_only_itself() -> None:
    outcomes = dict(as_done(die, range(4), 2))
    assert isinstance(outcomes.pop(1), WorkerDiedError)
    assert outcomes == {0: 0, 2: 2, 3: 3}


def test_an_item_whose_worker_was_killed_is_tried_again(tmp_path: Path) -> None:
    assert in_order(die_once, [tmp_path / "flag"], 1) == ["done"]


def test_negative_workers_are_refused() -> None:
    with pytest.raises(SettingsError, match="negative"):
        list(as_done(square, [1], -1))


def under_way(folder: Path) -> None:
    """Leave the size of all items that were under way together at some instant."""
    mine = folder / f"now-{uuid4().hex}"
    mine.touch()
    time.sleep(0.1)
    (folder / f"seen-{uuid4().hex}-{len(list(folder.glob('now-*')))}").touch()
    mine.unlink()


@pytest.mark.parametrize(("memory", "together"), [(10, 1), (20, 2), (None, 2)])
def test_only_as_many_run_together_as_fit_into_the_memory(
    tmp_path: Path, memory: int | None, together: int
) -> None:
    with Pool(2) as pool:
        # The workers' own limit is the same figure, which no process could live with.
        list(pool.as_done(square, [1, 1]))
        pool.memory = memory
        list(pool.as_done(under_way, [tmp_path] * 8, [8] * 8))
    assert max(int(path.name.split("-")[-1]) for path in tmp_path.glob("seen-*")) == together


def test_the_largest_that_fits_comes_first_and_what_never_fits_comes_alone() -> None:
    waiting = Waiting([3, 9, 5, 12, 5], 10)
    assert waiting.next(0, 8) == 1
    assert waiting.next(1, 8) is None
    waiting.free(1)
    assert [waiting.next(0, 8), waiting.next(1, 8), waiting.next(2, 8)] == [2, 4, None]
    waiting.free(2)
    assert waiting.next(1, 1) is None
    assert waiting.next(1, 8) == 0
    assert waiting.next(2, 8) is None
    waiting.free(4)
    waiting.free(0)
    assert waiting.next(0, 8) == 3
    assert waiting.next(1, 8) is None


def worker_processes() -> set[int]:
    found = set()
    for child in psutil.Process().children(recursive=True):
        # One may have ended since it was listed.
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


def test_processes_start_when_there_is_work_and_end_with_the_pool() -> None:
    with Pool(1) as pool:
        assert list(pool.as_done(square, [])) == []
        assert not worker_processes()
        assert list(pool.as_done(square, [2])) == [(0, 4)]
        first = worker_processes()
        assert list(pool.as_done(square, [5])) == [(0, 25)]
        assert first == worker_processes() != set()
    assert not worker_processes()


def slowly(number: int) -> int:
    time.sleep(0.5)
    return number


def signal_workers(number: signal.Signals, but: Set[int] = frozenset()) -> set[int]:
    """Send a signal to worker processes as soon as there are any that are not left out."""
    deadline = time.monotonic() + 60
    while not (living := worker_processes() - but):
        assert time.monotonic() < deadline, "no worker is started again"
        time.sleep(0.01)
    for pid in living:
        os.kill(pid, number)
    return living


def all_come(outcomes: Iterator[tuple[int, object]], threads: ThreadPoolExecutor) -> bool:
    """Tell whether the outcomes of three items come, and the pool does not wait for ever."""
    return sorted(threads.submit(list, outcomes).result(timeout=60)) == [(0, 0), (1, 1), (2, 2)]


def test_a_nanny_that_gave_up_is_replaced() -> None:
    with ThreadPoolExecutor(1) as threads, Pool(2) as pool:
        list(pool.as_done(square, [1]))
        assert pool._workers is not None
        cluster = pool._workers.client.cluster
        for nanny in list(cluster.workers.values()):
            cluster.sync(nanny.close)
        assert not worker_processes()
        assert all_come(pool.as_done(slowly, range(3)), threads)
        assert len(worker_processes()) == 2


@pytest.mark.slow
def test_a_worker_that_is_slow_to_start_is_waited_for() -> None:
    with ThreadPoolExecutor(1) as threads, Pool(1) as pool:
        list(pool.as_done(square, [1]))
        dead = signal_workers(signal.SIGKILL)
        slow = signal_workers(signal.SIGSTOP, but=dead)
        # Left to itself, Dask closes a nanny whose process is not back after 15 s.
        time.sleep(20)
        for pid in slow:
            os.kill(pid, signal.SIGCONT)
        assert all_come(pool.as_done(slowly, range(3)), threads)
        assert worker_processes() == slow


def pid_of_two(folder: Path) -> int:
    """Wait until another process computes items as well."""
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + 3
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    return os.getpid()


def test_a_first_call_of_one_item_leaves_as_many_processes_as_asked_for(tmp_path: Path) -> None:
    with Pool(2) as pool:
        list(pool.as_done(square, [2]))
        pids = {pid for _, pid in pool.as_done(pid_of_two, [tmp_path] * 8)}
        assert pids == worker_processes()
        assert len(pids) == 2


class Hosts:
    """A scheduler and workers as a user starts them, ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def scheduler(self, *paths: Path) -> str:
        told = self.folder / "scheduler.json"
        place = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(told)]
        self._start(["scheduler", *place], paths)
        deadline = time.monotonic() + 30
        while not told.exists() or not told.read_text():
            assert time.monotonic() < deadline, "no scheduler"
            time.sleep(0.02)
        self.address: str = json.loads(told.read_text())["address"]
        return self.address

    def worker(self, *paths: Path, threads: int = 1) -> None:
        place = ["--nthreads", str(threads), "--local-directory", str(self.folder)]
        self._start(["worker", self.address, "--no-nanny", *place], paths)

    def _start(self, what: list[str], paths: tuple[Path, ...]) -> None:
        self.processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", *what, "--no-dashboard"],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths)))},
                cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    found = Hosts(tmp_path)
    yield found
    for process in reversed(found.processes):
        process.kill()
        process.wait()


def test_a_cluster_without_workers_is_told_and_waited_for(hosts: Hosts, tmp_path: Path) -> None:
    address = hosts.scheduler()
    told = []

    class Operator(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())
            hosts.worker()

    operator = Operator()
    logging.getLogger("radpipe").addHandler(operator)
    try:
        with Pool(0, address) as pool:
            # The first worker is killed by the item and has no nanny to replace it.
            assert list(pool.as_done(die_once, [tmp_path / "flag"])) == [(0, "done")]
    finally:
        logging.getLogger("radpipe").removeHandler(operator)
    assert told == [
        f"the scheduler at {address} has no workers yet: waiting",
        f"the scheduler at {address} has no workers left: waiting",
    ]


def test_workers_with_several_threads_are_refused(hosts: Hosts) -> None:
    address = hosts.scheduler()
    hosts.worker(threads=2)
    told = rf"^{address}: .*several threads.*found: 2 at tcp://.*--nthreads 1"
    with Pool(0, address) as pool, pytest.raises(RunError, match=told):
        list(pool.as_done(square, [1]))


@pytest.mark.parametrize("lacking", ["worker", "scheduler"])
def test_a_host_that_lacks_a_package_is_named(
    hosts: Hosts, lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / f"lacked_by_{lacking}.py").write_text("def double(n): return 2 * n")
    monkeypatch.syspath_prepend(package)
    double = import_module(f"lacked_by_{lacking}").double
    address = hosts.scheduler(*[package] * (lacking != "scheduler"))
    hosts.worker(*[package] * (lacking != "worker"))
    who = "the scheduler" if lacking == "scheduler" else r"tcp://127.0.0.1:\d+"
    told = (
        rf"^{address}: .*cannot take up the work; "
        rf"found: {who}: ModuleNotFoundError: .*lacked_by_{lacking}.*the same radpipe"
    )
    with Pool(0, address) as pool, pytest.raises(RunError, match=told):
        list(pool.as_done(double, [1]))


def test_a_scheduler_that_is_not_there_is_told() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        Pool(0, NOBODY) as pool,
        pytest.raises(RunError, match=r"cannot reach the Dask scheduler.*dask scheduler"),
    ):
        list(pool.as_done(square, [1]))


@pytest.mark.parametrize(
    ("text", "amount"), [("8GB", 8 * 10**9), ("500 MiB", 500 * 2**20), ("1e9", 10**9)]
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert bytes_of(text) == amount


@pytest.mark.parametrize("text", ["much", "-1GB", "0"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--memory"):
        bytes_of(text)


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from radpipe.parallel import as_done\nlist(as_done(abs, [1, 2], 2))\n")
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "__main__" in ended.stderr.splitlines()[-1]
    assert ended.stderr.count("Traceback") == 1
