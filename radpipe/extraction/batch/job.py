"""What a worker does for one case: everything that can go wrong ends in a row of failures."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from radpipe.cohort import Case
from radpipe.errors import (
    ExtractionError,
    ImageError,
    RadpipeError,
    UnreadableImageError,
    WorkerDiedError,
)
from radpipe.extraction.case import LoadedCase, draw_overlay, load_case, row_of
from radpipe.extraction.io import labels_in
from radpipe.extraction.settings import ExtractionSettings
from radpipe.store import Failure, Run
from radpipe.store.files import sha256_of

log = logging.getLogger("radpipe")
_STAGES: dict[type[Exception], str] = {
    UnreadableImageError: "read",
    ImageError: "check",
    WorkerDiedError: "worker",
}


@dataclass(frozen=True)
class Job:
    """One case to be computed.

    Attributes
    ----------
    place : int
        Its place among the run's cases, a mask of several labels counting as several.
    case : Case
        The case.
    settings : ExtractionSettings
        Settings.
    engine : str
        Name of the engine.
    run : Run
        Where the outcome goes.
    """

    place: int
    case: Case
    settings: ExtractionSettings
    engine: str
    run: Run


def run_job(job: Job) -> bool:
    """Compute one case and keep its outcome.

    Parameters
    ----------
    job : Job
        The case.

    Returns
    -------
    bool
        Whether it gave a row.
    """
    started = time.perf_counter()
    try:
        loaded = load_case(job.case, job.settings)
        row = row_of(loaded, job.settings, job.engine)
    except Exception as error:
        job.run.put(job.place, failure_of(job.case, error))
        return False
    seconds = time.perf_counter() - started
    job.run.put(job.place, replace(row, inputs=_inputs_of(job.case), seconds=seconds))
    _draw(loaded, job)
    return True


def labels_of(case: Case) -> list[int]:
    """List the labels of a case's mask.

    Parameters
    ----------
    case : Case
        A case whose label is ``all``.

    Returns
    -------
    list of int
        Ascending, without 0; at least one.

    Raises
    ------
    ImageError
        The mask cannot be read, or is empty.
    """
    # An empty mask is checked, and refused, like any other.
    return labels_in(case.mask, case.label_channel or 0) or [1]


def failure_of(case: Case, error: Exception) -> Failure:
    """Describe what became of a case that failed.

    Parameters
    ----------
    case : Case
        The case.
    error : Exception
        What was raised.

    Returns
    -------
    Failure
        A row of ``failures.parquet``.
    """
    stage = next((name for kind, name in _STAGES.items() if isinstance(error, kind)), "extract")
    if not isinstance(error, RadpipeError):
        error = ExtractionError(
            "an unexpected error", found=f"{type(error).__name__}: {error}".strip()
        )
    where = f"case {case.case_id}"
    if str(case.image) not in str(error) and str(case.mask) not in str(error):
        where += f" (image {case.image}, mask {case.mask})"
    return Failure(
        keys=case.keys(),
        stage=stage,
        error=type(error).__name__,
        message=f"{where}: {error}",
        remedy=error.remedy or "",
        inputs=_inputs_of(case),
    )


def _inputs_of(case: Case) -> dict[str, Any]:
    inputs: dict[str, Any] = {"label_channel": case.label_channel or 0}
    for name, path in (("image", case.image), ("mask", case.mask)):
        inputs[name] = str(path.absolute())
        # A file that cannot be read has no hash; that it cannot is the failure's own message.
        with suppress(OSError):
            inputs[f"{name}_sha256"] = sha256_of(path)
    return inputs


def _draw(loaded: LoadedCase, job: Job) -> None:
    try:
        draw_overlay(loaded.image, loaded.mask, loaded.label, job.run.picture_path(job.place))
    except Exception as error:
        # The row is what counts: a picture that fails must not take it along.
        log.warning("case %s: no overlay picture: %s", job.case.case_id, error)
