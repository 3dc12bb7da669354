"""What a worker does: everything that can go wrong with a case ends in a failure of that case."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from radpipe.cohort import Case
from radpipe.errors import (
    ExtractionError,
    ImageError,
    RadpipeError,
    RunError,
    UnreadableImageError,
    WorkerDiedError,
    raise_if_interrupted,
)
from radpipe.extraction.batch.attempt import Attempt
from radpipe.extraction.batch.plan import Job, Plan, Unit, paths_of
from radpipe.extraction.case import LoadedCase, load_case
from radpipe.extraction.io import labels_in
from radpipe.extraction.picture import draw_overlay
from radpipe.extraction.shared import Shared
from radpipe.store import Failure, InputFile, Row
from radpipe.store.files import whole_file
from radpipe.store.patches import StoredPatch
from radpipe.version import VERSION

log = logging.getLogger("radpipe")
_STAGES: dict[type[Exception], str] = {
    UnreadableImageError: "read",
    ImageError: "check",
    WorkerDiedError: "worker",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one unit; its row or failure is on disk already.

    Attributes
    ----------
    unit : Unit
        The unit.
    key : str
        Its row key.
    files : dict of str to InputFile
        Its image and mask by path, as far as they could be read.
    failure : Failure or None
        None where there is a row.
    seconds : float
        Wall time.
    """

    unit: Unit
    key: str
    files: dict[str, InputFile]
    failure: Failure | None
    seconds: float


@dataclass(frozen=True)
class Suspect:
    """A unit that is to be tried once more, alone.

    Attributes
    ----------
    unit : Unit
        The unit.
    why : str
        What is known of the first attempt.
    """

    unit: Unit
    why: str


def run_job(plan: Plan, job: Job) -> list[Outcome | Suspect]:
    """Compute the units of one image, and keep each outcome when it is there.

    Parameters
    ----------
    plan : Plan
        What all jobs have in common.
    job : Job
        The units.

    Returns
    -------
    list of Outcome or Suspect
        One a unit. If an earlier attempt at this job died, what it had not finished is suspect.

    Raises
    ------
    RunError
        The run directory cannot be written to, or this host has another radpipe.
    """
    _require_version(plan.version)
    if not plan.watched:
        return _run_units(plan, job, None)
    attempt = Attempt(plan.attempts_path / job.name, plan.timeout_s)
    words = attempt.last_words()
    if words is not None:
        return _sorted_out(plan, job, words)
    with attempt:
        return _run_units(plan, job, attempt)


def _sorted_out(plan: Plan, job: Job, words: str) -> list[Outcome | Suspect]:
    """Tell the units that an attempt had finished before it died from those that it had not."""
    files: dict[str, InputFile] = {}
    found: list[Outcome | Suspect] = []
    for unit in job.units:
        with suppress(ImageError):
            _hash(unit.case, files)
        target, ours = plan.targets[unit.target], _files_of(unit.case, files)
        key = target.key_of(unit.case, ours)
        if target.has(key):
            found.append(Outcome(unit, key, ours, None, 0.0))
        else:
            found.append(Suspect(unit, words))
    return found


def _run_units(plan: Plan, job: Job, attempt: Attempt | None) -> list[Outcome | Suspect]:
    files: dict[str, InputFile] = {}
    rois = {(unit.case.mask, unit.case.label_channel, unit.case.label) for unit in job.units}
    shared = Shared(len(rois), len({unit.target for unit in job.units}))
    pictures: dict[int, Path] = {}
    outcomes: list[Outcome | Suspect] = []
    for unit in job.units:
        if attempt is not None:
            attempt.restart_clock()
        outcomes.append(_run_unit(plan, unit, files, shared, pictures))
    return outcomes


def _run_unit(
    plan: Plan,
    unit: Unit,
    files: dict[str, InputFile],
    shared: Shared,
    pictures: dict[int, Path],
) -> Outcome | Suspect:
    started = time.perf_counter()
    target, case = plan.targets[unit.target], unit.case
    error: Exception | None = None
    row: Row | None = None
    patch: StoredPatch | None = None
    try:
        _hash(case, files)
        # An earlier attempt may have come as far as this row.
        if not target.has(target.key_of(case, files)):
            loaded = load_case(case, target.recipe.settings, shared, target.recipe.control)
            row, patch = target.recipe.made(loaded)
            for path in paths_of(case).values():
                files[path].require_unchanged()
    except MemoryError:
        return Suspect(unit, "out of memory")
    except Exception as caught:
        raise_if_interrupted(caught)
        error = caught
    seconds = time.perf_counter() - started
    ours = _files_of(case, files)
    key = target.key_of(case, ours)
    failure = None if error is None else failure_of(error, ours)
    if failure is not None:
        target.run.rows.put(key, failure)
    elif row is not None:
        # The row last: a case that has it is done, and nothing of it made again.
        if patch is not None:
            target.run.patches.put(key, patch)
        _draw(loaded, unit, target.run.picture_path(key), pictures)
        target.run.rows.put(key, replace(row, inputs=tuple(ours.values()), seconds=seconds))
    return Outcome(unit, key, ours, failure, seconds)


def _files_of(case: Case, files: dict[str, InputFile]) -> dict[str, InputFile]:
    return {path: files[path] for path in paths_of(case).values() if path in files}


def _hash(case: Case, files: dict[str, InputFile]) -> None:
    for path in (case.image, case.mask):
        # What is not there is told by whoever reads it.
        if str(path.absolute()) not in files and path.is_file():
            files[str(path.absolute())] = hash_of(path)


def hash_of(path: Path) -> InputFile:
    """Hash a file of a case.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    InputFile
        Its state.

    Raises
    ------
    ImageError
        It cannot be read, or changed meanwhile.
    """
    try:
        return InputFile.of(path)
    except OSError as error:
        raise UnreadableImageError(
            "the file cannot be read",
            where=str(path),
            found=error.strerror or error,
            remedy="mend its rights, or the disk",
        ) from error


def labels_of(case: Case) -> tuple[list[int], InputFile]:
    """List the labels of a case's mask.

    Parameters
    ----------
    case : Case
        A case whose label is ``all``.

    Returns
    -------
    labels : list of int
        Ascending, without 0; at least one.
    mask : InputFile
        The mask that they were found in.

    Raises
    ------
    ImageError
        The mask cannot be read, or is empty.
    """
    channel = case.label_channel or 0
    if not case.mask.is_file():
        labels_in(case.mask, channel)
    mask = hash_of(case.mask)
    # An empty mask is checked, and refused, like any other.
    labels = labels_in(case.mask, channel) or [1]
    mask.require_unchanged()
    return labels, mask


def failure_of(error: Exception, files: dict[str, InputFile]) -> Failure:
    """Describe what became of a case that failed.

    Parameters
    ----------
    error : Exception
        What was raised.
    files : dict of str to InputFile
        The case's files, as far as they could be read.

    Returns
    -------
    Failure
        To be kept.
    """
    stage = next((name for kind, name in _STAGES.items() if isinstance(error, kind)), "extract")
    if not isinstance(error, RadpipeError):
        error = ExtractionError(
            "an unexpected error", found=f"{type(error).__name__}: {error}".strip()
        )
    return Failure(
        stage=stage,
        error=type(error).__name__,
        message=str(error),
        remedy=error.remedy or "",
        inputs=tuple(files.values()),
    )


def _draw(loaded: LoadedCase, unit: Unit, path: Path, pictures: dict[int, Path]) -> None:
    try:
        # A picture is not worth waiting for the disk.
        with whole_file(path, durable=False) as part:
            if unit.place in pictures:
                shutil.copyfile(pictures[unit.place], part)
            else:
                draw_overlay(loaded.image, loaded.mask, loaded.label, part, loaded.extent.box)
        pictures[unit.place] = path
    except Exception as error:
        raise_if_interrupted(error)
        # The row is what counts: a picture that fails must not take it along.
        log.warning("case %s: no overlay picture: %s", unit.case.case_id, error)


def _require_version(planned: str) -> None:
    if planned != VERSION:
        raise RunError(
            "a worker has another radpipe",
            found=VERSION,
            expected=planned,
            remedy="install the same version on every host",
        )
