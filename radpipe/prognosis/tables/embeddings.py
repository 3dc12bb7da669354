"""Embeddings beside features: an encoder's columns, and the patches that it was shown."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import listed
from radpipe.prognosis.tables.reading import IDENTIFIERS, read_any, with_patient_id
from radpipe.store import MASK_VOLUME, Provenance
from radpipe.store.patches import PATCH_FILE
from radpipe.store.run import Run
from radpipe.store.table import read_provenance, read_row_keys, read_table

log = logging.getLogger("radpipe")


def is_of_encoder(provenance: Provenance | Mapping[str, Any] | None) -> bool:
    """Tell whether `radpipe embed` made a table.

    Parameters
    ----------
    provenance : Provenance, its dict, or None
        What the table says of itself.

    Returns
    -------
    bool
        Whether its columns are an encoder's.
    """
    if provenance is None:
        return False
    told = provenance.settings if isinstance(provenance, Provenance) else provenance["settings"]
    return "encoder" in told


def read_embeddings(path: Path, identifier: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read what `radpipe embed` made.

    Parameters
    ----------
    path : Path
        ``embeddings.parquet``.
    identifier : str
        Column that names the patient.

    Returns
    -------
    frame : DataFrame
        One row a case. An encoder that was fitted on these cases has no columns in it: whatever
        predicts must fit it anew, without those it is tested on. The column ``patch_file`` names
        the files to fit it on, where they are kept.
    facts : dict
        ``encoder``, ``columns``, ``training`` (how it was fitted on these cases, or None),
        ``provenance``.

    Raises
    ------
    TableError
        The table cannot be read, or was fitted on its cases and their patches are gone.
    """
    frame, provenance = read_any(path, (*IDENTIFIERS, identifier))
    if provenance is None or not is_of_encoder(provenance):
        raise TableError(
            "no table of embeddings",
            where=str(path),
            found="nothing that tells of an encoder",
            expected="what `radpipe embed` wrote",
            remedy="embed the cohort again, or remove the file",
        )
    frame = with_patient_id(frame, identifier, str(path))
    lost = _lost_patches(path, provenance.engine)
    if lost is None:
        frame = frame.assign(**{PATCH_FILE: [str(file) for file in _patch_files(path)]})
    elif provenance.settings.get("fitted_on"):
        raise lost
    return without_fitted(frame, asdict(provenance), str(path))


def without_fitted(
    frame: pd.DataFrame, provenance: dict[str, Any], where: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Take the columns of an encoder away that was fitted on these very cases.

    Parameters
    ----------
    frame : DataFrame
        One row a case.
    provenance : dict
        Of its encoder.
    where : str
        What to call the table.

    Returns
    -------
    tuple of (DataFrame, dict)
        As of :func:`read_embeddings`.

    Raises
    ------
    TableError
        It was fitted on them, and there are no patches to fit it anew.
    """
    encoder, settings = str(provenance["engine"]), provenance["settings"]
    columns = embedding_columns(frame.columns, encoder)
    training = settings["training"] if settings["fitted_on"] else None
    if training is not None:
        if PATCH_FILE not in frame:
            raise _without_patches(where, encoder)
        frame, columns = frame.drop(columns=columns), []
    told = {"encoder": encoder, "columns": columns, "training": training}
    return frame, {**told, "provenance": provenance}


def embedding_columns(names: Iterable[object], encoder: str) -> list[str]:
    """Choose the columns of an encoder.

    Parameters
    ----------
    names : iterable of str
        Columns of a table.
    encoder : str
        Its name.

    Returns
    -------
    list of str
        In their order.

    Examples
    --------
    >>> embedding_columns(["fmcib_0000", "fmcib_0001__GTV", "age"], "fmcib")
    ['fmcib_0000', 'fmcib_0001__GTV']
    """
    made = re.compile(rf"{re.escape(encoder)}_\d{{4,}}(__.+)?")
    return [str(name) for name in names if made.fullmatch(str(name))]


def join_embeddings(
    features: pd.DataFrame, path: Path, identifier: str
) -> tuple[pd.DataFrame, dict[str, Any] | None]:
    """Put embeddings beside the features of the same cases.

    Parameters
    ----------
    features : DataFrame
        One row a case, with ``case_id``.
    path : Path
        ``embeddings.parquet`` of the same cases.
    identifier : str
        Column that names the patient.

    Returns
    -------
    frame : DataFrame
        The rows of ``features``; empty cells where a case has no embedding.
    facts : dict or None
        Of :func:`read_embeddings`; None where patches to fit the encoder anew are gone, which is no
        matter of features and is logged as a warning to ``radpipe``.

    Raises
    ------
    TableError
        It cannot be read, or is of other masks.
    """
    provenance = read_provenance(path)
    if provenance is not None and provenance.settings.get("fitted_on"):
        lost = _lost_patches(path, provenance.engine)
        if lost is not None:
            log.warning("embeddings are left out: %s", lost)
            return features, None
    theirs, facts = read_embeddings(path, identifier)
    theirs = theirs.set_index("case_id")
    _require_same_masks(features, theirs, path)
    names = [*facts["columns"], *([PATCH_FILE] if PATCH_FILE in theirs.columns else [])]
    beside = theirs[names].reindex(features["case_id"]).set_axis(features.index)
    return pd.concat([features, beside], axis=1), facts


def _require_same_masks(features: pd.DataFrame, theirs: pd.DataFrame, path: Path) -> None:
    if MASK_VOLUME not in features or MASK_VOLUME not in theirs:
        return
    ours = features.set_index("case_id")[MASK_VOLUME]
    both = ours.index.intersection(theirs.index)
    other = both[(ours.loc[both] != theirs.loc[both, MASK_VOLUME]).to_numpy()]
    if len(other):
        raise TableError(
            "features and embeddings are of different masks",
            where=str(path),
            found=f"another {MASK_VOLUME} for {listed(other)}",
            expected="the same cases",
            remedy="extract and embed the same cohort",
        )


def without_embedding(frame: pd.DataFrame, facts: dict[str, Any]) -> pd.Series:
    """Tell which rows have features and no embedding.

    Parameters
    ----------
    frame : DataFrame
        One row a case or patient.
    facts : dict
        Of :func:`read_embeddings`.

    Returns
    -------
    Series of bool
        By row.
    """
    needed = [name for name in (*facts["columns"][:1], PATCH_FILE) if name in frame.columns]
    return frame[needed].isna().any(axis=1)


def _patch_files(path: Path) -> list[Path]:
    kept = Run(path.parent.absolute()).patch_run.patches
    return [kept.path_of(key) for key in read_row_keys(path)]


def _lost_patches(path: Path, encoder: str) -> TableError | None:
    there = [file.is_file() for file in _patch_files(path)]
    if not any(there):
        return _without_patches(str(path), encoder)
    if all(there):
        return None
    cases = read_table(path, ["case_id"])[0]["case_id"]
    return TableError(
        "patches that the encoder is fitted on are gone",
        where=str(Run(path.parent).patch_run.patches.path),
        found=f"none of {listed(cases[np.logical_not(there)])}",
        expected="the patch of every case in embeddings.parquet",
        remedy="give the same `radpipe embed` command again: it cuts these anew",
    )


def _without_patches(where: str, encoder: str) -> TableError:
    return TableError(
        "these columns were fitted on the very cases that they would predict",
        where=where,
        found=f"{encoder}, fitted on this cohort, and no patches to fit it anew in each fold",
        expected="the directory of `radpipe embed`, with all that it kept",
        remedy="give that directory; or embed with --weights, which leaves nothing to be fitted",
    )
