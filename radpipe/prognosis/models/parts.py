"""What a cohort offers to models, and how many features become few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    Step,
    Univariate,
    Winsorise,
)

SELECTIONS = {"univariate": Univariate, "mrmr": MinimumRedundancy}


@dataclass(frozen=True)
class Columns:
    """What a cohort offers to models.

    Attributes
    ----------
    features : sequence of str
        What extraction made.
    clinical : sequence of str
        Named clinical columns.
    volume : str or None
        The tumour's volume.
    batch : str or None
        Scanner or hospital, to be harmonised.
    branches : dict of str to sequence of str
        Further branches of a fusion by name.
    """

    features: Sequence[str] = ()
    clinical: Sequence[str] = ()
    volume: str | None = None
    batch: str | None = None
    branches: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def predictors(self) -> list[str]:
        """Features and clinical columns."""
        return list(dict.fromkeys([*self.features, *self.clinical]))


@dataclass(frozen=True)
class Reduction:
    """How many features become few, in every training fold.

    Attributes
    ----------
    stability : dict of str to float, optional
        ICC by feature: unstable ones are dropped, and a cluster keeps its most stable member.
    volume_dependence : float, optional
        Absolute rank correlation with the volume above which a feature is dropped.
    correlation : float
        Absolute rank correlation from which on features are one cluster.
    selection : str, optional
        A name in ``SELECTIONS``.
    keep : int
        Features that it keeps.
    """

    stability: dict[str, float] | None = None
    volume_dependence: float | None = None
    correlation: float = 0.9
    selection: str | None = None
    keep: int = 30

    def steps(self, columns: Columns) -> list[Step]:
        """Make the steps.

        Parameters
        ----------
        columns : Columns
            Batch and volume, and which columns are features.

        Returns
        -------
        list of Step
            Not fitted.
        """
        steps: list[Step] = []
        if columns.batch is not None:
            # Clinical numbers are no matter of scanners. Whether the batch tells the outcome is
            # asked of the whole cohort: of many folds one is confounded by chance.
            features = list(columns.features)
            steps.append(ComBat(columns.batch, features, refuse_confounded=False))
        steps += [DropUninformative(), Encode()]
        if columns.volume is not None and self.volume_dependence is not None:
            kept = columns.volume in columns.predictors
            steps.append(DropVolumeDependent(columns.volume, self.volume_dependence, kept))
        if self.stability is not None:
            steps.append(DropUnstable(self.stability))
        steps += [Winsorise(), Impute(), CorrelationClusters(self.correlation, self.stability)]
        if self.selection is not None:
            steps.append(SELECTIONS[self.selection](self.keep))
        return [*steps, Scale()]
