"""Is it real? The same procedure where nothing can be found, and with fewer patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from radpipe.prognosis.evaluation.harness import Bench, Fitted, concordance, run_fold
from radpipe.prognosis.evaluation.measures import Pooled, log_rank
from radpipe.prognosis.models.base import Model, fewest_of
from radpipe.prognosis.survival import binary_sample_size, repeated_folds, survival_sample_size
from radpipe.prognosis.survival.endpoint import Floats, events_of, is_binary
from radpipe.prognosis.survival.splits import Fold

LABELS, FEATURES, NOTHING = "labels", "features", "nothing"
_SHARES = (0.4, 0.6, 0.8)
# Fewer events than that for a candidate have long been called too few (Peduzzi et al. 1995,
# doi 10.1016/0895-4356(95)00048-8); Riley's criteria are the better answer.
EVENTS_PER_VARIABLE = 10


@dataclass(frozen=True)
class Permuted:
    """One run of the whole procedure on permuted data.

    Attributes
    ----------
    value : float or None
        Mean C-index or AUC over its folds.
    statistic : float or None
        Log-rank statistic of its out-of-fold groups.
    """

    value: float | None
    statistic: float | None


class Chance(NamedTuple):
    """How often permuted outcomes do as well.

    Attributes
    ----------
    p : float or None
        The share.
    permutations : int
        Of how many.
    """

    p: float | None
    permutations: int


@dataclass(frozen=True)
class Permutation:
    """What to permute.

    Attributes
    ----------
    what : str
        ``labels``: outcomes among patients. ``features``: rows of features among patients, clinical
        columns and volume stay with their outcomes. ``nothing``: what the others are compared with,
        the same procedure once on the data as they are.
    seed : int
        Of the permutation.
    """

    what: str
    seed: int


def untuned(bench: Bench, name: str) -> Bench:
    """Keep one model, with the default settings.

    Parameters
    ----------
    bench : Bench
        All models.
    name : str
        The one.

    Returns
    -------
    Bench
        Of it alone.
    """
    model, columns = bench.models[name]
    return replace(bench, models={name: (clone(model).set_params(trials=0), columns)})


def run_permutation(
    bench: Bench,
    features: Sequence[str],
    folds: int,
    permutation: Permutation,
    centres: Sequence[Fold] | None = None,
) -> Permuted:
    """Cross-validate one model once on permuted data.

    Parameters
    ----------
    bench : Bench
        One model.
    features : sequence of str
        Columns that are permuted as features.
    folds : int
        Outer folds.
    permutation : Permutation
        What to permute.
    centres : sequence of Fold, optional
        The folds, where each is a hospital; else patients are shuffled anew.

    Returns
    -------
    Permuted
        What came out.
    """
    (name,) = bench.models
    order = np.random.default_rng(permutation.seed).permutation(len(bench.y))
    if permutation.what == LABELS:
        bench = replace(bench, y=bench.y[order])
    elif permutation.what == FEATURES:
        frame = bench.frame.copy()
        # Column by column, since they may hold numbers and words.
        frame[[*features]] = bench.frame[[*features]].iloc[order].set_axis(frame.index)
        bench = replace(bench, frame=frame)
    shuffled = repeated_folds(events_of(bench.y), repeats=1, folds=folds, seed=permutation.seed)
    done = [run_fold(bench, part)[name] for part in centres or shuffled]
    statistic = None if is_binary(bench.y) else log_rank(pool(done, bench))
    return Permuted(mean_value(done), statistic)


def pool(done: Sequence[Fitted], bench: Bench) -> Pooled:
    """Put the folds of one repeat together.

    Parameters
    ----------
    done : sequence of Fitted
        Folds of one repeat.
    bench : Bench
        What they have in common.

    Returns
    -------
    Pooled
        Patients that were tested, in the table's order.
    """
    places = np.concatenate([one.fold.test for one in done])
    order = np.argsort(places, kind="stable")
    null = [np.broadcast_to(one.null, one.predicted.shape) for one in done]
    fold = [np.full(len(one.risk), one.fold.fold) for one in done]
    return Pooled(
        y=bench.y[places[order]],
        risk=np.concatenate([one.risk for one in done])[order],
        predicted=np.concatenate([one.predicted for one in done])[order],
        null=np.concatenate(null)[order],
        group=np.concatenate([one.group for one in done])[order],
        fold=np.concatenate(fold)[order],
        times=bench.times,
    )


def mean_value(done: Sequence[Fitted]) -> float | None:
    """Average the C-index or AUC over folds.

    Parameters
    ----------
    done : sequence of Fitted
        Folds.

    Returns
    -------
    float or None
        None where it is defined in none.
    """
    known = [one.value for one in done if one.value is not None]
    return float(np.mean(known)) if known else None


def p_value(observed: float | None, permuted: Sequence[float | None]) -> float | None:
    """Return the share of permutations that do as well.

    Parameters
    ----------
    observed : float or None
        What the data gave.
    permuted : sequence of float or None
        What permuted data gave.

    Returns
    -------
    float or None
        The observed one counts among them (Phipson and Smyth 2010, doi 10.2202/1544-6115.1585), so
        that p is never zero.
    """
    known = [value for value in permuted if value is not None]
    if observed is None or not known:
        return None
    return (1 + sum(value >= observed for value in known)) / (1 + len(known))


@dataclass(frozen=True)
class Shortened:
    """An outer fold with a share of its training patients.

    Attributes
    ----------
    fold : Fold
        The fold, all training patients in it.
    share : float
        Of them.
    """

    fold: Fold
    share: float


def learning_parts(parts: Sequence[Fold]) -> list[Shortened]:
    """Choose the folds of a learning curve: those of the first repeat.

    Parameters
    ----------
    parts : sequence of Fold
        All outer folds.

    Returns
    -------
    list of Shortened
        For each share each fold.
    """
    first = [part for part in parts if part.repeat == 0]
    return [Shortened(part, share) for share in _SHARES for part in first]


def run_shortened(bench: Bench, seed: int, shortened: Shortened) -> tuple[int, float | None]:
    """Fit one model to a share of a fold's training patients.

    Parameters
    ----------
    bench : Bench
        One model.
    seed : int
        Of the draw.
    shortened : Shortened
        Fold and share.

    Returns
    -------
    tuple of (int, float or None)
        Training patients; C-index or AUC in the test fold, None with too few events to learn from.
    """
    ((made, columns),) = bench.models.values()
    fold = shortened.fold
    random = np.random.default_rng([seed, fold.fold, round(100 * shortened.share)])
    event = events_of(bench.y)[fold.train]
    kept = np.sort(
        np.concatenate(
            [
                random.permutation(fold.train[event == one])[
                    : round(shortened.share * int((event == one).sum()))
                ]
                for one in (False, True)
            ]
        )
    )
    if fewest_of(bench.y[kept]) < made.inner_folds:
        return len(kept), None
    model: Model = clone(made).fit(bench.frame.iloc[kept][columns], bench.y[kept])
    risk = model.predict(bench.frame.iloc[fold.test][columns])
    return len(kept), concordance(bench.y[fold.test], risk)


def learning_curve(
    parts: Sequence[Shortened],
    found: Sequence[tuple[int, float | None]],
    whole: Sequence[Fitted],
    key: str,
) -> list[dict[str, Any]]:
    """Summarise a learning curve.

    Parameters
    ----------
    parts : sequence of Shortened
        What was run.
    found : sequence of tuple of (int, float or None)
        What came out, in the same order.
    whole : sequence of Fitted
        The folds with all their training patients.
    key : str
        ``c_index`` or ``auc``.

    Returns
    -------
    list of dict
        ``share``, ``patients``, the mean, and ``low`` and ``high``, the extremes of the folds.
    """
    rows = [(part.share, *each) for part, each in zip(parts, found, strict=True)]
    rows += [(1.0, len(one.fold.train), one.value) for one in whole if one.fold.repeat == 0]
    curve = []
    for share in sorted({row[0] for row in rows}):
        of_share = [row[1:] for row in rows if row[0] == share]
        known = [(count, value) for count, value in of_share if value is not None]
        if known:
            counts, values = zip(*known, strict=True)
            curve.append(
                {
                    "share": share,
                    "patients": round(float(np.mean(counts))),
                    key: float(np.mean(values)),
                    "low": min(values),
                    "high": max(values),
                }
            )
    return curve


def events_per_variable(y: NDArray[Any], candidates: int, used: float) -> dict[str, Any]:
    """Relate events to columns.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint.
    candidates : int
        Columns offered.
    used : float
        Columns used, averaged over folds.

    Returns
    -------
    dict
        ``candidates``, ``per_candidate``, ``used``, ``per_used``, ``warning``.
    """
    events = fewest_of(y)
    ratio = events / max(candidates, 1)
    warning = None
    if ratio < EVENTS_PER_VARIABLE:
        warning = (
            f"{events} events for {candidates} candidate columns: fewer than "
            f"{EVENTS_PER_VARIABLE} for each, so that only strong regularisation keeps the model "
            "from learning chance"
        )
    return {
        "candidates": candidates,
        "per_candidate": ratio,
        "used": used,
        "per_used": events / used if used else None,
        "warning": warning,
    }


def riley(y: NDArray[Any], parameters: int, horizons: Floats) -> dict[str, Any] | None:
    """Ask how many patients a model with so many candidates would need.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The endpoint.
    parameters : int
        Candidate columns.
    horizons : ndarray of float64, shape (h,)
        Those allowed; the middle one is of interest.

    Returns
    -------
    dict or None
        Riley's criteria, ``parameters`` and ``enough``; None without a horizon.
    """
    parameters = max(parameters, 1)
    if is_binary(y):
        need = binary_sample_size(parameters, float(y.mean()))
    elif len(horizons) == 0:
        return None
    else:
        horizon = float(horizons[len(horizons) // 2])
        rate = float(y["event"].sum() / y["time"].sum())
        need = survival_sample_size(parameters, rate, float(y["time"].mean()), horizon)
    return {**need, "parameters": parameters, "enough": len(y) >= need["patients"]}
