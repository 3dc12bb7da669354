"""Which patients ComBat can harmonise, and which it could not."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence

import numpy as np
import pandas as pd

from radpipe.errors import TableError
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.survival.splits import Fold
from radpipe.prognosis.tables.batches import LEAST_PATIENTS, batch_labels, harmonisable
from radpipe.prognosis.tables.columns import counted, listed
from radpipe.prognosis.tables.steps import require_not_confounded

log = logging.getLogger("radpipe")


def require_harmonisable(study: Study) -> None:
    """Refuse a batch that is no use, or would take the outcome along.

    Parameters
    ----------
    study : Study
        The cohort; one without a batch passes.

    Raises
    ------
    TableError
        Fewer than two batches are large enough, or the batch is confounded with the outcome.
    """
    if study.harmonised is None:
        return
    labels = batch_labels(study.frame[study.harmonised])
    if not harmonisable(labels):
        raise TableError(
            "nothing to harmonise",
            where=f"{study.where}, column {study.harmonised}",
            found=_in_words(_counts(labels)),
            expected=f"two scanners or hospitals of {LEAST_PATIENTS} patients or more",
            remedy="leave --batch out, or join small ones in this column",
        )
    require_not_confounded(study.frame[study.harmonised], study.endpoint, study.harmonised)


def unharmonised_in(study: Study, parts: Sequence[Fold]) -> dict[str, int] | None:
    """Count the patients whom a fold's model scored as they were extracted.

    Parameters
    ----------
    study : Study
        The cohort.
    parts : sequence of Fold
        Outer folds.

    Returns
    -------
    dict of str to int
        By batch; None without any such patient.
    """
    if study.batch is None:
        return None
    labels = batch_labels(study.frame[study.batch])
    raw = np.zeros(len(labels), dtype=bool)
    for part in parts:
        known = harmonisable(labels.iloc[part.train]) if study.harmonised else []
        raw[part.test] |= ~labels.iloc[part.test].isin(known).to_numpy()
    return _counts(labels[raw]) or None


def unharmonised(batch: pd.Series, known: Container[str]) -> dict[str, int] | None:
    """Count the patients of batches that a model does not know.

    Parameters
    ----------
    batch : Series
        Scanner or hospital of each patient.
    known : container of str
        Batches that the model harmonises.

    Returns
    -------
    dict of str to int
        By batch; None without any such patient.
    """
    counts = _counts(batch_labels(batch))
    return {name: count for name, count in counts.items() if name not in known} or None


def warn_of_unharmonised(raw: Mapping[str, int] | None) -> None:
    """Warn of patients whose values still hold what their scanner adds.

    Parameters
    ----------
    raw : mapping of str to int, or None
        Patients by batch.
    """
    if raw:
        log.warning(
            "not harmonised, since training lacks them or has fewer than %d patients: %s",
            LEAST_PATIENTS,
            _in_words(raw),
        )


def _in_words(counts: Mapping[str, int]) -> str:
    return listed(f"{name} ({counted(count, 'patient')})" for name, count in counts.items())


def _counts(labels: pd.Series) -> dict[str, int]:
    found = labels.value_counts().sort_index()
    return {str(name): int(count) for name, count in found.items()}
