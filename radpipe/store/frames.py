"""The three tables of a run, put together from rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from radpipe.store.rows import Failure
from radpipe.store.table import KEY_COLUMNS

_INPUTS = ("image", "image_sha256", "mask", "mask_sha256")
_TOLD = ("stage", "error", "message", "remedy")


@dataclass(frozen=True)
class Entry:
    """One case of the manifest, and the key of what the run holds for it.

    Attributes
    ----------
    keys : dict
        ``case_id`` … ``label`` and any further manifest column.
    row_key : str
        Of its row or failure.
    inputs : dict
        ``image``, ``mask``, their hashes, ``label_channel``.
    """

    keys: dict[str, Any]
    row_key: str
    inputs: dict[str, Any]


def feature_frame(
    entries: Sequence[Entry], values: pd.DataFrame, key_columns: Sequence[str]
) -> pd.DataFrame:
    """Make the feature table.

    Parameters
    ----------
    entries : sequence of Entry
        Cases whose rows are among ``values``, in order.
    values : DataFrame
        Numbers, indexed by row key.
    key_columns : sequence of str
        ``case_id`` … and the manifest's further columns.

    Returns
    -------
    DataFrame
        One row an entry.
    """
    chosen = values.loc[[entry.row_key for entry in entries]].reset_index(drop=True)
    return pd.concat([key_frame([entry.keys for entry in entries], key_columns), chosen], axis=1)


def diagnostics_frame(entries: Sequence[Entry], told: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Make the table of what cases were made from, and what the engine says about them.

    Parameters
    ----------
    entries : sequence of Entry
        Cases, in order.
    told : dict of str to dict
        Diagnostics and picture by row key.

    Returns
    -------
    DataFrame
        One row an entry; the types of columns depend on the values alone, not on which of them
        came from an earlier table.
    """
    records = []
    for entry in entries:
        known = {"case_id": entry.keys["case_id"], "row_key": entry.row_key, **entry.inputs}
        # What an earlier table says of the inputs may be another path of the same bytes.
        records.append(known | {k: v for k, v in told[entry.row_key].items() if k not in known})
    if not records:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("case_id", "row_key")})
    return pd.DataFrame(records).convert_dtypes()


def failure_frame(entries: Sequence[Entry], failures: dict[str, Failure]) -> pd.DataFrame:
    """Make the table of failed cases.

    Parameters
    ----------
    entries : sequence of Entry
        Cases, in order.
    failures : dict of str to Failure
        By row key.

    Returns
    -------
    DataFrame
        Keys, ``stage``, ``error``, ``message``, ``remedy``, ``row_key``, and the
        inputs' paths and hashes.
    """
    keys = key_frame([entry.keys for entry in entries], KEY_COLUMNS)
    found = [failures[entry.row_key] for entry in entries]
    columns = {name: [getattr(failure, name) for failure in found] for name in _TOLD}
    columns["message"] = [
        _named(entry, failure) for entry, failure in zip(entries, found, strict=True)
    ]
    columns["row_key"] = [entry.row_key for entry in entries]
    columns |= {name: [entry.inputs[name] for entry in entries] for name in _INPUTS}
    return keys.assign(**{name: pd.Series(cells, dtype="str") for name, cells in columns.items()})


def _named(entry: Entry, failure: Failure) -> str:
    where = f"case {entry.keys['case_id']}"
    image, mask = entry.inputs["image"], entry.inputs["mask"]
    if image not in failure.message and mask not in failure.message:
        where += f" (image {image}, mask {mask})"
    return f"{where}: {failure.message}"


def key_frame(keys: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Make the columns that name cases.

    Parameters
    ----------
    keys : sequence of dict
        One a case.
    columns : sequence of str
        Which of them, in order.

    Returns
    -------
    DataFrame
        One row a case.
    """
    frame = pd.DataFrame({name: [row.get(name) for row in keys] for name in columns})
    for name in ("case_id", "patient_id", "modality", "roi"):
        frame[name] = frame[name].astype("str").where(frame[name].notna(), "")
    frame["label"] = frame["label"].astype("Int64")
    return frame
