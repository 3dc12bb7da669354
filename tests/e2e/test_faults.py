"""Batches that cannot die: each fault costs its own case, and nothing that was computed is lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import pandas as pd
import psutil
import pytest

from tests.faults.harness import (
    Cohort,
    Line,
    assert_same_tables,
    end_all,
    events,
    failures_of,
    make_line,
    stored,
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs /proc and POSIX signals"
)
# Long enough for a slow machine to reach the memory first.
LIMITS = ("--timeout", 8, "--memory", "2GB")
POISONED = {
    3: "raise",
    5: "segfault",
    9: "exit",
    13: "kill",
    17: "kill once",
    21: "grow",
    25: "loop",
    29: "loop in C",
    33: "rewrite",
}
# A small one: the large ones are started first.
VANISHED = 36
FAILED = {
    3: ("ExtractionError", r"ValueError: poison in case <b>"),
    5: ("WorkerDiedError", r"SIGSEGV"),
    9: ("WorkerDiedError", r"\b3\b"),
    13: ("WorkerDiedError", r"SIGKILL"),
    21: ("OutOfMemoryError", r"out of memory at [\d,]+ MB"),
    25: ("TimedOutError", r"time-out after 8 s"),
    29: ("TimedOutError", r"time-out after 8 s"),
    VANISHED: ("UnreadableImageError", r"no such file"),
}


@pytest.mark.slow
def test_ten_faults_in_forty_cases(make_cohort: Cohort) -> None:
    line = make_line(make_cohort, 40, POISONED)
    vanishing = line.folder / f"p{VANISHED}_image.nii.gz"
    shutil.copy(vanishing, line.folder / "kept.nii.gz")
    first = line.ended(line.command("RUN", *LIMITS), vanishes=vanishing)
    assert first.returncode == 1, first.stderr
    assert_only_the_poisoned_failed(line)
    assert_called_once_unless_poisoned(line.calls())

    again = line.ended(line.command("RUN", *LIMITS, "--retry", "none"), mended=True)
    assert again.returncode == 1, again.stderr
    # The rewritten image is another one.
    assert line.calls() == {33: 1}
    assert failures_of(line.folder / "RUN").keys() == {f"p{number}" for number in FAILED}

    shutil.copy(line.folder / "kept.nii.gz", vanishing)
    mended = line.ended(line.command("RUN", *LIMITS), mended=True)
    assert mended.returncode == 0, mended.stderr
    assert line.calls() == dict.fromkeys(FAILED, 1)
    assert not failures_of(line.folder / "RUN")
    assert_same_tables(line.folder / "RUN", line.undisturbed())


def assert_only_the_poisoned_failed(line: Line) -> None:
    run = line.folder / "RUN"
    failures = failures_of(run)
    assert failures.keys() - {"p33"} == {f"p{number}" for number in FAILED}
    for number, (error, told) in FAILED.items():
        row = failures[f"p{number}"]
        assert row["error"] == error, row["message"]
        assert re.search(told, row["message"]), row["message"]
        assert f"p{number}_image.nii.gz" in row["message"]
        assert row["remedy"] or number == 3
    rows = pd.read_parquet(run / "features.parquet")["case_id"]
    assert list(rows) == [f"p{number}" for number in range(40) if f"p{number}" not in failures]
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    assert events(run)[-1]["event"] == "finished"
    assert len(events(run, "failed")) == len(failures)


def assert_called_once_unless_poisoned(calls: Counter[int]) -> None:
    """A poisoned case is tried in the pool and once alone; one that raises tells all at once."""
    twice = {number for number in POISONED if number not in (3, 33)}
    assert {number: calls[number] for number in twice} == dict.fromkeys(twice, 2)
    innocent = set(range(40)) - twice - {VANISHED, 33}
    assert {number: calls[number] for number in innocent} == dict.fromkeys(innocent, 1)
    assert VANISHED not in calls


@pytest.mark.slow
def test_all_workers_work(make_cohort: Cohort) -> None:
    line = make_line(make_cohort, 8)
    ended = line.ended(line.command(), pause=0.3)
    assert ended.returncode == 0, ended.stderr
    assert len(line.pids()) == 2


def test_an_image_rewritten_while_it_is_computed_is_not_taken_for_the_new_one(
    make_cohort: Cohort,
) -> None:
    line = make_line(make_cohort, 6, {2: "rewrite"})
    line.ended(line.command(workers=0))
    again = line.ended(line.command(workers=0), mended=True)
    assert again.returncode == 0, again.stderr
    assert line.calls() == {2: 1}
    assert_same_tables(line.folder / "RUN", line.undisturbed())


def kill_group(running: subprocess.Popen[str]) -> None:
    os.killpg(running.pid, signal.SIGKILL)


def kill_parent(running: subprocess.Popen[str]) -> None:
    running.kill()


def at_calls(count: int) -> Callable[[Line], None]:
    return lambda line: line.wait_for_calls(count)


def while_tables_are_written(line: Line) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any((line.folder / "RUN").glob("features*")):
            return
    pytest.fail("no table was begun in 60 s")


@pytest.mark.slow
def test_killed_again_and_again_no_stored_row_is_computed_twice(make_cohort: Cohort) -> None:
    line = make_line(make_cohort)
    run = line.folder / "RUN"
    for instant, kill in (
        (at_calls(1), kill_group),
        (at_calls(8), kill_parent),
        (at_calls(12), kill_group),
        (while_tables_are_written, kill_group),
    ):
        before = len(stored(run)) if run.exists() else 0
        kill_at(line, instant, kill)
        calls = line.calls()
        assert set(calls.values()) <= {1}
        assert before <= len(stored(run)) <= before + len(calls)
        assert sum(calls.values()) <= 40 - before
    left = 40 - len(stored(run))
    ended = line.ended(line.command())
    assert ended.returncode == 0, ended.stderr
    assert sum(line.calls().values()) == left
    assert_same_tables(run, line.undisturbed())


def kill_at(
    line: Line,
    instant: Callable[[Line], None],
    kill: Callable[[subprocess.Popen[str]], None],
    pause: float = 0.1,
) -> None:
    running = line.start(line.command(), pause=pause)
    instant(line)
    kill(running)
    running.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while line.processes():
        assert time.monotonic() < deadline, "workers go on without their parent"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("tenths", range(0, 60, 5))
def test_killed_at_any_instant(make_cohort: Cohort, tenths: int) -> None:
    line = make_line(make_cohort)
    kill_at(line, lambda line: (line.wait_for_calls(1), time.sleep(tenths / 10))[1], kill_group)
    left = 40 - len(stored(line.folder / "RUN"))
    ended = line.ended(line.command())
    assert ended.returncode == 0, ended.stderr
    assert sum(line.calls().values()) == left
    assert_same_tables(line.folder / "RUN", line.undisturbed())


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_case_tried_alone(make_cohort: Cohort) -> None:
    line = make_line(make_cohort)
    running = line.start(line.command(), pause=0.1)
    line.wait_for_calls(6)
    last = line.calls_path.read_text().splitlines()[-1]
    psutil.Process(int(last.split()[1])).kill()
    _, told = running.communicate(timeout=120)
    assert running.returncode == 0, told
    calls = line.calls()
    assert calls.pop(int(last.split()[0])) == 2
    assert set(calls.values()) == {1}
    assert_same_tables(line.folder / "RUN", line.undisturbed())


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_it_says_how_to_go_on_and_goes_on(
    make_cohort: Cohort, stop: signal.Signals
) -> None:
    line = make_line(make_cohort)
    running = line.start(line.command(), pause=0.2)
    line.wait_for_calls(8)
    started = time.monotonic()
    # A terminal sends Ctrl-C to all processes; a batch system ends the one it started.
    (os.killpg if stop == signal.SIGINT else os.kill)(running.pid, stop)
    try:
        _, told = running.communicate(timeout=60)
    finally:
        end_all(left := line.processes())
    assert running.returncode == 130, told
    assert time.monotonic() - started < 15
    assert not left
    assert "Traceback" not in told, told
    assert "same command" in told
    assert events(line.folder / "RUN")[-1]["event"] == "stopped"
    missing = 40 - len(stored(line.folder / "RUN"))
    assert 0 < missing <= 34
    ended = line.ended(line.command())
    assert ended.returncode == 0, ended.stderr
    assert sum(line.calls().values()) == missing


def in_namespace(script: str) -> list[str]:
    """Return a command that may mount, seen by nobody else."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare, to mount in a namespace")
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        pytest.skip(f"no mounts in a namespace of its own here: {tried.stderr.strip()}")
    return ["unshare", "-rm", "sh", "-c", script, "sh"]


FULL_DISK = """
mkdir DISK && mount -t tmpfs -o size=$SIZE none DISK || exit 99
"$@" 2> full.txt; echo $? > full.code
ls DISK/RUN/rows > rows.txt
mount -o remount,size=100m DISK || exit 99
: > "$FAULTY_CALLS"
"$@"; code=$?
cp -r DISK/RUN RUN
exit $code
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", ["400k", "500k"], ids=["at a row", "at the tables"])
def test_a_full_disk_stops_the_run_and_the_same_command_ends_it(
    make_cohort: Cohort, size: str
) -> None:
    line = make_line(make_cohort)
    line.environment["SIZE"] = size
    ended = line.ended(in_namespace(FULL_DISK) + line.command("DISK/RUN"))
    told = (line.folder / "full.txt").read_text()
    assert (line.folder / "full.code").read_text().strip() == "2", told
    assert "disk" in told.lower()
    assert "DISK/RUN" in told
    assert "remedy" in told
    assert "Traceback" not in told, told
    assert ended.returncode == 0, ended.stderr
    rows = re.findall(r"^\w{32}\.json$", (line.folder / "rows.txt").read_text(), re.M)
    assert 0 < len(rows) <= 40
    assert sum(line.calls().values()) == 40 - len(rows)
    assert_same_tables(line.folder / "RUN", line.undisturbed())


READ_ONLY = """
mkdir DISK && mount --bind DISK DISK && mount -o remount,ro,bind DISK || exit 99
"$@"
"""


def test_a_read_only_disk_is_refused_before_anything_is_read(make_cohort: Cohort) -> None:
    line = make_line(make_cohort, 2)
    ended = line.ended(in_namespace(READ_ONLY) + line.command("DISK/RUN"))
    assert ended.returncode == 2, ended.stderr
    assert "Read-only file system" in ended.stderr
    assert "remedy" in ended.stderr
    assert not line.calls()


def test_a_folder_below_a_file_is_refused_before_anything_is_read(make_cohort: Cohort) -> None:
    line = make_line(make_cohort, 2)
    ended = line.ended(line.command("p.yaml/RUN"))
    assert ended.returncode == 2, ended.stderr
    assert "RunError" in ended.stderr
    assert not line.calls()


def test_without_workers_a_case_that_raises_costs_only_itself(make_cohort: Cohort) -> None:
    line = make_line(make_cohort, 5, {1: "raise"})
    ended = line.ended(line.command(workers=0))
    assert ended.returncode == 1, ended.stderr
    assert failures_of(line.folder / "RUN").keys() == {"p1"}
    mended = line.ended(line.command(workers=0), mended=True)
    assert mended.returncode == 0, mended.stderr
    assert line.calls() == {1: 1}
