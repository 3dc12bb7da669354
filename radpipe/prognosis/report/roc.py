"""ROC curves of predictions from several folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats

_GRID = np.linspace(0, 1, 101)


def mean_roc(predictions: pd.DataFrame, model: str) -> tuple[Floats, Floats]:
    """Average the ROC curves of all test folds.

    Risk scores of two folds have no common scale, so their patients cannot be ranked together.

    Parameters
    ----------
    predictions : DataFrame
        ``model``, ``repeat``, ``fold``, ``event``, ``risk_score``.
    model : str
        Whose.

    Returns
    -------
    false, true : ndarray of float64, shape (101,)
        Shares flagged without and with the event; empty where no fold has both.
    """
    rows = predictions[predictions["model"] == model]
    curves = [
        _roc(part["event"].to_numpy(bool), part["risk_score"].to_numpy(float))
        for _, part in rows.groupby(["repeat", "fold"], sort=True)
        if 0 < part["event"].astype(bool).sum() < len(part)
    ]
    if not curves:
        return np.array([]), np.array([])
    return _GRID, np.mean([_read(*curve) for curve in curves], axis=0)


def _roc(event: NDArray[np.bool_], risk: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-risk, kind="stable")
    # Tied patients are flagged together.
    last = np.append(np.diff(risk[order]) != 0, True)
    true = np.cumsum(event[order])[last] / event.sum()
    false = np.cumsum(~event[order])[last] / (~event).sum()
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def _read(false: Floats, true: Floats) -> Floats:
    # Where the curve rises upright at a point of the grid, the middle of both sides counts.
    sides = [np.interp(_GRID + offset, false, true) for offset in (-1e-9, 1e-9)]
    middle: Floats = np.mean(sides, axis=0)
    return middle
