"""One command at a time writes to a run directory."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from radpipe.errors import RunError
from radpipe.store.files import read_json, write_json
from radpipe.store.rows import writing_to

LOCK, HOLDER = "lock", "holder.json"
_PATIENCE_S = 1.0


@contextmanager
def sole_writer(run: Path) -> Iterator[None]:
    """Hold a run directory.

    The lock is the operating system's and ends with the process, however it ends.

    Parameters
    ----------
    run : Path
        An existing directory.

    Yields
    ------
    None
        To write in.

    Raises
    ------
    RunError
        Another process holds it.
    """
    lock = FileLock(run / LOCK)
    with writing_to(run):
        try:
            # Not at once: `radpipe status` holds it for an instant, to see whether anyone does.
            lock.acquire(timeout=_PATIENCE_S)
        except Timeout:
            raise RunError(
                "another command is writing to this run directory",
                where=str(run),
                found=holder_of(run),
                remedy="let it end, or end it; `radpipe status` shows how far it is",
            ) from None
    try:
        with writing_to(run):
            write_json(run / HOLDER, _this_process())
        yield
    finally:
        (run / HOLDER).unlink(missing_ok=True)
        lock.release()


def is_held(run: Path) -> bool:
    """Tell whether a command is writing to a run directory.

    Parameters
    ----------
    run : Path
        The directory.

    Returns
    -------
    bool
        Whether its lock is held, as far as this host can tell.
    """
    if not (run / LOCK).exists():
        return False
    lock = FileLock(run / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:
        return (run / HOLDER).exists()
    lock.release()
    return False


def holder_of(run: Path) -> str:
    """Tell who writes to a run directory.

    Parameters
    ----------
    run : Path
        The directory.

    Returns
    -------
    str
        Process, host, user and since when.
    """
    try:
        told = read_json(run / HOLDER)
    except (OSError, ValueError):
        return "a process that has not given its name"
    return "process {pid} on {host}, user {user}, since {since}".format(**told)


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": _user(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number without a name.
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
