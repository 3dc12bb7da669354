"""What an evaluation found, in memory and on disk.

::

    EVAL/
      metrics.json            all measures with intervals, design, cohort, source, versions
      predictions.parquet     risks of patients that the model had not seen
      contributions.parquet   what each column added
      selected.parquet        how often each feature was used
      subgroups.parquet       clinical columns of the patients, for subgroups
      similar.parquet         training patients most like each patient, to an encoder
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.errors import RunError
from radpipe.prognosis.survival import Interval
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.store import read_table, write_table
from radpipe.store.files import empty_directory, read_json, write_json

SCHEMA_VERSION = 5
# Below this a test fold of five holds three events or fewer, and tuning has no more to go by.
MIN_EVENTS = 20
# Whose median divides the risk groups of a validation.
TRAINING, COHORT = "training patients", "patients of this cohort"
_METRICS, _PREDICTIONS = "metrics.json", "predictions.parquet"
_OPTIONAL = ("contributions", "selected", "subgroups", "similar")


@dataclass(frozen=True)
class Evaluation:
    """Result of :func:`evaluate` or :func:`validate`.

    Attributes
    ----------
    metrics : dict
        Content of ``metrics.json``.
    predictions : DataFrame
        One row a model, repeat and patient: ``model``, ``repeat``, ``fold``, ``patient_id``,
        ``case_id``, ``time`` (survival), ``event``, ``risk_score``, ``group``, and
        ``survival_at_<horizon>`` or ``probability``.
    contributions : DataFrame or None
        ``model``, ``feature``, ``mean_abs_contribution``, largest first.
    selected : DataFrame or None
        ``model``, ``feature``, ``cluster``, ``chosen``, ``cluster_chosen``.
    subgroups : DataFrame or None
        ``case_id`` and the named clinical columns.
    similar : DataFrame or None
        ``fold``, ``case_id``, ``rank``, ``similar``, ``cosine``, ``similar_percentile``: of the
        first repeat, each patient beside the training patients of the fold that tested it.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    contributions: pd.DataFrame | None = None
    selected: pd.DataFrame | None = None
    subgroups: pd.DataFrame | None = None
    similar: pd.DataFrame | None = None

    def __repr__(self) -> str:
        cohort = self.metrics["cohort"]
        told = f"{cohort['patients']} patients, {cohort['events']} events"
        return f"<{self.metrics['kind']} of {', '.join(self.metrics['models'])}: {told}>"

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
        write_table(folder / _PREDICTIONS, self.predictions)
        for name in _OPTIONAL:
            table = getattr(self, name)
            if table is not None:
                write_table(folder / f"{name}.parquet", table)
        write_json(folder / _METRICS, self.metrics)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : str or Path
            The directory.

        Returns
        -------
        Evaluation
            The result.

        Raises
        ------
        RunError
            It holds no evaluation, or one of a newer layout.
        TableError
            A table of it cannot be read.
        """
        folder = Path(path)
        metrics = _read_metrics(folder)
        files = {name: folder / f"{name}.parquet" for name in _OPTIONAL}
        tables = {name: read_table(file)[0] for name, file in files.items() if file.is_file()}
        return cls(metrics, read_table(folder / _PREDICTIONS)[0], **tables)


def _read_metrics(folder: Path) -> dict[str, Any]:
    path = folder / _METRICS
    try:
        metrics: dict[str, Any] = read_json(path)
        schema = int(metrics["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            "no evaluation in this directory",
            where=str(folder),
            found=f"no {_METRICS}" if not path.exists() else f"{_METRICS}: {error}",
            expected="a directory that `radpipe evaluate --out` made",
            remedy="mend the path, or evaluate first",
        ) from error
    if schema != SCHEMA_VERSION:
        newer = schema > SCHEMA_VERSION
        raise RunError(
            f"the evaluation was written by {'a newer' if newer else 'an older'} radpipe",
            where=str(folder),
            found=f"layout {schema}",
            expected=f"layout {SCHEMA_VERSION}",
            remedy="update radpipe" if newer else "evaluate or validate again",
        )
    return metrics


def interval_facts(interval: Interval) -> dict[str, float]:
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


def facts_or_none(interval: Interval | None) -> dict[str, float] | None:
    """Do so where there is an interval.

    Parameters
    ----------
    interval : Interval or None
        Estimate and ends.

    Returns
    -------
    dict of str to float or None
        As of :func:`interval_facts`.
    """
    return None if interval is None else interval_facts(interval)


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
