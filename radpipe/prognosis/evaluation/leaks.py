"""Ways in which a test patient is known to a model beforehand; each of them ends the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import LeakError
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.survival.splits import Fold
from radpipe.prognosis.tables.columns import listed
from radpipe.store import Run
from radpipe.store.run import runs_in

# A pair of columns may agree by chance where they hold few values.
_FEWEST_COLUMNS = 3


def require_no_leak(study: Study, folds: Iterable[Fold]) -> None:
    """Refuse splits that have one patient on both sides.

    A patient is recognised by an identifier that differs in case, spaces or separators alone, by
    the SHA-256 of an image in the run's diagnostics, or by the same values in all features.

    Parameters
    ----------
    study : Study
        The cohort.
    folds : iterable of Fold
        Places of rows.

    Raises
    ------
    LeakError
        There is such a patient in one of the folds; the rows are named.
    """
    owners = {
        "one patient has several identifiers": _same_identifier(study),
        "one image belongs to several patients": _same_image(study),
        "several patients have the same values in all features": _same_values(study),
    }
    shared = {what: rows for what, rows in owners.items() if len(rows)}
    if not shared:
        return
    for fold in folds:
        for what, rows in shared.items():
            _refuse_both_sides(study, what, rows, fold)


def _refuse_both_sides(study: Study, what: str, rows: pd.DataFrame, fold: Fold) -> None:
    tested = rows["row"].isin(fold.test)
    trained = rows["row"].isin(fold.train)
    both = np.intersect1d(rows["owner"][tested], rows["owner"][trained])
    if len(both):
        patients = study.frame["patient_id"].to_numpy()
        alike = [rows["row"][rows["owner"] == owner].unique() for owner in both]
        raise LeakError(
            f"{what}, and stand on both sides of a split",
            where=study.source_facts()["table"],
            found=listed(" = ".join(patients[places]) for places in alike),
            expected="patients who are tested where they were not trained on",
            remedy="give rows of one patient one patient_id, and take --per-patient",
        )


def _repeated(owners: pd.Series) -> pd.DataFrame:
    """Keep what several rows share; the index of ``owners`` is the place of the row."""
    rows = pd.DataFrame({"row": owners.index, "owner": owners.to_numpy()}).drop_duplicates()
    return rows[rows["owner"].duplicated(keep=False)]


def _same_identifier(study: Study) -> pd.DataFrame:
    names = study.frame["patient_id"].reset_index(drop=True).astype("str")
    return _repeated(names.str.casefold().str.replace(r"[\s_.-]+", "-", regex=True))


def _same_image(study: Study) -> pd.DataFrame:
    hashes = image_hashes(study)
    place = pd.Series(np.arange(len(study.frame)), index=study.frame["patient_id"].to_numpy())
    hashes = hashes[hashes.index.isin(place.index) & (hashes != "")]
    return _repeated(hashes.set_axis(place.loc[hashes.index].to_numpy()))


def image_hashes(study: Study) -> pd.Series:
    """Look up the images of a cohort's patients.

    Parameters
    ----------
    study : Study
        From a run, or from a table that lies in one.

    Returns
    -------
    Series of str
        SHA-256 of images, indexed by ``patient_id``; a patient with several images several times.
        Empty where the table is of no run.
    """
    source = study.frame.attrs.get("run") or study.frame.attrs.get("source")
    folder = (
        Path(str(source)) if source and Path(str(source)).is_dir() else Path(str(source)).parent
    )
    # Embeddings without features have their images told beside their patches.
    runs = [
        each for each in (Run(folder), Run(folder).patch_run) if each.path in runs_in(each.path)
    ]
    if source is None or not runs:
        return pd.Series(dtype="str")
    run = runs[0]
    patients = run.features()[0].set_index("case_id")["patient_id"].astype("str")
    told = run.diagnostics().set_index("case_id")
    hashes = told["image_sha256"] if "image_sha256" in told else pd.Series(dtype="str")
    hashes = hashes[hashes.index.isin(patients.index)].fillna("").astype("str")
    return hashes.set_axis(patients.loc[hashes.index].str.strip().to_numpy())


def _same_values(study: Study) -> pd.DataFrame:
    # Written as text and read again, the last digits of a number may differ.
    with np.errstate(over="ignore"):
        measured = study.frame[[*study.features, *study.embeddings]].select_dtypes("number")
        values = measured.to_numpy(np.float64).astype(np.float32)
    telling = [not _is_constant(column) for column in values.T]
    values = values[:, telling] + np.float32(0.0)
    complete = np.isfinite(values).sum(axis=1) >= _FEWEST_COLUMNS
    rows = np.flatnonzero(complete)
    return _repeated(pd.Series([values[row].tobytes() for row in rows], index=rows, dtype=object))


def _is_constant(column: NDArray[np.float32]) -> bool:
    known = column[np.isfinite(column)]
    return len(known) == 0 or bool((known == known[0]).all())


def require_fitted_on(model: object, train: pd.Index, test: pd.Index) -> None:
    """Refuse a model any part of which was fitted on other rows than those of training.

    Parameters
    ----------
    model : object
        Fitted. Whatever in it has ``rows_``, an index of ``case_id``, tells what it saw.
    train, test : Index
        The ``case_id`` of the fold's rows.

    Raises
    ------
    LeakError
        A part saw a test row, or one that stands on neither side.
    """
    for part in _parts(model, set()):
        rows = getattr(part, "rows_", None)
        if rows is None:
            continue
        seen = pd.Index(rows)
        foreign = seen[seen.isin(test) | ~seen.isin(train)]
        if len(foreign):
            raise LeakError(
                "a step was fitted on rows outside the training fold",
                where=type(part).__name__,
                found=f"cases {listed(foreign)}",
                expected="rows of the training fold only",
                remedy="fit every step inside the model's own fit",
            )


def _parts(thing: object, seen: set[int]) -> Iterator[object]:
    """Walk through attributes and containers; arrays and tables hold no steps."""
    if id(thing) in seen or isinstance(thing, str | bytes | type | np.generic | pd.Index):
        return
    seen.add(id(thing))
    inside: Iterable[Any] = ()
    if isinstance(thing, dict):
        inside = thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        inside = thing
    elif isinstance(thing, np.ndarray):
        inside = thing.ravel().tolist() if thing.dtype == object else ()
    elif not isinstance(thing, pd.DataFrame | pd.Series):
        yield thing
        inside = getattr(thing, "__dict__", {}).values()
    for each in inside:
        yield from _parts(each, seen)
