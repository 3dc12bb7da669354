"""What models of many features have in common: the steps that features pass."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radpipe.prognosis.models.base import Columns
from radpipe.prognosis.models.learner import LearnerModel
from radpipe.prognosis.tables.steps import (
    ComBat,
    CorrelationClusters,
    DropUninformative,
    DropUnstable,
    DropVolumeDependent,
    Encode,
    Impute,
    MinimumRedundancy,
    Scale,
    Steps,
    Univariate,
    Winsorise,
)

SELECTIONS = {"univariate": Univariate, "mrmr": MinimumRedundancy}


class FeatureModel(LearnerModel):
    """A model of many features, most of which say the same.

    Parameters
    ----------
    batch : str, optional
        Column of scanner or hospital: ComBat comes first.
    harmonised : sequence of str
        With ``batch``, the columns that it harmonises: features, and not clinical numbers.
    stability : dict of str to float, optional
        ICC by feature: unstable ones are dropped, and a cluster keeps its most stable member.
    volume : str, optional
        With ``volume_dependence``, the volume's column.
    volume_dependence : float, optional
        Absolute rank correlation with the volume above which a feature is dropped.
    correlation : float
        Absolute rank correlation from which on features are one cluster.
    selection : str, optional
        A name in ``SELECTIONS``.
    keep : int
        Features that it keeps.
    inner_folds, trials, seed
        As of every model.
    """

    def __init__(
        self,
        batch: str | None = None,
        harmonised: tuple[str, ...] = (),
        stability: dict[str, float] | None = None,
        volume: str | None = None,
        volume_dependence: float | None = None,
        correlation: float = 0.9,
        selection: str | None = None,
        keep: int = 30,
        inner_folds: int = 5,
        trials: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(inner_folds, trials, seed)
        self.batch = batch
        self.harmonised = harmonised
        self.stability = stability
        self.volume = volume
        self.volume_dependence = volume_dependence
        self.correlation = correlation
        self.selection = selection
        self.keep = keep

    def take(self, columns: Columns) -> list[str]:
        """Choose features and clinical columns, and the batch.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            All of them.
        """
        self.batch = columns.batch
        self.harmonised = () if columns.batch is None else tuple(columns.features)
        named = [columns.batch] if columns.batch is not None and columns.predictors else []
        if self.volume_dependence is not None:
            self.volume = columns.volume
        return [*columns.predictors, *named]

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
        steps: list[Any] = [] if self.batch is None else [ComBat(self.batch, [*self.harmonised])]
        steps += [DropUninformative(), Encode()]
        if self.stability is not None:
            steps.append(DropUnstable(self.stability))
        if self.volume is not None and self.volume_dependence is not None:
            steps.append(DropVolumeDependent(self.volume, self.volume_dependence))
        steps += [Winsorise(), Impute(), CorrelationClusters(self.correlation, self.stability)]
        if self.selection is not None:
            steps.append(SELECTIONS[self.selection](self.keep))
        return Steps([*steps, Scale()])

    def clusters(self) -> dict[str, list[str]]:
        """Tell which features were taken as one.

        Returns
        -------
        dict of str to list of str
            Members by the one that was kept, itself among them.
        """
        for step in self.steps_.steps:
            if isinstance(step, CorrelationClusters):
                return step.clusters_
        return {}
