"""One case for each label of the masks whose label is ``all``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from radpipe.cohort import ALL_LABELS, Case
from radpipe.extraction.batch.attempt import Guard
from radpipe.extraction.batch.job import hash_of, labels_of
from radpipe.extraction.batch.plan import paths_of
from radpipe.parallel import Pool
from radpipe.progress import progress_bar
from radpipe.store import InputFile


@dataclass(frozen=True)
class Rois:
    """A cohort, every ROI its own case.

    Attributes
    ----------
    cases : list of Case
        In the manifest's order; a mask whose labels could not be listed is one case.
    failed : dict of int to Exception
        Why not, by place.
    labels : dict of str to list of int
        What was found, by :func:`mask_key`.
    files : dict of str to InputFile
        What was known of the files, and the masks that were read, by path.
    """

    cases: list[Case]
    failed: dict[int, Exception]
    labels: dict[str, list[int]]
    files: dict[str, InputFile]


def rois_of(
    cases: Sequence[Case],
    files: Mapping[str, InputFile],
    labels: Mapping[str, list[int]],
    pool: Pool,
    guard: Guard,
    progress: bool,
) -> Rois:
    """List the labels of masks, and make one case of each.

    Parameters
    ----------
    cases : sequence of Case
        The cohort.
    files : mapping of str to InputFile
        Unchanged files by path.
    labels : mapping of str to list of int
        Labels that are known already, by :func:`mask_key`.
    pool : Pool
        Where masks are read.
    guard : Guard
        Ends a mask that kills, or is never read.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    Rois
        The cases.
    """
    known = dict(labels)
    read = dict(files)
    unknown = [
        place
        for place, case in enumerate(cases)
        if case.label == ALL_LABELS and _known(case, read, known) is None
    ]
    errors: dict[int, Exception] = {}
    listed = partial(guard.call, labels_of)
    with progress_bar("listing labels", len(unknown), progress and bool(unknown)) as step:
        for position, outcome in pool.as_done(listed, [cases[place] for place in unknown]):
            case = cases[unknown[position]]
            if isinstance(outcome, Exception):
                errors[unknown[position]] = outcome
            else:
                found, mask = outcome
                read[mask.path] = mask
                known[mask_key(mask, case)] = found
            step()
    # By their bytes a later command knows that they failed.
    paths = {path for place in errors for path in paths_of(cases[place]).values()} - read.keys()
    for _, file in pool.as_done(
        partial(guard.call, hash_of), [Path(path) for path in sorted(paths)]
    ):
        if isinstance(file, InputFile):
            read[file.path] = file
    rois: list[Case] = []
    failed: dict[int, Exception] = {}
    for place, case in enumerate(cases):
        if place in errors:
            failed[len(rois)] = errors[place]
        if place in errors or case.label != ALL_LABELS:
            rois.append(case)
        else:
            rois += [case.with_label(label) for label in _known(case, read, known) or []]
    return Rois(rois, failed, known, read)


def mask_key(mask: InputFile, case: Case) -> str:
    """Name the channel of a mask that labels were found in.

    Parameters
    ----------
    mask : InputFile
        The mask.
    case : Case
        A case of it.

    Returns
    -------
    str
        Hash and channel.
    """
    return f"{mask.sha256}-{case.label_channel or 0}"


def _known(
    case: Case, files: Mapping[str, InputFile], labels: Mapping[str, list[int]]
) -> list[int] | None:
    mask = files.get(paths_of(case)["mask"])
    return None if mask is None else labels.get(mask_key(mask, case))
