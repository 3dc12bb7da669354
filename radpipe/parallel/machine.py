"""What this machine has, and what of it a command may ask for."""

from __future__ import annotations

import multiprocessing
import os

from radpipe.errors import SettingsError


def default_workers() -> int:
    """Return the number of processor cores that this process may use.

    Returns
    -------
    int
        At least 1.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_here() -> int:
    """Return how much memory this process may use, with a tenth left to the rest.

    Returns
    -------
    int
        Bytes; a container's limit counts.
    """
    from distributed.system import MEMORY_LIMIT

    return int(0.9 * MEMORY_LIMIT)


def bytes_of(text: str) -> int:
    """Read an amount of memory.

    Parameters
    ----------
    text : str
        Such as ``8GB``, ``500 MiB`` or ``0.5TB``.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    SettingsError
        It is none.
    """
    from dask.utils import parse_bytes

    try:
        amount = int(parse_bytes(text))
    except ValueError:
        amount = 0
    if amount <= 0:
        raise SettingsError(
            "no amount of memory", where="--memory", found=text, expected="such as 8GB or 500MiB"
        )
    return amount


def require_workers(workers: int) -> None:
    """Refuse a negative number of workers.

    Parameters
    ----------
    workers : int
        Worker processes.

    Raises
    ------
    SettingsError
        It is negative.
    """
    if workers < 0:
        raise SettingsError(
            "the number of workers is negative",
            where="--workers",
            found=workers,
            expected="0 or more",
            remedy="0 runs in this process, 1 or more in as many worker processes",
        )
    if workers and getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker process that imports a script without a main guard would start workers of its
        # own. It ends without a word: the script's own process tells what to do.
        raise SystemExit(1)
