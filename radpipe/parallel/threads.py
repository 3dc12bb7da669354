"""Threads of one process, for compiled loops and for files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from radpipe.errors import SettingsError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Call ``function`` on every item; yield all results in the items' order.

    Parameters
    ----------
    function : callable
        Called with one item.
    items : iterable
        Asked for the next item only when there is room: at most one item more than threads is in
        memory.
    threads : int
        Threads; with 1 there is none but the caller's.

    Yields
    ------
    result
        What the function returned. The first error ends the run and is raised.

    Raises
    ------
    SettingsError
        The number of threads is none.
    """
    if not isinstance(threads, int) or threads < 1:
        raise SettingsError(
            "no number of threads", where="threads", found=threads, expected="1 or more"
        )
    if threads < 2:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        for each in waiting:
            yield each.result()


def one_blas_thread() -> Any:
    """Keep linear algebra on one thread: more would change the last bits, and slow small matrices.

    Returns
    -------
    context manager
        Ends with the limit.
    """
    return _thread_pools().limit(limits=1, user_api="blas")


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()
