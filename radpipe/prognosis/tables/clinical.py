"""Clinical tables: outcomes and named predictors, joined on patient_id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import (
    feature_columns,
    id_text,
    listed,
    name_of_table,
    require_columns,
)
from radpipe.prognosis.tables.reading import PATIENT, read_any, with_patient_id
from radpipe.store import KEY_COLUMNS, MASK_VOLUME, Run, read_table

WITHOUT_CLINICAL = "features without clinical row"
WITHOUT_FEATURES = "clinical rows without features"
WRITTEN_ALIKE = "write the identifiers alike in both tables, leading zeros too"
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}([ T].*)?")
# Stages and grades have fewer numbers than this; what has more was measured.
_MOST_CODES = 8


def read_clinical(source: str | Path | pd.DataFrame, identifier: str = PATIENT) -> pd.DataFrame:
    """Read a clinical table.

    Parameters
    ----------
    source : str, Path or DataFrame
        A ``.csv`` file, separated by ``,`` or ``;``, or a ``.parquet`` file, with a column that
        names the patient and stays text; or a table in memory.
    identifier : str
        That column.

    Returns
    -------
    DataFrame
        With a column ``patient_id``; ``attrs["source"]`` is the file. One row a patient is not
        checked here but where tables are joined.

    Raises
    ------
    TableError
        It cannot be read, has no rows, or no column names the patient.
    """
    if isinstance(source, pd.DataFrame):
        return with_patient_id(source, identifier, name_of_table(source, "the clinical table"))
    frame, _ = read_any(Path(source), (PATIENT, identifier))
    _refuse_rowless(frame, str(source))
    frame = with_patient_id(frame, identifier, str(source))
    frame.attrs["source"] = str(source)
    return frame


def _refuse_rowless(frame: pd.DataFrame, where: str) -> None:
    if frame.empty:
        raise TableError(
            "the table has no rows",
            where=where,
            found=f"columns {listed(frame.columns)}",
            expected="one row a patient",
            remedy="name the table of these patients",
        )


def join_clinical(
    features: pd.DataFrame, clinical: pd.DataFrame, unmatched: str = "refuse"
) -> pd.DataFrame:
    """Put the clinical columns behind the features.

    Where both tables hold a column, features and keys come from the feature table and all else
    from the clinical one.

    Parameters
    ----------
    features : DataFrame
        Of :func:`load_features`: one row a patient, indexed by ``case_id``.
    clinical : DataFrame
        With a column ``patient_id``, one row a patient. Identifiers are compared as text.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.

    Returns
    -------
    DataFrame
        In the order of ``features``; ``attrs`` are kept, and ``attrs["dropped"]`` lists who was
        left out, and why.

    Raises
    ------
    TableError
        A patient stands in two rows of either table, in only one of the tables, or has no name.
    """
    if unmatched not in ("refuse", "drop"):
        raise TableError(
            "unknown way",
            where="unmatched",
            found=unmatched,
            expected="refuse|drop",
            remedy="give one of these two",
        )
    per_patient = "load the table with per_patient (--per-patient)"
    ours = _identified(features, "the feature table", per_patient)
    theirs = _identified(clinical, "the clinical table", "keep the row that is right")
    dropped = _unmatched(ours["patient_id"], theirs["patient_id"])
    if unmatched == "refuse":
        nobody = not ours["patient_id"].isin(theirs["patient_id"]).any()
        where = name_of_table(clinical, "the clinical table")
        _refuse_unmatched(dropped, nobody, where, features.attrs.get("run"))
    kept = {*KEY_COLUMNS, MASK_VOLUME, *feature_columns(features)}
    kept &= {*features.columns, features.index.name}
    theirs = theirs.set_index("patient_id").drop(columns=[*kept], errors="ignore")
    ours = ours[ours["patient_id"].isin(theirs.index)]
    ours = ours.drop(columns=[name for name in theirs.columns if name in ours.columns])
    joined = pd.concat([ours, theirs.loc[ours["patient_id"]].set_index(ours.index)], axis=1)
    joined.attrs = {**features.attrs, "dropped": dropped}
    return joined


def join_columns(
    features: pd.DataFrame,
    clinical: pd.DataFrame,
    names: Sequence[str],
    unmatched: str = "refuse",
) -> pd.DataFrame:
    """Put named clinical columns behind the features, and no other.

    Parameters
    ----------
    features : DataFrame
        As for :func:`join_clinical`.
    clinical : DataFrame
        As for :func:`join_clinical`.
    names : sequence of str
        Columns of the clinical table.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.

    Returns
    -------
    DataFrame
        As of :func:`join_clinical`.

    Raises
    ------
    TableError
        As in :func:`join_clinical`; or the clinical table lacks a column, or the feature table
        holds another one of that name.
    """
    where = name_of_table(clinical, "the clinical table")
    require_columns(clinical, ["patient_id", *names], where)
    rows = clinical[list(dict.fromkeys(["patient_id", *names]))]
    joined = join_clinical(features, rows, unmatched)
    for name in names:
        if name in features.columns and not _alike(features, rows, name, joined["patient_id"]):
            raise TableError(
                "both tables hold a column of this name, and they differ",
                where=where,
                found=name,
                expected=f"a name that {name_of_table(features, 'the feature table')} has not",
                remedy="rename it in the clinical table",
            )
    return joined


def _alike(features: pd.DataFrame, clinical: pd.DataFrame, name: str, patients: pd.Series) -> bool:
    """Compare as text, so that one file may serve as both tables."""
    ours, theirs = (
        id_text(frame[name].set_axis(id_text(frame["patient_id"])).loc[patients])
        for frame in (features, clinical)
    )
    return bool((ours.to_numpy(object) == theirs.to_numpy(object)).all())


def _identified(frame: pd.DataFrame, otherwise: str, remedy: str) -> pd.DataFrame:
    where = name_of_table(frame, otherwise)
    require_columns(frame, ["patient_id"], where)
    patients = id_text(frame["patient_id"])
    if (patients == "").any():
        raise TableError(
            "patient_id is empty",
            where=where,
            found=f"rows {listed(np.flatnonzero(patients == '') + 1)}",
            expected="a patient_id in every row",
            remedy="fill these cells, or delete these rows",
        )
    frame = frame.assign(patient_id=patients)
    _refuse_duplicates(frame, where, remedy)
    return frame


def _refuse_duplicates(frame: pd.DataFrame, where: str, remedy: str) -> None:
    twice = frame[frame["patient_id"].duplicated(keep=False)]
    if len(twice):
        apart = twice.groupby("patient_id").nunique(dropna=False).gt(1).any()
        columns = listed(apart.index[apart], 5)
        raise TableError(
            "a patient has several rows",
            where=where,
            found=f"{listed(twice['patient_id'].unique())}; these rows "
            + (f"contradict each other in {columns}" if columns else "are alike"),
            expected="one row a patient",
            remedy=remedy,
        )


def _unmatched(ours: pd.Series, theirs: pd.Series) -> dict[str, list[str]]:
    return {
        WITHOUT_CLINICAL: ours[~ours.isin(theirs)].tolist(),
        WITHOUT_FEATURES: theirs[~theirs.isin(ours)].tolist(),
    }


def _refuse_unmatched(
    dropped: dict[str, list[str]], nobody: bool, where: str, run: str | None
) -> None:
    found = [f"{what} ({len(ids)}): {listed(ids)}" for what, ids in dropped.items() if ids]
    if found:
        failed = [] if run is None else [*_failed(Run(Path(run)), dropped[WITHOUT_FEATURES])]
        mend = "mend the cases that failed, " if failed else ""
        raise TableError(
            "the tables do not hold the same patients",
            where=where,
            found="; ".join([*found, *failed]),
            expected="the same patient_id in both",
            remedy=WRITTEN_ALIKE
            if nobody
            else f"{mend}correct the tables, or leave these patients out with --drop-unmatched",
        )


def _failed(run: Run, patients: Sequence[str]) -> Iterator[str]:
    """Say whose cases failed, and where the run tells why."""
    for part in (run, run.patch_run):
        if part.failures_path.is_file():
            # Also where a later command goes on with the run.
            told, _ = read_table(part.failures_path, [PATIENT])
            count = len({*id_text(told[PATIENT])} & {*patients})
            if count:
                yield f"{count} of them failed, as {part.failures_path} explains"


def clean_columns(frame: pd.DataFrame, names: Sequence[str], where: str) -> pd.DataFrame:
    """Make named clinical columns numbers or categories.

    Parameters
    ----------
    frame : DataFrame
        With a column ``patient_id`` for the messages.
    names : sequence of str
        Its columns that are predictors.
    where : str
        What to call the table.

    Returns
    -------
    DataFrame
        Numbers saved as text are float64, text has no spaces around it, an empty text is missing.

    Raises
    ------
    TableError
        A column holds dates, infinity, text among numbers, or another text for nearly everyone.
    """
    return frame.assign(**{name: _cleaned(frame, name, where) for name in names})


def _cleaned(frame: pd.DataFrame, name: str, where: str) -> pd.Series:
    column = frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column
    if is_numeric_dtype(column.dtype):
        numbers = column.astype(np.float64)
        _refuse_cells(frame, name, numbers.abs() == np.inf, "a finite number", where)
        return numbers
    text = column.astype("str").str.strip().where(column.notna())
    text = text.where(text != "")
    if is_datetime64_any_dtype(column.dtype) or text.dropna().str.fullmatch(_DATE).any():
        _refuse_cells(frame, name, column.notna(), "numbers or categories, no dates", where)
    # A column of True and False is one of text as soon as a cell is empty.
    text = text.replace({"True": "1", "False": "0"}) if _is_truth(text) else text
    numbers = pd.to_numeric(text, errors="coerce").astype(np.float64)
    if numbers.notna().equals(text.notna()):
        return numbers
    if numbers.nunique() > _MOST_CODES and numbers.notna().sum() * 2 > text.notna().sum():
        _refuse_cells(frame, name, text.notna() & numbers.isna(), "numbers, or empty", where)
    if text.nunique() > max(_MOST_CODES, len(text) / 2):
        _refuse_cells(frame, name, text.notna(), "categories that patients share", where)
    return text


def _is_truth(text: pd.Series) -> bool:
    return bool(text.dropna().isin(["True", "False"]).all()) and bool(text.notna().any())


def label_columns(frame: pd.DataFrame, names: Iterable[str], where: str) -> pd.DataFrame:
    """Make columns that name a group, such as a hospital, text.

    Parameters
    ----------
    frame : DataFrame
        With a column ``patient_id`` for the messages.
    names : iterable of str
        Its columns.
    where : str
        What to call the table.

    Returns
    -------
    DataFrame
        Numbers are written as text: hospital 2 is not twice hospital 1.

    Raises
    ------
    TableError
        A cell is empty.
    """
    labels = {name: id_text(frame[name]).str.strip() for name in names}
    for name, column in labels.items():
        if (column == "").any():
            raise TableError(
                "patients belong to no group",
                where=f"{where}, column {name}",
                found=listed(frame["patient_id"][column == ""]),
                expected="a name in every row",
                remedy="fill these cells, if need be with a name for the unknown",
            )
    return frame.assign(**labels)


def _refuse_cells(
    frame: pd.DataFrame, name: str, wrong: pd.Series, expected: str, where: str
) -> None:
    if wrong.any():
        cells = zip(frame["patient_id"][wrong], frame[name][wrong], strict=True)
        raise TableError(
            "this column cannot be a predictor as it is",
            where=f"{where}, column {name}",
            found=listed((f"patient {patient}: {cell}" for patient, cell in cells), shown=5),
            expected=expected,
            remedy="correct these cells, or empty them where nothing is known; a model can be "
            "trained without the column: leave it out of --clinical-columns",
        )
