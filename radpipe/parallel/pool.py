"""Items and a function, wherever they are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar
from uuid import uuid4

from radpipe.errors import raise_if_interrupted
from radpipe.parallel.admission import Waiting
from radpipe.parallel.cluster import ClusterWorkers, cluster_workers
from radpipe.parallel.local import LocalWorkers, local_workers
from radpipe.parallel.machine import require_workers
from radpipe.parallel.outcomes import outcome_of, scheduler_answers

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        self._workers: LocalWorkers | ClusterWorkers | None = None

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
            The scheduler cannot be reached, or is gone; its workers cannot take up the work, or
            have several threads each.
        """
        if self.in_process:
            for position, item in enumerate(items):
                try:
                    outcome: Result | Exception = function(item)
                except Exception as error:
                    raise_if_interrupted(error)
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

        is_local = self.scheduler is None
        waiting = Waiting(sizes or [0] * len(items), self.memory if is_local else None)
        batch = uuid4().hex
        places: dict[Any, int] = {}

        def submitted() -> Iterator[Any]:
            # A few wait for each worker, so that none is idle.
            while (place := waiting.next(len(places), 3 * workers.slots() + 2)) is not None:
                future = client.submit(function, items[place], key=f"{batch}-{place}", pure=False)
                places[future] = place
                yield future

        with scheduler_answers(self.scheduler):
            workers = self._started()
            client = workers.client
            workers.prepare(function, items)
            # With results: fetching each by itself would wait for the slowest host's answer.
            done = as_completed(
                list(submitted()), loop=client.loop, with_results=True, raise_errors=False
            )
            for future, result in workers.finished(done):
                place = places.pop(future)
                waiting.free(place)
                outcome = outcome_of(future, result)
                future.release()
                for each in submitted():
                    done.add(each)
                yield place, outcome

    def _started(self) -> LocalWorkers | ClusterWorkers:
        if self._workers is None:
            enter = self._open.enter_context
            if self.scheduler is None:
                self._workers = enter(local_workers(self.workers, self.memory))
            else:
                self._workers = enter(cluster_workers(self.scheduler))
        return self._workers


def as_done(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    scheduler: str | None = None,
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
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers compute in place of them.

    Yields
    ------
    tuple of (int, result or Exception)
        See :meth:`Pool.as_done`.

    Raises
    ------
    SettingsError
        ``workers`` is negative.
    """
    with Pool(min(workers, max(len(items), 1)), scheduler) as pool:
        yield from pool.as_done(function, items)


def in_order(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_done: Callable[[], None] = lambda: None,
    scheduler: str | None = None,
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
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers compute in place of them.

    Returns
    -------
    list
        One result an item. The first error ends the run and is raised.
    """
    results: dict[int, Result] = {}
    for position, outcome in as_done(function, items, workers, scheduler):
        if isinstance(outcome, Exception):
            raise outcome
        results[position] = outcome
        on_done()
    return [results[position] for position in range(len(items))]
