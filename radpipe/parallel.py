"""Every parallel run: Dask worker processes on this machine, threads, or none at all.

Cases and folds both go through :func:`as_done`; no other module knows Dask. Within a case the
threads of :func:`in_threads` share compiled loops, which run without the GIL.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from radpipe.errors import SettingsError, WorkerDiedError

Item = TypeVar("Item")
Result = TypeVar("Result")

# A worker is one serial process: threads inside it would fight over the same cores, and sums
# split over a varying number of threads would change the last bits of values.
_SERIAL = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
}


def default_workers() -> int:
    """Return the number of processor cores that this process may use.

    Returns
    -------
    int
        At least 1.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def as_done(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
) -> Iterator[tuple[int, Result | Exception]]:
    """Call ``function`` on every item and yield each outcome as it comes.

    Parameters
    ----------
    function : callable
        Picklable; called with one item.
    items : sequence
        What to call it with.
    workers : int
        Worker processes; 0 runs in this process, in order.

    Yields
    ------
    tuple of (int, result or Exception)
        The item's position, and what the function returned or raised. A worker that dies is
        replaced and its item tried again; an item that keeps killing workers yields an
        :class:`~radpipe.errors.WorkerDiedError`.

    Raises
    ------
    SettingsError
        ``workers`` is negative.
    """
    require_workers(workers)
    if workers == 0:
        for position, item in enumerate(items):
            try:
                outcome: Result | Exception = function(item)
            except Exception as error:
                outcome = error
            yield position, outcome
        return
    yield from _on_processes(function, items, min(workers, max(len(items), 1)))


def in_order(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_done: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Call ``function`` on every item; return all results in the items' order.

    Parameters
    ----------
    function : callable
        Picklable; called with one item.
    items : sequence
        What to call it with.
    workers : int
        Worker processes; 0 runs in this process.
    on_done : callable
        Called after each item, for a progress bar.

    Returns
    -------
    list
        One result an item. The first error ends the run and is raised.
    """
    results: dict[int, Result] = {}
    for position, outcome in as_done(function, items, workers):
        if isinstance(outcome, Exception):
            raise outcome
        results[position] = outcome
        on_done()
    return [results[position] for position in range(len(items))]


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


def _on_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result | Exception]]:
    import dask
    from distributed import Client, LocalCluster, as_completed

    settings = {
        "distributed.nanny.pre-spawn-environ": _SERIAL,
        # One task a worker at a time: with the default, a killed worker takes queued tasks along.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": 2,
        # A fold's job carries its table along; Dask warns from 10 MB on.
        "distributed.admin.large-graph-warning-threshold": "1GB",
        "logging.distributed": "critical",
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            # Any free port: two runs at once would fight over the usual one.
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(_leave_interrupts_to_the_parent())
        futures = {
            client.submit(function, item, key=f"item-{position}", pure=False): position
            for position, item in enumerate(items)
        }
        for future in as_completed(list(futures)):
            position = futures.pop(future)
            yield position, _outcome(future)
            future.release()


def _leave_interrupts_to_the_parent() -> Any:
    """Make a plugin by which Ctrl-C, sent to the whole terminal, ends the parent alone."""
    from distributed import WorkerPlugin

    class LeaveInterruptsToTheParent(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return LeaveInterruptsToTheParent()


def _outcome(future: Any) -> Any:
    from distributed import KilledWorker

    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        return WorkerDiedError(
            "the worker process died each time this item ran",
            found=str(error).split(".")[0],
            remedy="run it alone with --workers 0 to see why; out of memory is the usual cause",
        )
    return error
