"""What is to be computed: cases × parameter files, put together by image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radpipe.cohort import Case
from radpipe.extraction.batch.recipe import Recipe
from radpipe.store import InputFile, Run, row_key


@dataclass(frozen=True)
class Target:
    """What is made of each case, and the run that it goes to.

    Attributes
    ----------
    recipe : Recipe
        What is made.
    run : Run
        Where rows go.
    """

    recipe: Recipe
    run: Run

    def key_of(self, case: Case, files: Mapping[str, InputFile]) -> str:
        """Hash all that decides a case's row.

        Parameters
        ----------
        case : Case
            The case.
        files : mapping of str to InputFile
            Image and mask by path, as far as they could be read.

        Returns
        -------
        str
            Row key.
        """
        told: dict[str, Any] = {"decides": self.recipe.decides, "label": case.label}
        told["label_channel"] = case.label_channel or 0
        for name, path in paths_of(case).items():
            known = files.get(path)
            told[name] = f"not read: {path}" if known is None else known.sha256
        return row_key(told)

    def has(self, key: str) -> bool:
        """Tell whether a worker has left a row, and all that belongs to it.

        Parameters
        ----------
        key : str
            Of the row.

        Returns
        -------
        bool
            Rows that stand in a table already do not count.
        """
        return key in self.run.rows and self.recipe.is_whole(self.run, key)


@dataclass(frozen=True)
class Plan:
    """What all jobs have in common.

    Attributes
    ----------
    targets : tuple of Target
        One a run.
    version : str
        Version of radpipe that made the plan.
    timeout_s : float
        Seconds that a case may take.
    memory : int or None
        Bytes that all cases under way may take, and any one of them.
    share : int
        Into how many parts the memory falls, if all workers take the same.
    watched : bool
        Whether workers may be ended; not so where they are the user's own process.
    """

    targets: tuple[Target, ...]
    version: str
    timeout_s: float
    memory: int | None
    share: int
    watched: bool

    @property
    def attempts_path(self) -> Path:
        """Where workers leave their marks."""
        return self.targets[0].run.attempts_path


@dataclass(frozen=True)
class Unit:
    """One row to be computed.

    Attributes
    ----------
    case : Case
        The case.
    place : int
        Its place among the cases.
    target : int
        Which of the plan's targets.
    """

    case: Case
    place: int
    target: int


@dataclass(frozen=True)
class Job:
    """All units of one image: what one worker computes at a stretch.

    Attributes
    ----------
    units : tuple of Unit
        Ordered by mask, then ROI, then parameter file.
    """

    units: tuple[Unit, ...]

    @property
    def name(self) -> str:
        """A file name of the job's own."""
        case = self.units[0].case
        told = [str(case.image.absolute())]
        told += [f"{unit.place} {unit.target}" for unit in self.units]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def jobs_of(units: Iterable[Unit]) -> list[Job]:
    """Put the units of one image together, so that it is read once for all of them.

    Parameters
    ----------
    units : iterable of Unit
        What is to be computed.

    Returns
    -------
    list of Job
        In the order of their first units.
    """
    by_image: dict[Path, list[Unit]] = {}
    for unit in units:
        by_image.setdefault(unit.case.image.absolute(), []).append(unit)
    return [Job(tuple(sorted(group, key=_by_mask))) for group in by_image.values()]


def one_by_one(job: Job) -> list[Job]:
    """Take the masks of a job apart.

    Parameters
    ----------
    job : Job
        All units of one image.

    Returns
    -------
    list of Job
        One a mask.
    """
    by_mask: dict[Path, list[Unit]] = {}
    for unit in job.units:
        by_mask.setdefault(unit.case.mask, []).append(unit)
    return [Job(tuple(group)) for group in by_mask.values()]


def _by_mask(unit: Unit) -> tuple[Any, ...]:
    case = unit.case
    return str(case.mask), case.label_channel or 0, case.label, unit.place, unit.target


def paths_of(case: Case) -> dict[str, str]:
    """Return a case's files.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    dict of str to str
        Absolute paths of ``image`` and ``mask``.
    """
    return {"image": str(case.image.absolute()), "mask": str(case.mask.absolute())}


def inputs_of(case: Case, files: Mapping[str, InputFile]) -> dict[str, Any]:
    """Tell what a case is made from.

    Parameters
    ----------
    case : Case
        The case.
    files : mapping of str to InputFile
        Image and mask by path, as far as they could be read.

    Returns
    -------
    dict
        Path and SHA-256 of image and mask, channel of the mask.
    """
    told: dict[str, Any] = {"label_channel": case.label_channel or 0}
    for name, path in paths_of(case).items():
        told[name] = path
        told[f"{name}_sha256"] = files[path].sha256 if path in files else ""
    return told
