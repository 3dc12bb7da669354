"""Workers of a running Dask scheduler: others start them, and they may come and go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from radpipe.errors import RunError
from radpipe.parallel.outcomes import NAP_S, finished

log = logging.getLogger("radpipe")
# How often a scheduler is asked for its workers.
_ASK_S = 2.0


class ClusterWorkers:
    """Worker processes of a scheduler, wherever they are.

    Parameters
    ----------
    client : Client
        Of the scheduler.
    scheduler : str
        Its address.
    """

    def __init__(self, client: Any, scheduler: str) -> None:
        self.client = client
        self._scheduler = scheduler
        self._asked = 0.0
        self._workers: int | None = None

    def prepare(self, function: Callable[..., object], items: Sequence[object]) -> None:
        """Wait for the first worker, and refuse workers that cannot take up the work.

        Parameters
        ----------
        function : callable
            What will be called.
        items : sequence
            With what; at least one.

        Raises
        ------
        RunError
            A worker has several threads, or cannot unpickle the call.
        """
        while self.slots() == 0:
            time.sleep(NAP_S)
        self._require_packages((function, items[0]))

    def slots(self) -> int:
        """Return how many items can be computed at a time.

        Returns
        -------
        int
            As of some seconds ago; 0 while there are no workers, which is told once.

        Raises
        ------
        RunError
            A worker has several threads.
        """
        if self._workers is None or time.monotonic() - self._asked > _ASK_S:
            threads = self.client.nthreads()
            self._require_one_thread(threads)
            if not threads and self._workers != 0:
                since = "yet" if self._workers is None else "left"
                log.warning(
                    "the scheduler at %s has no workers %s: waiting", self._scheduler, since
                )
            self._workers = len(threads)
            self._asked = time.monotonic()
        return self._workers

    def finished(self, done: Any) -> Iterator[Any]:
        """Give futures as they finish, and tell if there is nobody left to finish them.

        Parameters
        ----------
        done : as_completed
            The futures.

        Returns
        -------
        iterator of (Future, result)
            In the order in which they finish.

        Raises
        ------
        RunError
            A worker that came later has several threads.
        """
        return finished(done, self.slots)

    def _require_one_thread(self, threads: Mapping[str, int]) -> None:
        # The clock of a case's time-out is one a process.
        several = [f"{number} at {worker}" for worker, number in threads.items() if number > 1]
        if several:
            raise RunError(
                "the scheduler's workers have several threads",
                where=self._scheduler,
                found=several[0],
                expected="--nthreads 1",
                remedy="start workers with `dask worker --nthreads 1`: docs/clusters.md",
            )

    def _require_packages(self, call: object) -> None:
        """Let everyone unpickle a call: a worker that cannot ends without a word, and the next."""
        from distributed.protocol.pickle import dumps, loads

        pickled = dumps(call)
        answers = {"the scheduler": _answer(self.client.run_on_scheduler, loads, pickled)}
        answers |= self.client.run(loads, pickled, on_error="return")
        for who, answer in answers.items():
            # An OSError is Dask's own: that worker is gone, and others have its items.
            if isinstance(answer, Exception) and not isinstance(answer, OSError):
                raise RunError(
                    "a worker cannot take up the work",
                    where=self._scheduler,
                    found=f"{who}: {type(answer).__name__}: {answer}",
                    remedy="install the same radpipe and Python on every host",
                )


def _answer(ask: Callable[..., object], *arguments: object) -> object:
    try:
        return ask(*arguments)
    except Exception as error:
        return error


@contextmanager
def cluster_workers(scheduler: str) -> Iterator[ClusterWorkers]:
    """Connect with a running scheduler.

    Parameters
    ----------
    scheduler : str
        Its address.

    Yields
    ------
    ClusterWorkers
        Its workers.

    Raises
    ------
    RunError
        It cannot be reached.
    """
    from distributed import Client
    from distributed.utils import silence_logging_cmgr

    _require_certificates(scheduler)
    try:
        if "://" not in scheduler:
            raise ValueError("no address")
        client = Client(scheduler, set_as_default=False)
    # Dask's RuntimeError: its settings ask for encryption, and the address for none.
    except (OSError, ValueError, RuntimeError) as error:
        raise RunError(
            "cannot reach the Dask scheduler",
            where=scheduler,
            found=str(error).splitlines()[0],
            expected="the address of a running scheduler, such as tcp://host:8786 or tls://host:8786",
            remedy="start one with `dask scheduler`, or use --workers",
        ) from error
    # A scheduler that goes is told in one sentence, not by Dask's tracebacks.
    with silence_logging_cmgr(logging.CRITICAL), client:
        yield ClusterWorkers(client, scheduler)


def _require_certificates(scheduler: str) -> None:
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    if scheduler.startswith("tls://") and arguments.get("ssl_context") is None:
        raise RunError(
            "no certificates for the Dask scheduler",
            where=scheduler,
            expected="distributed.comm.tls in Dask's settings",
            remedy="name them there; docs/clusters.md shows how",
        )
