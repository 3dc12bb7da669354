"""What a cohort offers to models, and how many features become few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from radpipe.networks.encoders import ENCODERS
from radpipe.networks.spec import SUPERVISED
from radpipe.prognosis.tables.steps import (
    ComBat,
    CorrelationClusters,
    DropUninformative,
    DropUnstable,
    DropVolumeDependent,
    Embed,
    Encode,
    Impute,
    MinimumRedundancy,
    PrincipalComponents,
    Scale,
    Step,
    Univariate,
    Winsorise,
)
from radpipe.store.patches import PATCH_FILE

SELECTIONS = {"univariate": Univariate, "mrmr": MinimumRedundancy}
LINEAR, XGBOOST = "linear", "xgboost"
HEADS = (LINEAR, XGBOOST)
# One that learns outcomes is fitted in each inner fold, and takes a hundred times as long as any
# other part of a model.
_FEW_FOLDS = 3


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
    embeddings : sequence of str
        An encoder's columns; or ``patch`` alone, to fit the encoder on.
    encoder : str or None
        Its name.
    training : dict or None
        How it is fitted, where it is.
    patch : dict or None
        What it is shown then, as :class:`radpipe.networks.spec.PatchSpec` has it.
    """

    features: Sequence[str] = ()
    clinical: Sequence[str] = ()
    volume: str | None = None
    batch: str | None = None
    branches: Mapping[str, Sequence[str]] = field(default_factory=dict)
    embeddings: Sequence[str] = field(default_factory=list)
    encoder: str | None = None
    training: Mapping[str, Any] | None = None
    patch: Mapping[str, Any] | None = None

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


@dataclass(frozen=True)
class Embedding:
    """How an embedding is learnt from, in every training fold.

    Attributes
    ----------
    components : int
        Principal components that it becomes.
    head : str
        What learns from them: one of ``HEADS``.
    method : str, optional
        How the encoder is fitted, where it is; else as `radpipe embed` was told.
    epochs, patience : int, optional
        How long at most, and after how many epochs without a gain for held-out training patients
        it ends; else as `radpipe embed` was told.
    """

    components: int = 10
    head: str = LINEAR
    method: str | None = None
    epochs: int | None = None
    patience: int | None = None

    def inner_folds(self, columns: Columns, asked: int) -> int:
        """Tell how many inner folds an encoder bears.

        Parameters
        ----------
        columns : Columns
            What there is.
        asked : int
            How many were asked for.

        Returns
        -------
        int
            Fewer where each of them fits an encoder.
        """
        recorded = (columns.training or {}).get("method")
        supervised = recorded is not None and (self.method or recorded) == SUPERVISED
        return min(asked, _FEW_FOLDS) if supervised else asked

    def encoder_step(self, columns: Columns, seed: int) -> Embed | None:
        """Make the step that fits the encoder.

        Parameters
        ----------
        columns : Columns
            What there is.
        seed : int
            Of the training.

        Returns
        -------
        Embed or None
            Not fitted; None where the encoder saw no patient of the cohort.
        """
        if columns.training is None or columns.encoder is None:
            return None
        asked = {
            "method": self.method,
            "epochs": self.epochs,
            "patience": self.patience,
            "seed": seed,
        }
        given: dict[str, Any] = {key: each for key, each in asked.items() if each is not None}
        if self.method not in (None, columns.training["method"]):
            # Those named were for the other method.
            given = {"epochs": None, "augmentations": None, **given}
        patch = None if columns.patch is None else {**columns.patch}
        return Embed(columns.encoder, {**columns.training, **given}, patch)

    def steps(self, columns: Columns) -> list[Step]:
        """Make the steps after the encoder.

        Parameters
        ----------
        columns : Columns
            Batch and encoder.

        Returns
        -------
        list of Step
            Not fitted.
        """
        names = [*columns.embeddings]
        if names == [PATCH_FILE] and columns.encoder is not None:
            names = ENCODERS[columns.encoder].columns
        steps: list[Step] = []
        if columns.batch is not None:
            steps.append(ComBat(columns.batch, names, refuse_confounded=False))
        steps += [DropUninformative(), Impute(), Scale()]
        return [*steps, PrincipalComponents(self.components), Scale()]
