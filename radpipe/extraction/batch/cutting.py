"""Patches of a cohort: one a case, kept in a run directory of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from radpipe.extraction.batch.cohort_run import run_cohort
from radpipe.extraction.batch.ledger import Summary
from radpipe.extraction.batch.options import Options
from radpipe.extraction.batch.recipe import PatchRecipe
from radpipe.networks.spec import PatchSpec
from radpipe.store import Run
from radpipe.store.table import read_row_keys

if TYPE_CHECKING:
    import pandas as pd


def cut_patches(
    cohort: str | Path | pd.DataFrame,
    spec: PatchSpec,
    out: str | Path,
    *,
    crop: str | None = None,
    options: Options | None = None,
    progress: bool = False,
) -> Summary:
    """Cut the patch of every case, and keep it; what the run holds already is not cut again.

    Parameters
    ----------
    cohort : str, Path or DataFrame
        The manifest; see :func:`radpipe.cohort.read_cohort`.
    spec : PatchSpec
        What an encoder is shown.
    out : str or Path
        New or empty directory, or a run of patches to go on with.
    crop : str, optional
        Whose published cropping is followed; see :data:`radpipe.extraction.patches.CROPS`.
    options : Options, optional
        How; values do not depend on it.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    Summary
        What was done. The run's feature table holds nothing but the mask's volume; a patch is
        found in ``Run.patches`` by the key of its row.

    Raises
    ------
    SettingsError, CohortError, RunError
        Before any image is read; a RunError also where the disk is full.
    """
    recipes = {Path(out): PatchRecipe(spec=spec, crop=crop)}
    (summary,) = run_cohort(cohort, recipes, options=options, progress=progress)
    run = Run(Path(out))
    run.patches.keep(set(read_row_keys(run.features_path)))
    return summary
