"""Folds: each patient is tested once a repeat, events spread evenly."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Places = NDArray[np.intp]


class Fold(NamedTuple):
    """One outer or inner fold.

    Attributes
    ----------
    repeat : int
        Which shuffle of the patients.
    fold : int
        Which part of it is tested.
    train : ndarray of int
        Places of the training patients, ascending.
    test : ndarray of int
        Places of the test patients, ascending.
    """

    repeat: int
    fold: int
    train: Places
    test: Places


def stratified_folds(event: ArrayLike, folds: int, seed: int) -> list[tuple[Places, Places]]:
    """Split patients into folds with as equal a number of events as can be.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        One entry a patient, so that no patient can stand on both sides.
    folds : int
        At least 2.
    seed : int
        Of the shuffle.

    Returns
    -------
    list of tuple of ndarray
        Places of the training and of the test patients, one pair a fold.

    Raises
    ------
    ValueError
        Fewer than two folds, or fewer events than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    events = np.asarray(event, dtype=bool)
    if folds < 2 or events.sum() < folds:
        raise ValueError(f"{int(events.sum())} events for {folds} folds")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # It warns where the censored are fewer than the folds, which harms nothing.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(np.zeros(len(events)), events))


def repeated_folds(event: ArrayLike, *, repeats: int, folds: int, seed: int) -> list[Fold]:
    """Repeat :func:`stratified_folds` with as many shuffles.

    Parameters
    ----------
    event : array-like of bool, shape (n,)
        One entry a patient.
    repeats : int
        Number of shuffles.
    folds : int
        Folds of each.
    seed : int
        Of the first shuffle; the others are drawn from it.

    Returns
    -------
    list of Fold
        ``repeats`` times ``folds``, in order.

    Raises
    ------
    ValueError
        Fewer events than folds, or no repeat.
    """
    if repeats < 1:
        raise ValueError("at least one repeat is needed")
    seeds = np.random.SeedSequence(seed).generate_state(repeats)
    return [
        Fold(repeat, fold, train, test)
        for repeat, shuffle in enumerate(seeds)
        for fold, (train, test) in enumerate(stratified_folds(event, folds, int(shuffle)))
    ]
