"""Marks of workers, and the last words found in them."""

import subprocess
import sys
from pathlib import Path

import pytest

from radpipe.errors import TimedOutError
from radpipe.extraction.batch.attempt import TIMED_OUT, Attempt, Guard, place_in

# Both are ended in C: neither the interpreter nor its lock can be asked.
ENDINGS = {
    "crash": "ctypes.string_at(0)",
    "loop in Python": "exec('while True: pass')",
    "loop in C that holds the lock": "ctypes.PyDLL(None).sleep(1000)",
}
PROGRAM = """
import ctypes, sys
from pathlib import Path
from radpipe.extraction.batch.attempt import Attempt
def run_job():
    {ending}
code = compile("def work():\\n    run_job()\\n", "/somewhere/batch/job.py", "exec")
exec(code)
with Attempt(Path(sys.argv[1]), 1.0):
    work()
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_process_that_dies_leaves_its_last_words(ending: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = PROGRAM.format(ending=ENDINGS[ending])
    ended = subprocess.run([sys.executable, "-c", program, str(mark)], timeout=60, check=False)
    assert ended.returncode != 0
    words = Attempt(mark, 1.0).last_words()
    assert words is not None
    assert words.startswith(TIMED_OUT) == (ending != "crash")
    where = place_in(words)
    assert where
    assert ("Segmentation fault in string_at" in where) == (ending == "crash")


def test_work_that_ends_leaves_no_mark(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path / "mark", 60.0)
    assert attempt.last_words() is None
    with pytest.raises(ValueError, match="mine"), attempt:
        assert attempt.last_words() == ""
        raise ValueError("mine")
    assert attempt.last_words() is None


def test_nothing_said_is_no_place() -> None:
    assert place_in("") == ""


def test_a_guarded_call_that_died_is_told_at_the_second_try(tmp_path: Path) -> None:
    guard = Guard(tmp_path, 60.0)
    assert guard.call(len, "abc") == 3
    assert list(tmp_path.iterdir()) == []
    guard.mark(len, "abc").write_text("Timeout (0:01:00)!\n")
    with pytest.raises(TimedOutError, match="its time was up"):
        guard.call(len, "abc")
    assert Guard(None, 1.0).call(len, "abc") == 3
