"""What models of many features have in common: the steps that features pass."""

from __future__ import annotations

import pandas as pd

from radpipe.prognosis.models.learner import LearnerModel
from radpipe.prognosis.models.parts import Columns, Reduction
from radpipe.prognosis.tables.steps import CorrelationClusters, Steps


class FeatureModel(LearnerModel):
    """A model of many features, most of which say the same.

    Parameters
    ----------
    columns : Columns, optional
        As of every model.
    reduction : Reduction, optional
        How many features become few.
    inner_folds, trials, seed
        As of every model.
    """

    def __init__(
        self,
        columns: Columns | None = None,
        reduction: Reduction | None = None,
        inner_folds: int = 5,
        trials: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(columns, inner_folds, trials, seed)
        self.reduction = reduction

    def wanted(self, columns: Columns) -> list[str]:
        """Choose features and clinical columns, and what their steps need.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            With the batch, and the volume where features that depend on it are to be dropped.
        """
        if not columns.predictors:
            return []
        by_volume = self._reduction().volume_dependence is not None
        needed = [columns.batch, columns.volume if by_volume else None]
        named = [name for name in needed if name is not None]
        return list(dict.fromkeys([*columns.predictors, *named]))

    def make_steps(self, X: pd.DataFrame) -> Steps:
        """Make the steps.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training table.

        Returns
        -------
        Steps
            Not fitted.
        """
        return Steps(self._reduction().steps(self.columns or Columns([*X.columns])))

    def clusters(self) -> dict[str, list[str]]:
        """Tell which features were taken as one.

        Returns
        -------
        dict of str to list of str
            Members by the one that was kept, itself among them.
        """
        step = self.steps_.find(CorrelationClusters)
        return {} if step is None else step.clusters_

    def _reduction(self) -> Reduction:
        return self.reduction or Reduction()
