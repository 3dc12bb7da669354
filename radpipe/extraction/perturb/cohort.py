"""From a manifest to a manifest of perturbed cases, ready for ``radpipe extract``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.cohort import Case, read_cohort
from radpipe.errors import CohortError, SettingsError
from radpipe.extraction.perturb.case import KIND, OF, Made, Order, perturb_case
from radpipe.extraction.perturb.chain import DEFAULT, chains_of
from radpipe.parallel import as_done
from radpipe.progress import progress_bar
from radpipe.store.files import empty_directory, sha256_of, whole_file, write_json
from radpipe.version import VERSION

DEFAULT_COUNT = 10
_PACKAGES = ("numpy", "scipy", "SimpleITK", "PyWavelets")
_COLUMNS = ("patient_id", "case_id", "image", "mask", "label", "roi", "modality", KIND, OF)


@dataclass(frozen=True)
class Perturbed:
    """What a command made.

    Attributes
    ----------
    manifest : Path
        The new manifest.
    cases : int
        Cases of the cohort.
    versions : int
        Rows of the new manifest.
    failures : tuple of str
        What failed, a sentence each.
    failures_path : Path
        The same as a table; absent where nothing failed.
    """

    manifest: Path
    cases: int
    versions: int
    failures: tuple[str, ...]
    failures_path: Path


def perturb_cohort(
    cohort: str | Path | pd.DataFrame,
    out: str | Path,
    *,
    perturbations: str = DEFAULT,
    count: int = DEFAULT_COUNT,
    seed: int = 0,
    crop_mm: float | None = None,
    workers: int = 0,
    progress: bool = False,
) -> Perturbed:
    """Write perturbed versions of every case, and their manifest.

    Every version is a mask and, where intensities change, an image. The unperturbed cases are not
    among them: each version has been interpolated once, and is no repetition of what has not.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest; see :func:`radpipe.cohort.read_cohort`. A case without a label is label 1.
    out : str or Path
        A new or empty directory: ``cohort.csv``, ``perturb.json``, a folder a case, and
        ``failures.csv`` if there are any.
    perturbations : str
        Names joined by ``+`` are done together, by ``,`` apart; see :func:`chain.chains_of`.
    count : int
        Versions of a case under each chain.
    seed : int
        Decides all draws; the same seed gives the same files, whatever the number of workers.
    crop_mm : float, optional
        Keep so much of each image around the ROI, which saves disk and time. What looks at the
        whole image (``normalize``, the scale of square and logarithm) then sees that part.
    workers : int
        Worker processes; 0 runs in this process.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    Perturbed
        What was made. Columns of the new manifest that the first has not: ``perturbation``, and
        ``unperturbed``, the case_id that the version is of.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read; a RunError also where the disk is full.
    """
    _require_numbers(count, seed, crop_mm)
    chains = chains_of(perturbations)
    cases = read_cohort(cohort)
    _refuse_our_columns(cases)
    folder = empty_directory(out)
    order = Order(tuple(chains), count, seed, folder.absolute(), crop_mm)
    made = _made(order, cases, workers, progress)
    found = _tell(folder, made)
    facts = {
        "perturbations": ["+".join(chain) for chain in chains],
        "count": count,
        "seed": seed,
        "crop_mm": crop_mm,
        "cohort": _facts_of(cohort),
        "cases": found.cases,
        "perturbed": found.versions,
        "failures": len(found.failures),
        "versions": {"radpipe": VERSION, **{name: version(name) for name in _PACKAGES}},
    }
    write_json(folder / "perturb.json", facts)
    return found


def _require_numbers(count: int, seed: int, crop_mm: float | None) -> None:
    asked = {"--count": (count, 1), "--seed": (seed, 0), "--crop-mm": (crop_mm or 0, 0)}
    for name, (found, least) in asked.items():
        if not least <= found < math.inf:
            raise SettingsError(
                "no such number", where=name, found=found, expected=f"{least} or more"
            )


def _refuse_our_columns(cases: Sequence[Case]) -> None:
    if taken := {KIND, OF} & cases[0].extra.keys():
        raise CohortError(
            "the manifest is one of perturbed cases already",
            found="columns " + ", ".join(sorted(taken)),
            remedy="give the manifest of the cases themselves, or rename these columns",
        )


def _made(order: Order, cases: Sequence[Case], workers: int, progress: bool) -> list[Made]:
    # Absolute, since a worker may start elsewhere.
    numbered = [
        (place, replace(case, image=case.image.absolute(), mask=case.mask.absolute()))
        for place, case in enumerate(cases)
    ]
    made = [Made() for _ in cases]
    with progress_bar("perturbing", len(cases), progress) as step:
        for place, outcome in as_done(partial(perturb_case, order), numbered, workers):
            made[place] = _of(outcome, cases[place])
            step()
    return made


def _of(outcome: Made | Exception, case: Case) -> Made:
    if isinstance(outcome, Made):
        return outcome
    made = Made()
    # The process died; an error of all cases goes on from here.
    made.fail(case, outcome)
    return made


def _tell(folder: Path, made: Sequence[Made]) -> Perturbed:
    rows = [row for each in made for row in each.rows]
    failures = [failure for each in made for failure in each.failures]
    table = pd.DataFrame([_relative(row, folder.absolute()) for row in rows])
    found = Perturbed(
        manifest=folder / "cohort.csv",
        cases=len(made),
        versions=len(rows),
        failures=tuple(failure["message"] for failure in failures),
        failures_path=folder / "failures.csv",
    )
    _write_csv(table if rows else pd.DataFrame(columns=[*_COLUMNS]), found.manifest)
    if failures:
        _write_csv(pd.DataFrame(failures), found.failures_path)
    return found


def _relative(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Name our own files from the manifest's folder, which may be moved."""
    named = {
        name: row[name].relative_to(folder).as_posix()
        if row[name].is_relative_to(folder)
        else str(row[name])
        for name in ("image", "mask")
    }
    return {**row, **named}


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with whole_file(path) as part:
        table.to_csv(part, index=False, lineterminator="\n")


def _facts_of(cohort: str | Path | pd.DataFrame) -> dict[str, str]:
    if isinstance(cohort, str | Path):
        return {"manifest": str(cohort), "sha256": sha256_of(Path(cohort))}
    return {"manifest": "a table in memory"}
