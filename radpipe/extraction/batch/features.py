"""Features of a cohort: a table, a run directory, or several."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radpipe.errors import SettingsError
from radpipe.extraction.batch.cohort_run import run_cohort
from radpipe.extraction.batch.ledger import Summary
from radpipe.extraction.batch.options import Options
from radpipe.extraction.batch.recipe import FeatureRecipe
from radpipe.extraction.engines import DEFAULT_ENGINE
from radpipe.extraction.settings import read_settings
from radpipe.store import Provenance, Run

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
    recipes = {
        out: FeatureRecipe(read_settings(given), engine, control) for out, given in params.items()
    }
    return run_cohort(cohort, recipes, options=options, csv=csv, progress=progress)


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
    require_place(scheduler, out)
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
    return told_in_attrs(features, provenance, failures, out)


def require_place(scheduler: str | None, out: str | Path | None) -> None:
    """Refuse to let a cluster write to a directory of this machine alone.

    Parameters
    ----------
    scheduler : str or None
        Of the cluster.
    out : str, Path or None
        Where it is to write to.

    Raises
    ------
    SettingsError
        There is a cluster and no directory.
    """
    if scheduler is not None and out is None:
        raise SettingsError(
            "a cluster's workers need a directory to write to",
            where="out",
            remedy="name one that all of them see",
        )


def told_in_attrs(
    table: pd.DataFrame,
    provenance: Provenance | None,
    failures: pd.DataFrame,
    out: str | Path | None,
) -> pd.DataFrame:
    """Hand a table over to a script: indexed by case, and with all that is known of it.

    Parameters
    ----------
    table : DataFrame
        One row a case.
    provenance : Provenance or None
        What made it.
    failures : DataFrame
        One row a case that failed; a warning tells how many there are.
    out : str, Path or None
        The run directory, where it is kept.

    Returns
    -------
    DataFrame
        Indexed by case_id, its ``attrs`` as :func:`extract` tells.
    """
    table = table.set_index("case_id")
    table.attrs["provenance"] = None if provenance is None else asdict(provenance)
    table.attrs["run"] = None if out is None else str(out)
    if len(failures):
        warnings.warn(
            f"{len(failures)} of {len(failures) + len(table)} cases failed, all in "
            f'attrs["failures"]; the first: {failures["message"].iloc[0]}',
            stacklevel=3,
        )
    told = ["case_id", "patient_id", "modality", "roi", "stage", "error", "message", "remedy"]
    table.attrs["failures"] = failures[told].to_dict("records")
    return table
