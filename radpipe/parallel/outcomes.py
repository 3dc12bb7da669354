"""What became of an item, in radpipe's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from radpipe.errors import RunError, WorkerDiedError

NAP_S = 0.05


def finished(done: Any, meanwhile: Callable[[], object]) -> Iterator[Any]:
    """Give futures as they finish.

    Parameters
    ----------
    done : as_completed
        The futures.
    meanwhile : callable
        Called again and again while none is finished.

    Yields
    ------
    (Future, result)
        In the order in which they finish.
    """
    while not done.is_empty():
        if done.has_ready():
            yield next(done)
            continue
        meanwhile()
        with done.thread_condition:
            if not done.has_ready():
                done.thread_condition.wait(NAP_S)


def outcome_of(future: Any, result: Any) -> Any:
    """Tell what an item's function returned or raised.

    Parameters
    ----------
    future : Future
        Finished.
    result : object
        What Dask fetched of it.

    Returns
    -------
    object
        The function's result, or the exception it raised; a WorkerDiedError where the item
        kept killing workers.

    Raises
    ------
    CancelledError
        The scheduler is gone; see :func:`scheduler_answers`.
    """
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


@contextmanager
def scheduler_answers(scheduler: str | None) -> Iterator[None]:
    """Tell of a scheduler that is gone in one sentence.

    Parameters
    ----------
    scheduler : str or None
        Its address.

    Yields
    ------
    None
        To Dask's calls.

    Raises
    ------
    RunError
        It is gone.
    """
    from distributed import CancelledError

    try:
        yield
    # Dask's CommClosedError is an OSError, and so is a connection that nobody takes.
    except (CancelledError, OSError) as error:
        raise RunError(
            "the Dask scheduler is gone",
            where=scheduler,
            found=type(error).__name__,
            remedy="start it again, then give the same command again: finished cases are kept",
        ) from error
