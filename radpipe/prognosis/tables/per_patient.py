"""Several rows a patient become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import listed, name_of_table, volume_column
from radpipe.store import MASK_VOLUME


def reduce_to_patients(
    frame: pd.DataFrame,
    how: str | None,
    where: str,
    features: Sequence[str],
    volume: str | None = None,
) -> pd.DataFrame:
    """Make one row a patient.

    Parameters
    ----------
    frame : DataFrame
        With the columns ``case_id`` and ``patient_id``.
    how : str or None
        A name in ``PER_PATIENT``; None refuses several rows.
    where : str
        What to call the table.
    features : sequence of str
        Columns that are features.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.

    Returns
    -------
    DataFrame
        One row a patient, in the order of their first rows.

    Raises
    ------
    TableError
        Several rows a patient and no way named, an unknown way, or one that the table lacks the
        columns for.
    """
    if how is not None and how not in PER_PATIENT:
        raise TableError(
            "unknown way",
            where="--per-patient",
            found=how,
            expected=_WAYS,
            remedy="give one of these",
        )
    repeated = frame["patient_id"].duplicated(keep=False)
    if not repeated.any():
        return frame
    if how is None:
        raise TableError(
            "several rows a patient",
            where=where,
            found=listed(frame["patient_id"][repeated].unique()),
            expected="one row a patient",
            remedy=f"keep one row a patient, or evaluate and train with --per-patient {_WAYS}",
        )
    known = [name for name in (MASK_VOLUME, volume) if name is not None]
    sizes = [name for name in known if name in frame.columns]
    return PER_PATIENT[how](frame, [*dict.fromkeys([*sizes, *features])], volume)


def _largest(frame: pd.DataFrame, numbers: list[str], named: str | None) -> pd.DataFrame:
    volume = volume_column(frame, named)
    if volume is None:
        raise TableError(
            "the largest ROI cannot be told",
            where=name_of_table(frame, "the feature table"),
            found="no volume column",
            expected=MASK_VOLUME,
            remedy="take --per-patient mean or wide, or add the column",
        )
    by_size = frame.sort_values(volume, ascending=False, kind="stable")
    kept = by_size.drop_duplicates("patient_id").index
    return frame.loc[kept].sort_index().reset_index(drop=True)


def _mean(frame: pd.DataFrame, numbers: list[str], named: str | None) -> pd.DataFrame:
    patients = frame.groupby("patient_id", sort=False)
    rest = [name for name in frame.columns if name not in numbers and name != "patient_id"]
    merged = pd.concat([patients[rest].first(), patients[numbers].mean()], axis=1).reset_index()
    return merged[list(frame.columns)]


def _wide(frame: pd.DataFrame, numbers: list[str], named: str | None) -> pd.DataFrame:
    suffix = _suffixes(frame)
    twice = frame.assign(suffix=suffix).duplicated(["patient_id", "suffix"])
    if twice.any():
        raise TableError(
            "two rows of a patient have the same ROI, modality and label",
            where=name_of_table(frame, "the feature table"),
            found=listed(frame["patient_id"][twice].unique()),
            expected="rows that differ in one of them",
            remedy="name the ROIs in the manifest, or take --per-patient largest or mean",
        )
    # Sorted, so that another cohort of the same ROIs gets the same columns in the same order.
    parts = [
        part.set_index("patient_id")[numbers].add_suffix(f"__{name}")
        for name, part in sorted(frame.groupby(suffix))
    ]
    keys = frame.drop_duplicates("patient_id")[["case_id", "patient_id"]]
    return keys.join(pd.concat(parts, axis=1), on="patient_id").reset_index(drop=True)


def _suffixes(frame: pd.DataFrame) -> pd.Series:
    parts = [name for name in ("roi", "modality", "label") if name in frame.columns]
    telling = [name for name in parts if len(frame[name].unique()) > 1]
    if not telling:
        return pd.Series("", index=frame.index)
    return frame[telling].astype("str").agg("_".join, axis=1)


PER_PATIENT: dict[str, Callable[[pd.DataFrame, list[str], str | None], pd.DataFrame]] = {
    "largest": _largest,
    "mean": _mean,
    "wide": _wide,
}
_WAYS = "|".join(PER_PATIENT)
