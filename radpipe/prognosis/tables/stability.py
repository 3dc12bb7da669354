"""Which features withstand another scan or another hand: intraclass correlations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import feature_columns, listed, name_of_table, require_columns
from radpipe.prognosis.tables.reading import IDENTIFIERS, read_any
from radpipe.store import MASK_VOLUME, Run

UNPERTURBED = "unperturbed"
_CONFIDENCE = 0.95
# Of a feature's largest magnitude: below, it is constant but for rounding.
_CONSTANT = 1e-12
# "Good" by Koo and Li 2016, doi 10.1016/j.jcm.2016.02.012.
LEAST_STABLE = 0.75
_Values = npt.NDArray[np.float64]


def load_stability(path: str | Path) -> pd.DataFrame:
    """Load how stable features are, or find it out from repeated extractions.

    Parameters
    ----------
    path : str or Path
        A run, or a feature table, of perturbed or repeatedly segmented cases; or a CSV file with
        the columns ``feature``, ``icc`` and, if it is known, ``low``.

    Returns
    -------
    DataFrame
        Indexed by feature, with the columns ``icc`` and ``low`` (float64) of :func:`stability`.

    Raises
    ------
    TableError
        It cannot be read, holds no repetitions, or a correlation is no number up to 1.
    RunError
        The directory holds no finished run.
    """
    path = Path(path)
    frame = (
        Run(path).features()[0] if path.is_dir() else read_any(path, (*IDENTIFIERS, "feature"))[0]
    )
    frame.attrs["source"] = str(path)
    if not {"patient_id", UNPERTURBED} & {*frame.columns}:
        return _as_given(frame, str(path))
    return stability(frame)


def stability(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute ICC(1,1) of every feature, with the lower end of its 95 % interval.

    How much of a feature's variance lies between cases, rather than between repetitions of one
    case: one-way random effects, a single measurement (Shrout and Fleiss 1979,
    doi:10.1037/0033-2909.86.2.420). Cases may have different numbers of repetitions; the interval
    is then an approximation. It supposes values that are roughly normal: one huge tumour among
    small ones makes any feature that grows with volume look stable. What is drawn apart (several
    perturbations in one table) is pooled.

    Parameters
    ----------
    frame : DataFrame
        Several rows a case, which the column ``unperturbed`` names; without it, several rows a
        patient, all of one ROI. Missing values are left out.

    Returns
    -------
    DataFrame
        Indexed by feature, in the table's order: ``icc`` and ``low`` (float64), at most 1 and
        below 0 where repetitions differ more than cases; NaN where the feature is constant.

    Raises
    ------
    TableError
        There are no features, or not two cases of which one has two rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"patient_id": list("aabb"), "shape_Volume": [1.0, 2.0, 7.0, 8.0]})
    >>> stability(rows)["icc"].round(3).to_dict()
    {'shape_Volume': 0.973}
    """
    where = name_of_table(frame, "the table of repetitions")
    group = UNPERTURBED if UNPERTURBED in frame.columns else "patient_id"
    require_columns(frame, [group], where)
    names = [name for name in (MASK_VOLUME, *feature_columns(frame)) if name in frame.columns]
    codes, cases = pd.factorize(frame[group])
    if not names or not 2 <= len(cases) < len(frame):
        raise TableError(
            "stability cannot be told from this table",
            where=where,
            found=f"{len(names)} features, {len(frame)} rows of {len(cases)} cases ({group})",
            expected="features of two cases or more, several rows each",
            remedy="extract the cohort that `radpipe perturb` makes, or name a CSV feature,icc",
        )
    return pd.DataFrame(
        _icc(frame[names].to_numpy(np.float64), codes), index=pd.Index(names, name="feature")
    )


def stability_scores(table: pd.DataFrame) -> dict[str, float]:
    """Take one number a feature: the lower end of its interval, or the estimate where that is all.

    Parameters
    ----------
    table : DataFrame
        Of :func:`load_stability`.

    Returns
    -------
    dict of str to float
        Features whose stability is known.
    """
    known = table["low"].fillna(table["icc"]).dropna()
    return {str(name): float(value) for name, value in known.items()}


def _icc(values: _Values, codes: npt.NDArray[np.intp]) -> dict[str, _Values]:
    known = np.isfinite(values)
    values = np.where(known, values, 0.0)
    mean = values.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    # From the mean, so that squares of large values keep their digits.
    away = np.where(known, values - mean, 0.0)
    counts, sums = _summed(known.astype(np.float64), codes), _summed(away, codes)
    means = sums / np.maximum(counts, 1)
    total, cases = counts.sum(axis=0), np.count_nonzero(counts, axis=0)
    within = (np.where(known, away - means[codes], 0.0) ** 2).sum(axis=0)
    between = (counts * means**2).sum(axis=0)
    largest = np.abs(values).max(axis=0)
    told = (cases > 1) & (total > cases) & (within + between > total * (_CONSTANT * largest) ** 2)
    # Rows a case; with unequal numbers, what makes the mean squares' expectations right.
    rows = (total - (counts**2).sum(axis=0) / np.maximum(total, 1)) / np.maximum(cases - 1, 1)
    rows = np.maximum(rows, 1)
    free = cases - 1, total - cases
    ratio = _ratio(between / np.maximum(free[0], 1), within / np.maximum(free[1], 1))
    least = stats.f.ppf((1 + _CONFIDENCE) / 2, np.maximum(free[0], 1), np.maximum(free[1], 1))
    return {
        "icc": np.where(told, _correlation(ratio, rows), np.nan),
        "low": np.where(told, _correlation(ratio / least, rows), np.nan),
    }


def _summed(values: _Values, codes: npt.NDArray[np.intp]) -> _Values:
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _ratio(between: _Values, within: _Values) -> _Values:
    return np.divide(between, within, out=np.full_like(between, np.inf), where=within > 0)


def _correlation(ratio: _Values, rows: _Values) -> _Values:
    """Make a correlation of a ratio of mean squares; infinite where repetitions are equal."""
    finite = np.where(np.isfinite(ratio), ratio, 1.0)
    return np.where(np.isfinite(ratio), (finite - 1) / (finite + rows - 1), 1.0)


def _as_given(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    require_columns(frame, ["feature", "icc"], where)
    low = frame["low"] if "low" in frame.columns else pd.Series(np.nan, index=frame.index)
    numbers = {"icc": frame["icc"], "low": low}
    table = pd.DataFrame(
        {name: pd.to_numeric(found, errors="coerce") for name, found in numbers.items()},
        dtype=np.float64,
    ).set_axis(pd.Index(frame["feature"], name="feature"))
    wrong = table.index[~(table["icc"] <= 1) | (table["low"] > table["icc"])]
    twice = table.index[table.index.duplicated()]
    if len(wrong) or len(twice):
        raise TableError(
            "no correlation of a feature" if len(wrong) else "a feature stands there twice",
            where=f"{where}, column feature",
            found=listed(wrong if len(wrong) else twice),
            expected="one row a feature, icc at most 1, low at most icc",
            remedy="correct these rows, or delete them: what is not named is unknown",
        )
    return table
