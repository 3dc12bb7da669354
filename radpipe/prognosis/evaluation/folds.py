"""Outer folds: shuffled and repeated, or one hospital after the other."""

from __future__ import annotations

import numpy as np

from radpipe.errors import TableError
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.models.base import FEWEST_EVENTS, fewest_of
from radpipe.prognosis.survival import repeated_folds
from radpipe.prognosis.survival.endpoint import events_of
from radpipe.prognosis.survival.splits import Fold


def outer_folds(study: Study, repeats: int, folds: int, seed: int) -> list[Fold]:
    """Split a cohort; one row is one patient.

    Parameters
    ----------
    study : Study
        The cohort; with ``centre`` each hospital is one fold, and there is one repeat.
    repeats, folds : int
        Otherwise: shuffles, and folds of each, events spread evenly.
    seed : int
        Of the shuffles.

    Returns
    -------
    list of Fold
        In order.

    Raises
    ------
    TableError
        Too few folds, events or hospitals.
    """
    if study.centre is not None:
        return _centres(study, study.centre)
    if repeats < 1 or folds < 2:
        raise TableError(
            "too few folds",
            where="--repeats, --folds",
            found=f"{repeats} x {folds}",
            expected="1 repeat and 2 folds or more",
            remedy="leave both out for 5 x 5",
        )
    fewest = fewest_of(study.endpoint)
    if fewest < folds:
        raise TableError(
            "fewer events than folds",
            where=f"{study.where}, column {study.roles.event}",
            found=fewest,
            expected=f"at least {folds}, one a fold",
            remedy=f"{'take fewer --folds, or' if fewest > 1 else 'take'} a larger cohort",
        )
    event = events_of(study.endpoint)
    return repeated_folds(event, repeats=repeats, folds=folds, seed=seed)


def _centres(study: Study, column: str) -> list[Fold]:
    centres = study.frame[column]
    if centres.isna().any():
        raise TableError(
            "patients without a centre",
            where=f"column {column}",
            found=f"{int(centres.isna().sum())} patients",
            expected="a hospital for every patient",
            remedy="fill these cells, or leave --centre out",
        )
    names = sorted(centres.astype("str").unique())
    if len(names) < 2:
        raise TableError(
            "one centre only",
            where=f"column {column}",
            found=", ".join(names),
            expected="two hospitals or more",
            remedy="leave --centre out for shuffled folds",
        )
    text = centres.astype("str").to_numpy(object)
    folds = [
        Fold(0, fold, np.flatnonzero(text != name), np.flatnonzero(text == name))
        for fold, name in enumerate(names)
    ]
    for name, fold in zip(names, folds, strict=True):
        left = fewest_of(study.endpoint[fold.train])
        if left < FEWEST_EVENTS:
            raise TableError(
                "too few events without this hospital",
                where=f"--centre {column}, {name} left out",
                found=left,
                expected=f"at least {FEWEST_EVENTS}",
                remedy="leave --centre out, or join small hospitals in this column",
            )
    return folds
