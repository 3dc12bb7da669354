"""Every parallel run: Dask worker processes on this machine, threads, or none at all.

Cases and folds both go through a :class:`Pool`; no other module knows Dask. Within a case the
threads of :func:`in_threads` share compiled loops, which run without the GIL.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from uuid import uuid4

from radpipe.errors import RunError, SettingsError, WorkerDiedError

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
# How often a cluster is asked how many workers it has.
_ASK_S = 2.0
_ALLOWED_FAILURES = 2


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


class Pool:
    """Where items are computed: worker processes here, a cluster, or this process.

    A context manager. Processes start when they are first needed, and end with the context.

    Parameters
    ----------
    workers : int
        Worker processes on this machine; 0 computes in this process.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers compute in place of them.
    memory : int, optional
        Bytes that the items being computed on this machine may take together, and any one of them
        alone; without a limit if not given.

    Raises
    ------
    SettingsError
        ``workers`` is negative.
    """

    def __init__(
        self, workers: int, scheduler: str | None = None, memory: int | None = None
    ) -> None:
        require_workers(workers)
        self.workers = workers
        self.scheduler = scheduler
        self.memory = memory
        self._open = ExitStack()
        self._client: Any = None
        self._slots = (0.0, workers)

    def __enter__(self) -> Pool:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker processes."""
        self._open.close()

    @property
    def in_process(self) -> bool:
        """Whether items are computed in this process."""
        return self.workers == 0 and self.scheduler is None

    def as_done(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        sizes: Sequence[int] | None = None,
    ) -> Iterator[tuple[int, Result | Exception]]:
        """Call ``function`` on every item and yield each outcome as it comes.

        Parameters
        ----------
        function : callable
            Picklable; called with one item.
        items : sequence
            What to call it with.
        sizes : sequence of int, optional
            Bytes of memory that each item is expected to take: the largest come first, and only
            as many at a time as fit into the pool's memory.

        Yields
        ------
        tuple of (int, result or Exception)
            The item's position, and what the function returned or raised. A worker that dies is
            replaced and its item tried again; an item that keeps killing workers yields a
            :class:`~radpipe.errors.WorkerDiedError`.

        Raises
        ------
        RunError
            The scheduler cannot be reached, or is gone.
        """
        if self.in_process:
            for position, item in enumerate(items):
                try:
                    outcome: Result | Exception = function(item)
                except Exception as error:
                    outcome = error
                yield position, outcome
        elif items:
            yield from self._on_workers(function, items, sizes)

    def _on_workers(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        sizes: Sequence[int] | None,
    ) -> Iterator[tuple[int, Result | Exception]]:
        from distributed import as_completed

        waiting = _Waiting(sizes or [0] * len(items), self.memory if self._is_local else None)
        client = self._started(len(items))
        batch = uuid4().hex
        places: dict[Any, int] = {}

        def submitted() -> Iterator[Any]:
            while (place := waiting.next(len(places), self._room())) is not None:
                future = client.submit(function, items[place], key=f"{batch}-{place}", pure=False)
                places[future] = place
                yield future

        with _scheduler_answers(self.scheduler):
            # With results: fetching each by itself would wait for the slowest host's answer.
            done = as_completed(
                list(submitted()), loop=client.loop, with_results=True, raise_errors=False
            )
            for future, result in done:
                place = places.pop(future)
                waiting.free(place)
                outcome = _outcome(future, result)
                future.release()
                for each in submitted():
                    done.add(each)
                yield place, outcome

    @property
    def _is_local(self) -> bool:
        return self.scheduler is None

    def _room(self) -> int:
        """Say how many items may be under way: a few wait for each worker, so that none is idle."""
        asked, workers = self._slots
        if not self._is_local and time.monotonic() - asked > _ASK_S:
            workers = sum(self._client.nthreads().values())
            self._slots = (time.monotonic(), workers)
        return 3 * workers + 2

    def _started(self, items: int) -> Any:
        if self._client is None:
            self._client = self._open.enter_context(
                _local_client(min(self.workers, items), self.memory)
                if self.scheduler is None
                else _client_of(self.scheduler)
            )
        return self._client


class _Waiting:
    """Items not yet under way; gives the largest that fits beside those that are."""

    def __init__(self, sizes: Sequence[int], memory: int | None) -> None:
        self._sizes = sizes
        self._free = float("inf") if memory is None else float(memory)
        # Ascending, and the first of equals last, where it is taken first.
        self._places = sorted(range(len(sizes)), key=lambda place: (sizes[place], -place))

    def next(self, under_way: int, room: int) -> int | None:
        if not self._places or under_way >= room:
            return None
        fitting = bisect_right(self._places, self._free, key=lambda place: self._sizes[place])
        if fitting == 0:
            if under_way:
                return None
            # It is more than the whole memory: alone, or never.
            fitting = 1
        place = self._places.pop(fitting - 1)
        self._free -= self._sizes[place]
        return place

    def free(self, place: int) -> None:
        self._free += self._sizes[place]


def as_done(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result | Exception]]:
    """Call ``function`` on every item, in a pool of its own.

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
        See :meth:`Pool.as_done`.

    Raises
    ------
    SettingsError
        ``workers`` is negative.
    """
    with Pool(min(workers, max(len(items), 1))) as pool:
        yield from pool.as_done(function, items)


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


@contextmanager
def _local_client(workers: int, memory: int | None) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.nanny.pre-spawn-environ": _SERIAL,
        # One task a worker at a time: with the default, a killed worker takes queued tasks along.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": _ALLOWED_FAILURES,
        # A worker is ended where it has all the memory; before, it neither spills nor pauses.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": 1.0,
        # A fold's job carries its table along; Dask warns from 10 MB on.
        "distributed.admin.large-graph-warning-threshold": "1GB",
        "logging.distributed": "critical",
    }
    with dask.config.set(settings):
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                # Any free port: two runs at once would fight over the usual one.
                dashboard_address="127.0.0.1:0",
                memory_limit=memory or 0,
                silence_logs=50,
            )
        except (RuntimeError, OSError) as error:
            raise RunError(
                "no worker process could start",
                found=error,
                remedy="a script that asks for workers must start its work under "
                '`if __name__ == "__main__":`',
            ) from None
        with cluster, Client(cluster) as client:
            client.register_plugin(_leave_interrupts_to_the_parent())
            yield client


@contextmanager
def _client_of(scheduler: str) -> Iterator[Any]:
    from distributed import Client
    from distributed.security import Security
    from distributed.utils import silence_logging_cmgr

    arguments = Security().get_connection_args("client")
    if scheduler.startswith("tls://") and arguments.get("ssl_context") is None:
        raise RunError(
            "no certificates for the Dask scheduler",
            where=scheduler,
            expected="distributed.comm.tls in Dask's settings",
            remedy="name them there; docs/clusters.md shows how",
        )
    try:
        client = Client(scheduler, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            "cannot reach the Dask scheduler",
            where=scheduler,
            found=str(error).splitlines()[0],
            expected="the address of a running scheduler, such as tcp://host:8786",
            remedy="start one with `dask scheduler`, or use --workers",
        ) from error
    # A scheduler that goes is told in one sentence, not by Dask's tracebacks.
    with silence_logging_cmgr(logging.CRITICAL), client:
        yield client


@contextmanager
def _scheduler_answers(scheduler: str | None) -> Iterator[None]:
    from distributed import CancelledError
    from distributed.comm import CommClosedError

    try:
        yield
    except (CancelledError, CommClosedError, TimeoutError) as error:
        raise RunError(
            "the Dask scheduler is gone",
            where=scheduler,
            found=type(error).__name__,
            remedy="start it again, then give the same command again: finished cases are kept",
        ) from error


def _leave_interrupts_to_the_parent() -> Any:
    """Make a plugin by which Ctrl-C, sent to the whole terminal, ends the parent alone."""
    from distributed import WorkerPlugin

    class LeaveInterruptsToTheParent(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return LeaveInterruptsToTheParent()


def _outcome(future: Any, result: Any) -> Any:
    from distributed import CancelledError, KilledWorker

    if isinstance(result, CancelledError):
        raise result
    if future.status != "error":
        return result
    _, error, _ = result
    if isinstance(error, KilledWorker):
        return WorkerDiedError(
            "the worker process died each time this item ran",
            found=str(error).split(".")[0],
            remedy="run it alone with --workers 0 to see why; out of memory is the usual cause",
        )
    return error
