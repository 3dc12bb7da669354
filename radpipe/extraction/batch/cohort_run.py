"""From a manifest to a run directory, or several: one a parameter file."""

from __future__ import annotations

import platform
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.cohort import Case, read_cohort, refuse_repeats
from radpipe.errors import CohortError, SettingsError
from radpipe.extraction.batch.attempt import Guard
from radpipe.extraction.batch.job import failure_of
from radpipe.extraction.batch.ledger import Ledger, Summary
from radpipe.extraction.batch.options import Options
from radpipe.extraction.batch.plan import Plan, Target, Unit, paths_of
from radpipe.extraction.batch.rois import Rois, rois_of
from radpipe.extraction.batch.work import compute, hashed
from radpipe.extraction.controls import control_note, require_control
from radpipe.extraction.engines import DEFAULT_ENGINE, Engine, engine_named, planned_columns
from radpipe.extraction.settings import UNDECIDING, ExtractionSettings, read_settings
from radpipe.parallel import Pool, memory_here
from radpipe.parallel.cluster import cluster_workers
from radpipe.store import (
    KEY_COLUMNS,
    MASK_VOLUME,
    Provenance,
    Run,
    RunWriter,
    row_key,
    writer_of,
)
from radpipe.store.files import sha256_of
from radpipe.version import VERSION

if TYPE_CHECKING:
    import pandas as pd


def extract_run(
    cohort: str | Path | pd.DataFrame,
    params: str | Path | dict[str, Any] | None,
    out: str | Path,
    *,
    engine: str = DEFAULT_ENGINE,
    control: str | None = None,
    options: Options | None = None,
    csv: bool = False,
    progress: bool = False,
) -> Run:
    """Extract a cohort into a run directory; what it holds already is not computed again.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest; see :func:`radpipe.cohort.read_cohort`.
    params : str, Path, dict or None
        Settings; see :func:`radpipe.extraction.settings.read_settings`.
    out : str or Path
        New or empty directory, or a run to go on with.
    engine : str
        Which engine computes.
    control : str, optional
        What is done to each image first: ``shuffled-voxels`` leaves no texture in it.
    options : Options, optional
        How; values do not depend on it.
    csv : bool
        Write ``features.csv`` beside ``features.parquet``.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    Run
        The finished run; cases that failed stand in its ``failures.parquet``.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read; a RunError also where the disk is full.
    """
    where = {Path(out): params}
    (summary,) = extract_runs(
        cohort,
        where,
        engine=engine,
        control=control,
        options=options,
        csv=csv,
        progress=progress,
    )
    return Run(Path(summary.run))


def extract_runs(
    cohort: str | Path | pd.DataFrame,
    params: Mapping[Path, str | Path | dict[str, Any] | None],
    *,
    engine: str = DEFAULT_ENGINE,
    control: str | None = None,
    options: Options | None = None,
    csv: bool = False,
    progress: bool = False,
) -> list[Summary]:
    """Extract a cohort under several parameter files, reading each image once.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest.
    params : mapping of Path to settings
        Run directories, and the settings of each.
    engine, control, options, csv, progress
        See :func:`extract_run`.

    Returns
    -------
    list of Summary
        One a run.

    Raises
    ------
    SettingsError, CohortError, RunError
        See :func:`extract_run`.
    """
    options = options or Options()
    options.check()
    require_control(control)
    chosen = engine_named(engine)
    read = {out: read_settings(given) for out, given in params.items()}
    for settings in read.values():
        chosen.check(settings)
    cases = _resolved(cohort, list(read.values()))
    facts = {"cohort": _cohort_facts(cohort), "versions": _versions(chosen)}
    memory = None
    if options.scheduler is None and options.workers:
        memory = options.memory or memory_here()
    if options.scheduler is not None:
        # Before any directory is made.
        with cluster_workers(options.scheduler):
            pass
    with ExitStack() as open_runs:
        # Runs are let go last, when no worker writes to them any more.
        writers = [open_runs.enter_context(writer_of(out)) for out in read]
        workers = min(options.workers, len(cases))
        pool = open_runs.enter_context(Pool(workers, options.scheduler, memory))
        rois = _taken_up(cases, writers, pool, options, progress)
        ledgers = [
            _ledger(writer, settings, chosen, control, rois, facts | {"workers": options.workers})
            for writer, settings in zip(writers, read.values(), strict=True)
        ]
        plan = Plan(
            targets=tuple(ledger.target for ledger in ledgers),
            engine=engine,
            control=control,
            version=VERSION,
            timeout_s=options.timeout_s,
            memory=memory if options.scheduler is None else options.memory,
            share=max(options.workers, 1),
            watched=not pool.in_process,
        )
        _work(plan, ledgers, rois, pool, options, progress)
        return [ledger.finish(csv) for ledger in ledgers]


def extract(
    cohort: str | Path | pd.DataFrame,
    settings: str | Path | dict[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    engine: str = DEFAULT_ENGINE,
    control: str | None = None,
    workers: int = 0,
    scheduler: str | None = None,
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
        Run directory to keep, or to go on with; without it only the table remains.
    engine : str
        Which engine computes.
    control : str, optional
        As for :func:`extract_run`.
    workers : int
        Worker processes; 0 runs in this process. A script that asks for some must start its work
        under ``if __name__ == "__main__":``, since each of them imports the script.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers compute in place of them; `out` must then
        lie where they can write to.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    DataFrame
        One row a case, indexed by case_id; ``attrs["failures"]`` lists the cases that failed as
        dicts of ``case_id``, ``stage``, ``error``, ``message``, ``remedy``;
        ``attrs["provenance"]`` tells what made the values.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read; a RunError also where the disk is full.
    """
    if scheduler is not None and out is None:
        raise SettingsError(
            "a cluster's workers need a directory to write to",
            where="out",
            remedy="name one that all of them see",
        )
    with tempfile.TemporaryDirectory(prefix="radpipe-") as folder:
        place = Path(folder) / "run" if out is None else Path(out)
        run = extract_run(
            cohort,
            settings,
            place,
            engine=engine,
            control=control,
            options=Options(workers=workers, scheduler=scheduler),
            progress=progress,
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
    told = ["case_id", "patient_id", "modality", "roi", "stage", "error", "message", "remedy"]
    features.attrs["failures"] = failures[told].to_dict("records")
    return features


def _resolved(
    cohort: str | Path | pd.DataFrame, settings: Sequence[ExtractionSettings]
) -> list[Case]:
    (defaults, *others) = [(each.setting.label, each.setting.label_channel) for each in settings]
    if any(other != defaults for other in others):
        raise SettingsError(
            "the parameter files name different ROIs",
            where="setting.label, setting.label_channel",
            found=[defaults, *others],
            remedy="name the label in the manifest's column `label`, or extract them one by one",
        )
    # Absolute, since the workers of a cluster start elsewhere.
    cases = [
        replace(case.resolved(*defaults), image=case.image.absolute(), mask=case.mask.absolute())
        for case in read_cohort(cohort)
    ]
    where = str(cohort) if isinstance(cohort, str | Path) else "the cohort table"
    columns = {MASK_VOLUME}.union(*(planned_columns(each) for each in settings))
    taken = columns & {name for case in cases for name in case.extra}
    if taken:
        raise CohortError(
            "a further column has the name of a feature",
            where=where,
            found=", ".join(sorted(taken)),
            remedy="rename it",
        )
    refuse_repeats(cases, where)
    return cases


def _taken_up(
    cases: list[Case], writers: list[RunWriter], pool: Pool, options: Options, progress: bool
) -> Rois:
    """Find out what the runs know of the cases' files; hash the others if that may save work."""
    guard = Guard(None if pool.in_process else _attempts_of(writers[0].run), options.timeout_s)
    paths = {path for case in cases for path in paths_of(case).values()}
    files = {
        path: writer.files[path]
        for writer in writers
        for path in paths & writer.files.keys()
        if writer.files[path].unchanged()
    }
    labels = {key: found for writer in writers for key, found in writer.labels.items()}
    # Elsewhere or touched, a file may still hold the bytes of a row; not so with another size.
    sizes = {known.size for writer in writers for known in writer.files.values()}
    unknown = [path for path in sorted(paths - files.keys()) if _size_of(path) in sizes]
    files |= hashed(unknown, pool, guard, progress)
    rois = rois_of(cases, files, labels, pool, guard, progress)
    refuse_repeats(rois.cases, "the cohort, every label its own case")
    for writer in writers:
        writer.learn(rois.files.values())
        writer.labels = rois.labels
    return rois


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def _attempts_of(run: Run) -> Path:
    return Run(run.path.absolute()).attempts_path


def _ledger(
    writer: RunWriter,
    settings: ExtractionSettings,
    engine: Engine,
    control: str | None,
    rois: Rois,
    facts: dict[str, Any],
) -> Ledger:
    provenance = Provenance(
        engine.name, engine.values_version, _settings_of(settings), control=control
    )
    columns = planned_columns(settings)
    note = control_note(control, settings.setting)
    further = dict.fromkeys(name for case in rois.cases for name in case.extra)
    return Ledger(
        writer,
        Target(settings, _decides(provenance, settings, columns), Run(writer.run.path.absolute())),
        provenance,
        rois.cases,
        columns,
        [*KEY_COLUMNS, *further],
        facts | ({"control_note": note} if note else {}),
    )


def _decides(provenance: Provenance, settings: ExtractionSettings, columns: Sequence[str]) -> str:
    told = asdict(provenance)
    # The layout of tables decides no value; the columns do where a release adds a feature, and a
    # row without diagnostics is none for a command that asks for them.
    told.pop("schema")
    if told["control"] is None:
        told.pop("control")
    told |= {"columns": list(columns), "additionalInfo": settings.setting.additionalInfo}
    return row_key(told)


def _work(
    plan: Plan,
    ledgers: list[Ledger],
    rois: Rois,
    pool: Pool,
    options: Options,
    progress: bool,
) -> None:
    units: list[Unit] = []
    for target, ledger in enumerate(ledgers):
        workers = options.scheduler or f"{options.workers} here"
        todo = ledger.take_up(rois.files, options.retry == "failed", options.fresh, workers)
        for place in todo:
            if place in rois.failed:
                ledger.fail(place, failure_of(rois.failed[place], {}), rois.files)
            else:
                units.append(Unit(rois.cases[place], place, target))
    try:
        compute(plan, ledgers, units, rois.files, pool, progress)
    except BaseException as error:
        for ledger in ledgers:
            ledger.stopped(error)
        raise


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
        "radpipe": VERSION,
        "python": platform.python_version(),
        **engine.versions(),
    }
