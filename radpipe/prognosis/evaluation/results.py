"""What an evaluation found, in memory and on disk.

::

    EVAL/
      metrics.json            C-indices with intervals, design, cohort, source, versions
      predictions.parquet     risk scores of patients that the model had not seen
      contributions.parquet   what each feature added, where a model tells
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.models.storage import empty_directory
from radpipe.prognosis.survival import Interval
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.store import write_table
from radpipe.store.files import write_json

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Evaluation:
    """Result of :func:`evaluate` or :func:`validate`.

    Attributes
    ----------
    metrics : dict
        Content of ``metrics.json``.
    predictions : DataFrame
        One row a model, repeat and patient: ``model``, ``repeat``, ``fold``, ``patient_id``,
        ``case_id``, ``time``, ``event``, ``risk_score``, ``group``.
    contributions : DataFrame or None
        ``feature`` and ``mean_abs_contribution``, largest first.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    contributions: pd.DataFrame | None = None

    def save(self, path: str | Path) -> None:
        """Write the result.

        Parameters
        ----------
        path : str or Path
            A new or empty directory.

        Raises
        ------
        RunError
            It is not empty.
        """
        folder = empty_directory(path)
        write_table(folder / "predictions.parquet", self.predictions)
        if self.contributions is not None:
            write_table(folder / "contributions.parquet", self.contributions)
        write_json(folder / "metrics.json", self.metrics)


def c_index_facts(interval: Interval) -> dict[str, float]:
    """Name the parts of an interval as ``metrics.json`` does.

    Parameters
    ----------
    interval : Interval
        Estimate and ends.

    Returns
    -------
    dict of str to float
        ``estimate``, ``low``, ``high``.
    """
    return {name: float(value) for name, value in interval._asdict().items()}


def risk_groups(risk: Floats, training_median: float) -> NDArray[np.str_]:
    """Divide patients at a risk that was known before them.

    Parameters
    ----------
    risk : ndarray of float64, shape (n,)
        Risk scores.
    training_median : float
        Median risk of the training patients; that of the test patients would leak.

    Returns
    -------
    ndarray of str, shape (n,)
        ``high`` above it, else ``low``.
    """
    return np.where(risk > training_median, "high", "low")


def ranked(contributions: pd.Series) -> pd.DataFrame:
    """Sort contributions, largest first, names deciding between equals.

    Parameters
    ----------
    contributions : Series
        Mean absolute contribution by feature.

    Returns
    -------
    DataFrame
        ``feature``, ``mean_abs_contribution``.
    """
    frame = pd.DataFrame(
        {
            "feature": contributions.index.astype("str"),
            "mean_abs_contribution": contributions.to_numpy(np.float64),
        }
    )
    by = ["mean_abs_contribution", "feature"]
    return frame.sort_values(by, ascending=[False, True]).reset_index(drop=True)
