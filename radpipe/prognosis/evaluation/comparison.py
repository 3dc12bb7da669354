"""One model beside another, in the same outer folds."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from radpipe.prognosis.evaluation.harness import Fitted
from radpipe.prognosis.models.table import BASELINES, CNN, DEFAULT, RADIOMICS_ALONE
from radpipe.prognosis.survival import Interval, nadeau_bengio


def over_folds(
    done: Sequence[Fitted],
    values: Sequence[float | None],
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Interval | None:
    """Average a value over folds.

    Parameters
    ----------
    done : sequence of Fitted
        The folds.
    values : sequence of float or None
        One a fold; None where it is not defined there.
    bounds : tuple of float
        Where the value lives.

    Returns
    -------
    Interval or None
        Mean and Nadeau and Bengio's 95 % interval; None with fewer than two values.
    """
    known = [value for value in values if value is not None]
    return nadeau_bengio(known, *_shape_of(done), bounds) if len(known) > 1 else None


def difference(model: Sequence[Fitted], other: Sequence[Fitted]) -> Interval | None:
    """Average the differences in C-index or AUC within the same folds.

    Parameters
    ----------
    model, other : sequence of Fitted
        The same folds in the same order.

    Returns
    -------
    Interval or None
        Above zero: the model is better. None without two shared folds.
    """
    gains = [
        None if ours.value is None or theirs.value is None else ours.value - theirs.value
        for ours, theirs in zip(model, other, strict=True)
    ]
    return over_folds(model, gains, (-1.0, 1.0))


def yardsticks(name: str, models: Container[str]) -> list[str]:
    """Name what a model is compared with: baselines, and an embedding or its fusion with more.

    Parameters
    ----------
    name : str
        The model.
    models : container of str
        All that were evaluated.

    Returns
    -------
    list of str
        Without itself.
    """
    others: tuple[str, ...] = BASELINES
    if CNN in models and name in (CNN, DEFAULT):
        others = (*BASELINES, *RADIOMICS_ALONE, CNN)
    return [other for other in others if other in models and other != name]


def _shape_of(done: Sequence[Fitted]) -> tuple[float, int]:
    """Return the number of test patients to one of training, and of folds in a repeat."""
    ratio = float(np.mean([len(one.fold.test) / len(one.fold.train) for one in done]))
    return ratio, 1 + max(one.fold.fold for one in done)
