"""Ctrl-C, which a terminal sends to a command and all its workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from radpipe.cli.interrupt import told_if_interrupted

SLOW = "imageType: {Original: {}, Wavelet: {level: 4}, LoG: {sigma: [1.0, 2.0, 3.0]}, LBP3D: {}}\n"


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_ctrl_c_ends_in_seconds_with_a_word_and_no_traceback(
    make_cohort: Callable[..., Path], tmp_path: Path, workers: str
) -> None:
    manifest = make_cohort(80)
    (tmp_path / "p.yaml").write_text(SLOW)
    command = [sys.executable, "-c", "from radpipe.cli import main; main()"]
    command += ["extract", str(manifest), "--params", str(tmp_path / "p.yaml")]
    command += ["--out", str(tmp_path / "RUN"), "--workers", workers]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((tmp_path / "RUN").glob("rows/*.json")):
        time.sleep(0.05)
    started = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert time.monotonic() - started < 15
    assert "stopped" in told
    assert "the same command goes on" in told
    assert "Traceback" not in told


def test_stopped_before_anything_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out, told in ((tmp_path / "RUN", "nothing was written"), (tmp_path, "cases are kept")):
        with pytest.raises(typer.Exit), told_if_interrupted("cases are kept", out):
            raise KeyboardInterrupt
        assert told in capsys.readouterr().err
