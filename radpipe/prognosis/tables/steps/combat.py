"""Take out what scanners and hospitals add to features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.batches import batch_labels, harmonisable
from radpipe.prognosis.tables.columns import require_columns
from radpipe.prognosis.tables.steps.base import Step, numbers_of, table_of
from radpipe.prognosis.tables.steps.clean import numeric_columns
from radpipe.prognosis.tables.steps.confounding import require_not_confounded
from radpipe.prognosis.tables.steps.empirical_bayes import adjust_batch, batch_moments


class ComBat(Step):
    """Harmonise features over batches: location and scale, by parametric empirical Bayes.

    No covariates: they would have to be known, and the outcome must not be one. A batch with fewer
    than three training patients is too small to be estimated and is treated as absent. Rows of an
    absent batch pass as they are: their values still hold what their scanner adds, and a model
    must be judged on them knowing that. With fewer than two batches left, all
    rows pass as they are. To be put first: a step that drops constant columns would drop the batch
    where training has but one.

    Parameters
    ----------
    batch : str
        Its column, which the transformed table lacks.
    columns : sequence of str, optional
        What is harmonised; None: all columns of numbers. Name the features where the table also
        holds clinical numbers, since a hospital's patients may truly be older.
    refuse_confounded : bool
        Whether fitting refuses a batch that tells the outcome. False where the whole cohort was
        looked at before: of many folds of an honest cohort, one is confounded by chance.

    Attributes
    ----------
    batches_ : list of str
        Those that are harmonised.
    features_ : list of str
        Columns that are harmonised.
    centres_ : ndarray of float64, shape (p,)
        Mean of each feature.
    shifts_, scales_ : ndarray of float64, shape (b, p)
        What each batch adds to a feature, and by what it multiplies its spread.

    Raises
    ------
    TableError
        On fitting: the batch is confounded with the outcome, as
        :func:`~radpipe.prognosis.tables.steps.confounding.require_not_confounded` decides.

    Notes
    -----
    Johnson, Li and Rabinovic 2007, doi 10.1093/biostatistics/kxj037.
    """

    learned: ClassVar[tuple[str, ...]] = ("batches_", "features_", "centres_", "shifts_", "scales_")
    batches_: list[str]
    features_: list[str]
    centres_: Floats
    shifts_: Floats
    scales_: Floats

    def __init__(
        self,
        batch: str,
        columns: Sequence[str] | None = None,
        refuse_confounded: bool = True,
    ) -> None:
        self.batch = batch
        self.columns = columns
        self.refuse_confounded = refuse_confounded

    def _learn(self, X: pd.DataFrame, y: NDArray[Any] | None) -> None:
        named = [self.batch, *(self.columns or [])]
        require_columns(X, named, "the training table")
        batch = batch_labels(X[self.batch])
        if y is not None and self.refuse_confounded:
            require_not_confounded(batch, y, self.batch)
        self.batches_ = harmonisable(batch)
        self.features_ = self._features(X)
        self._estimate(numbers_of(X[self.features_]), self._codes(batch))

    def _features(self, X: pd.DataFrame) -> list[str]:
        if self.columns is not None:
            return list(self.columns)
        return [name for name in X.columns[numeric_columns(X)] if name != self.batch]

    def _estimate(self, values: Floats, codes: NDArray[np.intp]) -> None:
        moments = batch_moments(values[codes >= 0], codes[codes >= 0], len(self.batches_))
        self.centres_ = moments.centre
        shape = (len(self.batches_), values.shape[1])
        self.shifts_, self.scales_ = np.zeros(shape), np.ones(shape)
        for place in range(len(self.batches_)):
            location, variance = adjust_batch(moments, place)
            self.shifts_[place] = moments.deviation * location
            self.scales_[place] = np.sqrt(variance)

    def _apply(self, X: pd.DataFrame) -> pd.DataFrame:
        codes = self._codes(batch_labels(X[self.batch]))
        values, known = numbers_of(X[self.features_]).copy(), codes >= 0
        place = codes[known]
        centred = values[known] - self.centres_ - self.shifts_[place]
        values[known] = centred / self.scales_[place] + self.centres_
        others = X.columns.difference([self.batch, *self.features_], sort=False)
        harmonised = table_of(values, X, self.features_)
        return pd.concat([X[others], harmonised], axis=1)[X.columns.drop(self.batch)]

    def _codes(self, batch: pd.Series) -> NDArray[np.intp]:
        return np.asarray(pd.Index(self.batches_).get_indexer(pd.Index(batch)))
