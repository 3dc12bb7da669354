"""What a batch job's log and a terminal tell of long work."""

import os
import pty
import subprocess
import sys

import pytest

from radpipe import progress
from radpipe.progress import Pace, progress_bar, showing

BAR = """
from radpipe.progress import progress_bar
with progress_bar("extracting", 3, True) as step:
    for _ in range(3):
        step("1 failed")
"""


def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = clock(monkeypatch)
    with progress_bar("extracting", 2000, True) as step:
        for number in range(1, 131):
            now[0] += 0.5
            step("3 failed" if number == 50 else None)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "extracting: 60 of 2000 done, 3 failed, 2.0/s, about 16 min left"
    assert second.startswith("extracting: 120 of 2000 done, 3 failed, 2.0/s")


def test_short_work_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("extracting", 1, True) as step:
        step()
    assert capsys.readouterr().err == ""


def test_nothing_is_shown_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = clock(monkeypatch)
    with progress_bar("extracting", 1, False) as step:
        now[0] += 1000
        step("note")
    assert capsys.readouterr().err == ""


def test_the_pace_is_that_of_the_recent_past() -> None:
    pace = Pace(1000, 0.0)
    for second in range(600):
        pace.add(1 if second % 60 == 59 else 0, float(second))
    for second in range(600, 700):
        pace.add(4, float(second))
    assert pace.told(699.0) == "4.0/s, about 2 min left"


@pytest.mark.parametrize(
    ("every", "told"),
    [(0.01, "100/s"), (2.0, "30/min"), (600.0, "6.0/h")],
)
def test_rates_have_a_unit_that_can_be_read(every: float, told: str) -> None:
    pace = Pace(100, 0.0)
    for number in range(1, 51):
        pace.add(1, number * every)
    assert pace.told(50 * every).startswith(told)


@pytest.mark.parametrize(
    ("seconds", "told"), [(10, "20 s left"), (600, "20 min left"), (36000, "20.0 h left")]
)
def test_time_left(seconds: float, told: str) -> None:
    pace = Pace(3, 0.0)
    pace.add(1, seconds)
    assert pace.told(seconds).endswith(told)


def test_nothing_is_foretold_before_anything_is_done() -> None:
    pace = Pace(3, 0.0)
    assert pace.told(100.0) == ""


def test_a_terminal_gets_a_bar() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    subprocess.run(
        [sys.executable, "-c", BAR], stderr=theirs, env=environment, check=True, timeout=60
    )
    os.close(theirs)
    told = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "3/3" in told
    assert "1 failed" in told
    assert "━" in told


def test_work_inside_a_model_shows_what_its_caller_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = clock(monkeypatch)

    def work() -> str:
        with progress_bar("tuning", 2) as step:
            now[0] += 60
            step()
        return capsys.readouterr().err

    assert work() == ""
    with showing(True):
        assert work().startswith("tuning: 1 of 2 done")
        with showing(False):
            assert work() == ""
        assert work() != ""
    assert work() == ""
