"""Gradient-boosted classification: a binary endpoint, or survival to a horizon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import ModelError
from radpipe.prognosis.models.base import FEWEST_EVENTS
from radpipe.prognosis.models.boosting import Boosting, Trees
from radpipe.prognosis.models.calibration import Target
from radpipe.prognosis.models.parts import Columns, Reduction
from radpipe.prognosis.survival.censoring import CensoringDistribution
from radpipe.prognosis.survival.endpoint import Endpoint, Floats, is_binary


class XgbClassifier(Boosting):
    """Boosted trees on the logistic likelihood; see :class:`Boosting`.

    With times it learns who has the event by a horizon. Whoever was censored before it is not
    known; the others are weighted by the inverse of the chance to be known (Vock et al. 2016,
    doi 10.1016/j.jbi.2016.03.009).

    Parameters
    ----------
    columns, reduction
        As of every model of features.
    horizon : float, optional
        In the unit of the times; by default the median of the training patients' event times.
    inner_folds, trials, seed
        As of every model.
    """

    def __init__(
        self,
        columns: Columns | None = None,
        reduction: Reduction | None = None,
        horizon: float | None = None,
        inner_folds: int = 5,
        trials: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(columns, reduction, inner_folds, trials, seed)
        self.horizon = horizon

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> Trees:
        """Grow the trees.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            What the steps gave.
        y : ndarray, shape (n,)
            The endpoint.
        settings : dict
            A candidate.

        Returns
        -------
        Trees
            The booster, and its columns.
        """
        objective = {"objective": "binary:logistic"}
        if is_binary(y):
            return self.boost(table, y.astype(np.float64), objective, settings)
        happened, weight = _known_at(y, self.horizon)
        known = weight > 0
        return self.boost(table[known], happened[known], objective, settings, weight[known])


def _known_at(y: Endpoint, horizon: float | None) -> tuple[Floats, Floats]:
    """Return who had the event by the horizon, and weights that are zero where nobody knows."""
    by = float(np.median(y["time"][y["event"]])) if horizon is None else horizon
    happened = y["event"] & (y["time"] <= by)
    known = happened | (y["time"] > by)
    _require_both(by, int(happened.sum()), int((y["time"] > by).sum()))
    censoring = CensoringDistribution(y)
    # Whoever has the event is known if not censored before it; at a shared time the event is first.
    chance = np.where(
        happened, censoring.survival_before(y["time"]), censoring.survival_at([by])[0]
    )
    weight = np.divide(1.0, chance, out=np.zeros(len(y)), where=known & (chance > 0))
    return happened.astype(np.float64), weight


def _require_both(horizon: float, events: int, followed: int) -> None:
    if min(events, followed) < FEWEST_EVENTS:
        raise ModelError(
            "a horizon that teaches nothing",
            where=f"XgbClassifier, horizon {horizon:g}",
            found=f"{events} events by then, {followed} patients followed longer",
            expected=f"{FEWEST_EVENTS} or more of both in the training patients",
            remedy="name another --classifier-horizon, or leave it out",
        )
