"""Worker processes on this machine, started when there are items for them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from radpipe.errors import RunError
from radpipe.parallel.outcomes import finished

# A worker is one serial process: threads inside it would fight over the same cores, and sums
# split over a varying number of threads would change the last bits of values.
_SERIAL = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
}
_ALLOWED_FAILURES = 2
_MOST_REPLACED = 10


class LocalWorkers:
    """Worker processes of a Dask cluster on this machine.

    Parameters
    ----------
    client : Client
        Of the cluster.
    count : int
        How many there are.
    """

    def __init__(self, client: Any, count: int) -> None:
        self.client = client
        self._count = count
        self._replaced = 0

    def prepare(self, function: Callable[..., object], items: Sequence[object]) -> None:
        """Do nothing: these processes have this one's packages.

        Parameters
        ----------
        function : callable
            What will be called.
        items : sequence
            With what.
        """

    def slots(self) -> int:
        """Return how many items can be computed at a time.

        Returns
        -------
        int
            At least 1.
        """
        return self._count

    def finished(self, done: Any) -> Iterator[Any]:
        """Give futures as they finish, and see that there is somebody to finish them.

        Parameters
        ----------
        done : as_completed
            The futures.

        Yields
        ------
        (Future, result)
            In the order in which they finish.

        Raises
        ------
        RunError
            No worker stays.
        """
        for each in finished(done, self._replace):
            self._replaced = 0
            yield each

    def _replace(self) -> None:
        """Start workers where a nanny gave up: one does whose process dies as soon as it is up."""
        cluster = self.client.cluster
        given_up = [
            name
            for name, nanny in list(cluster.workers.items())
            if nanny.status.name in ("closed", "failed")
        ]
        if not given_up:
            return
        self._replaced += len(given_up)
        if self._replaced > _MOST_REPLACED * self._count:
            raise RunError(
                "worker processes end as soon as they start",
                found=f"{self._replaced} of them, and nothing done meanwhile",
                expected="memory, disk and processes enough for each",
                remedy="take fewer with --workers, or --workers 0 to see why",
            )
        for name in given_up:
            cluster.workers.pop(name, None)
        cluster.scale(self._count)


@contextmanager
def local_workers(count: int, memory: int | None) -> Iterator[LocalWorkers]:
    """Start worker processes, and end them.

    Parameters
    ----------
    count : int
        How many.
    memory : int or None
        Bytes that each may take; None sets no limit.

    Yields
    ------
    LocalWorkers
        The processes.

    Raises
    ------
    RunError
        None could start.
    """
    import dask
    from distributed import Client

    settings = {
        "distributed.nanny.pre-spawn-environ": _SERIAL,
        # One task a worker at a time: otherwise a killed worker takes queued tasks along.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": _ALLOWED_FAILURES,
        # A nanny is replaced where it gave up, and not where its process is slow to start.
        "distributed.deploy.lost-worker-timeout": "1000 days",
        # A worker is ended where it has all the memory; before, it neither spills nor pauses.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": 1.0,
        # Nobody looks at it, and it takes the interpreter a hundred times a second.
        "distributed.worker.profile.enabled": False,
        # A fold's job carries its table along; Dask warns from 10 MB on.
        "distributed.admin.large-graph-warning-threshold": "1GB",
        "logging.distributed": "critical",
    }
    with dask.config.set(settings):
        cluster = _cluster(count, memory)
        with cluster, Client(cluster) as client:
            client.register_plugin(_leave_interrupts_to_the_parent())
            yield LocalWorkers(client, count)


def _cluster(workers: int, memory: int | None) -> Any:
    from distributed import LocalCluster

    try:
        return LocalCluster(
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


def _leave_interrupts_to_the_parent() -> Any:
    """Make a plugin by which Ctrl-C, sent to the whole terminal, ends the parent alone."""
    from distributed import WorkerPlugin

    class LeaveInterruptsToTheParent(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return LeaveInterruptsToTheParent()
