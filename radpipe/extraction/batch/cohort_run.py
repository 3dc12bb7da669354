"""From a manifest to a run directory, or several: one a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from radpipe.cohort import Case, read_cohort, refuse_repeats
from radpipe.errors import CohortError, SettingsError
from radpipe.extraction.batch.attempt import Guard
from radpipe.extraction.batch.job import failure_of
from radpipe.extraction.batch.ledger import Ledger, Summary
from radpipe.extraction.batch.options import Options
from radpipe.extraction.batch.plan import Plan, Target, Unit, paths_of
from radpipe.extraction.batch.recipe import Recipe
from radpipe.extraction.batch.rois import Rois, rois_of
from radpipe.extraction.batch.work import compute, hashed
from radpipe.parallel import Pool, memory_here
from radpipe.parallel.cluster import cluster_workers
from radpipe.store import MASK_VOLUME, Run, RunWriter, writer_of
from radpipe.store.files import sha256_of
from radpipe.version import VERSION

if TYPE_CHECKING:
    import pandas as pd


def run_cohort(
    cohort: str | Path | pd.DataFrame,
    recipes: Mapping[Path, Recipe],
    *,
    options: Options | None = None,
    csv: bool = False,
    progress: bool = False,
) -> list[Summary]:
    """Follow recipes with every case of a cohort, reading each image once.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest; see :func:`radpipe.cohort.read_cohort`.
    recipes : mapping of Path to Recipe
        Run directories, and what is made for each.
    options : Options, optional
        How; values do not depend on it.
    csv : bool
        Write ``features.csv`` beside ``features.parquet``.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    list of Summary
        One a run.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read; a RunError also where the disk is full.
    """
    options = options or Options()
    options.check()
    for recipe in recipes.values():
        recipe.check()
    cases = _resolved(cohort, list(recipes.values()))
    facts = {"cohort": _cohort_facts(cohort), "workers": options.workers}
    memory = _memory(options)
    if options.scheduler is not None:
        # Before any directory is made.
        with cluster_workers(options.scheduler):
            pass
    with ExitStack() as open_runs:
        # Runs are let go last, when no worker writes to them any more.
        writers = [open_runs.enter_context(writer_of(out)) for out in recipes]
        workers = min(options.workers, len(cases))
        pool = open_runs.enter_context(Pool(workers, options.scheduler, memory))
        rois = _taken_up(cases, writers, pool, options, progress)
        targets = [
            Target(recipe, Run(writer.run.path.absolute()))
            for writer, recipe in zip(writers, recipes.values(), strict=True)
        ]
        ledgers = [
            Ledger(writer, target, rois.cases, facts)
            for writer, target in zip(writers, targets, strict=True)
        ]
        plan = Plan(
            targets=tuple(targets),
            version=VERSION,
            timeout_s=options.timeout_s,
            memory=memory if options.scheduler is None else options.memory,
            share=max(options.workers, 1),
            watched=not pool.in_process,
        )
        _work(plan, ledgers, rois, pool, options, progress)
        return [ledger.finish(csv) for ledger in ledgers]


def _memory(options: Options) -> int | None:
    if options.scheduler is not None or not options.workers:
        return None
    return options.memory or memory_here()


def _resolved(cohort: str | Path | pd.DataFrame, recipes: Sequence[Recipe]) -> list[Case]:
    settings = [recipe.settings.setting for recipe in recipes]
    (defaults, *others) = [(each.label, each.label_channel) for each in settings]
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
    columns = {MASK_VOLUME}.union(*(recipe.columns for recipe in recipes))
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


def _cohort_facts(cohort: str | Path | pd.DataFrame) -> dict[str, str]:
    if isinstance(cohort, str | Path):
        return {"manifest": str(cohort), "sha256": sha256_of(Path(cohort))}
    return {"manifest": "a table in memory"}
