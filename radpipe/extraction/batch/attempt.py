"""A mark that a worker leaves while it works: found again, the one who left it has died.

The mark is also where the interpreter writes its last words. Both a crash and the end of a case's
time are handled in C by :mod:`faulthandler`, so that they need neither a living interpreter nor
its lock, which a loop in C may hold for ever.
"""

from __future__ import annotations

import faulthandler
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from radpipe.errors import TimedOutError, WorkerDiedError
from radpipe.store.rows import writing_to

Item = TypeVar("Item")
Result = TypeVar("Result")
TIMED_OUT = "Timeout"
_FATAL = "Fatal Python error: "


class Attempt:
    """A context manager that marks work under way, and ends the process when it takes too long.

    Parameters
    ----------
    path : Path
        The mark.
    timeout_s : float
        Seconds that a case may take.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._file: IO[str] | None = None

    def last_words(self) -> str | None:
        """Tell what an earlier attempt left.

        Returns
        -------
        str or None
            What the interpreter said before it died, empty if nothing; None without a mark.
        """
        try:
            return self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def __enter__(self) -> Attempt:
        """Set the mark, and start the clock."""
        with writing_to(self._path):
            self._file = self._path.open("w", encoding="utf-8")
        faulthandler.enable(file=self._file)
        self.restart_clock()
        return self

    def restart_clock(self) -> None:
        """Give the next case its own time."""
        if self._file is not None:
            faulthandler.dump_traceback_later(self._timeout_s, exit=True, file=self._file)

    def __exit__(self, *_: object) -> None:
        """Remove the mark: whatever happened, the process lives."""
        faulthandler.cancel_dump_traceback_later()
        faulthandler.disable()
        if self._file is not None:
            self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Guard:
    """Lets a call die once, and answers the second time.

    Attributes
    ----------
    folder : Path or None
        Where marks are left; None calls without any.
    timeout_s : float
        Seconds that a call may take.
    """

    folder: Path | None
    timeout_s: float

    def call(self, function: Callable[[Item], Result], item: Item) -> Result:
        """Call a function in a worker.

        Parameters
        ----------
        function : callable
            Called with the item.
        item : object
            Its text names the mark.

        Returns
        -------
        object
            What the function returned.

        Raises
        ------
        WorkerDiedError
            The first call died, or was ended when its time was up.
        """
        if self.folder is None:
            return function(item)
        attempt = Attempt(self.mark(function, item), self.timeout_s)
        words = attempt.last_words()
        if words is None:
            with attempt:
                return function(item)
        kind = TimedOutError if words.startswith(TIMED_OUT) else WorkerDiedError
        raise kind(
            "the worker process died, or was ended when its time was up, while it read a file",
            found=place_in(words) or "no last words",
            remedy="look at the files of the case, or allow more with --timeout",
        )

    def mark(self, function: Callable[[Item], Result], item: Item) -> Path:
        """Name the mark of a call.

        Parameters
        ----------
        function : callable
            What is called.
        item : object
            With what.

        Returns
        -------
        Path
            A file of the folder.
        """
        what = getattr(function, "func", function).__name__
        name = hashlib.sha256(f"{what} {item}".encode()).hexdigest()[:16]
        return (self.folder or Path()) / name


def place_in(words: str) -> str:
    """Find in last words where a case stood.

    Parameters
    ----------
    words : str
        Tracebacks of all threads, each with its most recent call first.

    Returns
    -------
    str
        Such as ``Segmentation fault in execute, line 12 of fast.py``; may be empty.
    """
    what = words.partition(_FATAL)[2].splitlines()[:1]
    threads = [block for block in words.split("\n\n") if "File " in block]
    # The thread that works is the one that came through this room.
    ours = next((block for block in threads if "batch" in block), "")
    calls = [line for line in ours.splitlines() if line.lstrip().startswith("File ")]
    if calls:
        file, line, function = calls[0].split(",", 1)[0], *_line_and_function(calls[0])
        what.append(f"in {function}, line {line} of {Path(file.split(chr(34))[1]).name}")
    return " ".join(what)


def _line_and_function(call: str) -> tuple[str, str]:
    _, _, rest = call.partition(", line ")
    line, _, function = rest.partition(" in ")
    return line, function
