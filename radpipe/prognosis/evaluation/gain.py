"""How much better than tumour volume a model is, compared fold by fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from radpipe.prognosis.survival import Interval, nadeau_bengio

Facts = dict[str, Any]


def gain_over_volume(
    model: Iterable[Facts], volume: Iterable[Facts], test_to_train: float, folds: int
) -> Interval | None:
    """Average the differences in C-index within the same outer folds.

    Parameters
    ----------
    model, volume : iterable of dict
        ``repeat``, ``fold`` and ``c_index`` of each outer fold, as in ``metrics.json``.
    test_to_train : float
        Number of test patients divided by number of training patients.
    folds : int
        Outer folds of one repeat.

    Returns
    -------
    Interval or None
        Mean and Nadeau and Bengio's 95 % interval, cut to -1 ... 1; None without two shared folds.
    """
    ours, theirs = _by_fold(model), _by_fold(volume)
    shared = sorted(ours.keys() & theirs.keys())
    if len(shared) < 2:
        return None
    # The interval is cut to 0 ... 1, where a C-index lives; a difference lives in -1 ... 1.
    halves = [(ours[fold] - theirs[fold] + 1) / 2 for fold in shared]
    return Interval(*(2 * end - 1 for end in nadeau_bengio(halves, test_to_train, folds)))


def _by_fold(folds: Iterable[Facts]) -> dict[tuple[int, int], float]:
    return {
        (fold["repeat"], fold["fold"]): fold["c_index"]
        for fold in folds
        if fold["c_index"] is not None
    }
