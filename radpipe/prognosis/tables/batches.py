"""Scanners and hospitals whose features are to be harmonised."""

from __future__ import annotations

import pandas as pd

from radpipe.prognosis.tables.columns import id_text

LEAST_PATIENTS = 3
MISSING = "(missing)"


def batch_labels(batch: pd.Series) -> pd.Series:
    """Write scanners or hospitals as text.

    Parameters
    ----------
    batch : Series
        Their column.

    Returns
    -------
    Series of str
        ``(missing)`` where a cell is empty.
    """
    return id_text(batch).replace("", MISSING)


def harmonisable(labels: pd.Series) -> list[str]:
    """Name the batches that ComBat can estimate.

    Parameters
    ----------
    labels : Series of str
        Of :func:`batch_labels`, of training patients.

    Returns
    -------
    list of str
        Sorted; none where fewer than two have three patients.
    """
    patients = labels[labels != MISSING].value_counts()
    usable = sorted(patients.index[patients >= LEAST_PATIENTS])
    return usable if len(usable) > 1 else []
