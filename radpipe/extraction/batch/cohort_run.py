"""From a manifest to a run directory."""

from __future__ import annotations

import platform
import tempfile
import time
import warnings
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.cohort import ALL_LABELS, Case, read_cohort, refuse_repeats
from radpipe.errors import CohortError, RadpipeError
from radpipe.extraction.batch.job import Job, failure_of, labels_of, run_job
from radpipe.extraction.engines import DEFAULT_ENGINE, Engine, engine_named, planned_columns
from radpipe.extraction.settings import UNDECIDING, ExtractionSettings, read_settings
from radpipe.parallel import as_done, require_workers
from radpipe.progress import progress_bar
from radpipe.store import KEY_COLUMNS, MASK_VOLUME, Failure, Provenance, Run
from radpipe.store.files import empty_directory, sha256_of

if TYPE_CHECKING:
    import pandas as pd


def extract_run(
    cohort: str | Path | pd.DataFrame,
    params: str | Path | dict[str, Any] | None,
    out: str | Path,
    *,
    engine: str = DEFAULT_ENGINE,
    workers: int = 0,
    csv: bool = False,
    progress: bool = False,
) -> Run:
    """Extract a cohort into a run directory.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest; see :func:`radpipe.cohort.read_cohort`.
    params : str, Path, dict or None
        Settings; see :func:`radpipe.extraction.settings.read_settings`.
    out : str or Path
        New or empty directory.
    engine : str
        Which engine computes.
    workers : int
        Worker processes; 0 runs in this process. Values do not depend on it.
    csv : bool
        Write ``features.csv`` beside ``features.parquet``.
    progress : bool
        Show a bar with rate and remaining time on stderr.

    Returns
    -------
    Run
        The finished run; cases that failed stand in its ``failures.parquet``.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    require_workers(workers)
    settings = read_settings(params)
    chosen = engine_named(engine)
    chosen.check(settings)
    columns = planned_columns(settings)
    cases = _resolved(cohort, settings, columns)
    empty_directory(Path(out))
    rois, failures = _rois(cases, workers)
    refuse_repeats(rois, "the cohort, every label its own case")
    run = Run(Path(out))
    run.make()
    jobs = [Job(place, roi, settings, engine, run) for place, roi in enumerate(rois)]
    _run_jobs(jobs, workers, progress, len(failures))
    for place, failure in enumerate(failures, start=len(jobs)):
        run.put(place, failure)
    facts = {
        "cohort": _cohort_facts(cohort),
        "versions": _versions(chosen),
        "workers": workers,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }
    further = dict.fromkeys(name for case in cases for name in case.extra)
    run.finish(
        columns,
        [*KEY_COLUMNS, *further],
        Provenance(chosen.name, chosen.values_version, _settings_of(settings)),
        facts,
    )
    if csv:
        run.features()[0].to_csv(run.path / "features.csv", index=False)
    return run


def extract(
    cohort: str | Path | pd.DataFrame,
    settings: str | Path | dict[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    engine: str = DEFAULT_ENGINE,
    workers: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Extract a cohort into a table.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest: ``patient_id``, ``image``, ``mask`` and optional columns; the paths in a
        table are relative to the working directory, those in a file to the file.
    settings : str, Path, dict or None
        Parameter file, name of a shipped one, its content, or None for PyRadiomics' defaults.
    out : str or Path, optional
        Run directory to keep; without it only the table remains.
    engine : str
        Which engine computes.
    workers : int
        Worker processes; 0 runs in this process. A script that asks for some must start its work
        under ``if __name__ == "__main__":``, since each of them imports the script.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    DataFrame
        One row a case, indexed by case_id; ``attrs["failures"]`` lists the cases that failed as
        dicts of ``case_id``, ``stage``, ``error``, ``message``, ``remedy``;
        ``attrs["provenance"]`` tells what made the values.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read.
    """
    with tempfile.TemporaryDirectory(prefix="radpipe-") as folder:
        place = Path(folder) / "run" if out is None else Path(out)
        run = extract_run(
            cohort, settings, place, engine=engine, workers=workers, progress=progress
        )
        features, provenance = run.features()
        failures = run.failures()
    features = features.set_index("case_id")
    features.attrs["provenance"] = None if provenance is None else asdict(provenance)
    features.attrs["run"] = None if out is None else str(out)
    if len(failures):
        warnings.warn(
            f"{len(failures)} of {len(failures) + len(features)} cases failed, all in "
            f'attrs["failures"]; the first: {failures["message"].iloc[0]}',
            stacklevel=2,
        )
    features.attrs["failures"] = failures.drop(columns="label").to_dict("records")
    return features


def _resolved(
    cohort: str | Path | pd.DataFrame, settings: ExtractionSettings, columns: list[str]
) -> list[Case]:
    setting = settings.setting
    cases = [case.resolved(setting.label, setting.label_channel) for case in read_cohort(cohort)]
    where = str(cohort) if isinstance(cohort, str | Path) else "the cohort table"
    taken = {MASK_VOLUME, *columns} & {name for case in cases for name in case.extra}
    if taken:
        raise CohortError(
            "a further column has the name of a feature",
            where=where,
            found=", ".join(sorted(taken)),
            remedy="rename it",
        )
    refuse_repeats(cases, where)
    return cases


def _rois(cases: list[Case], workers: int) -> tuple[list[Case], list[Failure]]:
    """Make one case of each label; a mask whose labels cannot be listed fails here."""
    asked = [place for place, case in enumerate(cases) if case.label == ALL_LABELS]
    labels: dict[int, Any] = {
        asked[place]: outcome
        for place, outcome in as_done(labels_of, [cases[place] for place in asked], workers)
    }
    rois: list[Case] = []
    failures: list[Failure] = []
    for place, case in enumerate(cases):
        found = labels.get(place)
        if isinstance(found, Exception):
            failures.append(failure_of(case, found))
        elif found is None:
            rois.append(case)
        else:
            rois += [case.with_label(label) for label in found]
    return rois, failures


def _run_jobs(jobs: list[Job], workers: int, progress: bool, failed: int) -> None:
    with progress_bar("extracting", len(jobs), progress) as step:
        for place, outcome in as_done(run_job, jobs, workers):
            if isinstance(outcome, RadpipeError):
                jobs[place].run.put(place, failure_of(jobs[place].case, outcome))
            elif isinstance(outcome, Exception):
                raise outcome
            failed += outcome is not True
            step(f"{failed} failed")


def _settings_of(settings: ExtractionSettings) -> dict[str, Any]:
    complete = settings.complete()
    # Settings of feature maps decide no column.
    complete.pop("voxelSetting")
    for name in UNDECIDING:
        complete["setting"].pop(name)
    return complete


def _cohort_facts(cohort: str | Path | pd.DataFrame) -> dict[str, str]:
    if isinstance(cohort, str | Path):
        return {"manifest": str(cohort), "sha256": sha256_of(Path(cohort))}
    return {"manifest": "a table in memory"}


def _versions(engine: Engine) -> dict[str, str]:
    return {
        "radpipe": version("radpipe"),
        "python": platform.python_version(),
        **engine.versions(),
    }
