"""One command at a time writes to a run directory."""

from __future__ import annotations

import errno
import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from radpipe.errors import RunError
from radpipe.store.files import read_json, write_json
from radpipe.store.rows import writing_to

LOCK, MARKER, HOLDER = "lock", "lock.marker", "holder.json"
_PATIENCE_S = 1.0
# What a file system says that knows no locks, such as Lustre and NFS as some mount them.
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}


@contextmanager
def sole_writer(run: Path) -> Iterator[None]:
    """Hold a run directory.

    The lock is the operating system's and ends with the process, however it ends. Where there are
    none, a marker stands in its place: one that a killed process leaves ends with the next
    command on the same host, but on another host someone must remove it.

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
    with writing_to(run):
        lock = _acquired(run)
    try:
        with writing_to(run):
            write_json(run / HOLDER, _this_process())
        yield
    finally:
        (run / HOLDER).unlink(missing_ok=True)
        lock.release()


def _acquired(run: Path) -> BaseFileLock:
    """Hold the lock, or the marker where there are no locks."""
    lock, marker = _locks(run)
    try:
        return _tried(lock, run)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return _tried(marker, run)


def _tried(lock: BaseFileLock, run: Path) -> BaseFileLock:
    try:
        # Not at once: `radpipe status` holds it for an instant, to see whether anyone does.
        lock.acquire(timeout=_PATIENCE_S)
    except Timeout:
        raise _refusal(run, isinstance(lock, SoftFileLock)) from None
    return lock


def _locks(run: Path) -> tuple[BaseFileLock, BaseFileLock]:
    return FileLock(run / LOCK, fallback_to_soft=False), SoftFileLock(run / MARKER)


def _refusal(run: Path, marked: bool) -> RunError:
    remedy = "let it end, or end it; `radpipe status` shows how far it is"
    if marked:
        remedy += (
            "; this file system knows no locks: if that process is no longer there, "
            f"remove {run / MARKER}"
        )
    return RunError(
        "another command is writing to this run directory",
        where=str(run),
        found=holder_of(run),
        expected="one command at a time",
        remedy=remedy,
    )


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
    return any(_is_taken(lock, run) for lock in _locks(run) if Path(lock.lock_file).exists())


def _is_taken(lock: BaseFileLock, run: Path) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError as error:
        # Someone who may only read cannot ask the lock.
        return error.errno not in _NO_LOCKS and (run / HOLDER).exists()
    lock.release()
    return False


def host_elsewhere(run: Path) -> str:
    """Tell on which other host a command has said that it writes: its lock may not show here.

    Parameters
    ----------
    run : Path
        The directory.

    Returns
    -------
    str
        The host; empty if it is this one, or nobody said so.
    """
    try:
        host = str(read_json(run / HOLDER)["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return "" if host == socket.gethostname() else host


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
