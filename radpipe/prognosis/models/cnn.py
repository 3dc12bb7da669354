"""What an encoder saw of the tumour, as a model: its components, and a small learner on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.parallel import one_blas_thread
from radpipe.prognosis.models.calibration import Places, Target
from radpipe.prognosis.models.learner import Inner, LearnerModel
from radpipe.prognosis.models.parts import XGBOOST, Columns, Embedding
from radpipe.prognosis.models.ridge import Ridge
from radpipe.prognosis.survival.endpoint import Floats, is_binary
from radpipe.prognosis.tables.steps import Embed, PrincipalComponents, Steps
from radpipe.prognosis.tables.steps.base import numbers_of
from radpipe.store.patches import PATCH_FILE

ENCODER_FOLDER = "encoder"
_DIRECTIONS = 20


class CnnModel(LearnerModel):
    """An encoder's columns, their principal components, and ridge regression or boosted trees.

    An encoder that is fitted on the cohort is fitted anew in every training fold, on patches. One
    that learns from outcomes is also fitted anew in every inner fold: else the scores that the
    calibration and a fusion's weights are made of would be of patients whose outcomes it knew.
    One that learns of images alone is not: it tells no outcome.

    Parameters
    ----------
    columns : Columns, optional
        As of every model.
    embedding : Embedding, optional
        How it is learnt from.
    inner_folds, trials, seed
        As of every model.
    """

    def __init__(
        self,
        columns: Columns | None = None,
        embedding: Embedding | None = None,
        inner_folds: int = 5,
        trials: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(columns, inner_folds, trials, seed)
        self.embedding = embedding

    def wanted(self, columns: Columns) -> list[str]:
        """Choose the embedding, and the batch where it is harmonised.

        Parameters
        ----------
        columns : Columns
            What there is.

        Returns
        -------
        list of str
            Empty where there is no embedding.
        """
        if not columns.embeddings:
            return []
        return [*columns.embeddings, *([] if columns.batch is None else [columns.batch])]

    def make_steps(self, X: pd.DataFrame) -> Steps:
        """Make the steps.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training table; with patches, the encoder is the first step.

        Returns
        -------
        Steps
            Not fitted.
        """
        encoder = self._encoder() if PATCH_FILE in X.columns else None
        first = [] if encoder is None else [encoder]
        return Steps([*first, *self._embedding().steps(self._offered(X))])

    def defaults(self) -> dict[str, Any]:
        """Return the settings that are tried first.

        Returns
        -------
        dict
            The learner's.
        """
        return self._head().defaults()

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Draw settings.

        Parameters
        ----------
        trial : optuna.Trial
            Where they are drawn from.

        Returns
        -------
        dict
            The learner's.
        """
        return self._head().suggest(trial)

    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> Any:
        """Fit the learner.

        Parameters
        ----------
        table : DataFrame, shape (n, q)
            Components.
        y : ndarray, shape (n,)
            The endpoint.
        settings : dict
            A candidate.

        Returns
        -------
        object
            For :meth:`score`.
        """
        return self._head(is_binary(y)).learn(table, y, settings)

    def score(self, learnt: Any, table: pd.DataFrame) -> Floats:
        """Score patients.

        Parameters
        ----------
        learnt : object
            Of :meth:`learn`.
        table : DataFrame, shape (m, q)
            Components.

        Returns
        -------
        ndarray of float64, shape (m,)
            Log-hazards or log-odds.
        """
        return self._head().score(learnt, table)

    def split(self, learnt: Any, table: pd.DataFrame) -> pd.DataFrame:
        """Split scores into what each component adds.

        Parameters
        ----------
        learnt : object
            Of :meth:`learn`.
        table : DataFrame, shape (m, q)
            Components.

        Returns
        -------
        DataFrame, shape (m, q)
            Up to a constant.
        """
        return self._head().split(learnt, table)

    def used_by(self, learnt: Any) -> list[str]:
        """Name the components that move a learner's scores.

        Parameters
        ----------
        learnt : object
            Of :meth:`learn`.

        Returns
        -------
        list of str
            Components.
        """
        return self._head().used_by(learnt)

    def write_learnt(self, folder: Path) -> dict[str, Any]:
        """Write the learner, and the encoder where it was fitted.

        Parameters
        ----------
        folder : Path
            Where large parts become files.

        Returns
        -------
        dict
            As JSON can hold it; its ``files`` name those files.
        """
        head = self._head()
        head.learnt_ = self.learnt_
        learnt = head.write_learnt(folder)
        step = self.steps_.find(Embed)
        if step is None:
            return learnt
        step.save(folder / ENCODER_FOLDER)
        saved = sorted(path.name for path in (folder / ENCODER_FOLDER).iterdir())
        files = [f"{ENCODER_FOLDER}/{name}" for name in saved]
        return {**learnt, "files": [*learnt.get("files", []), *files]}

    def restore_learnt(self, folder: Path, state: dict[str, Any]) -> Any:
        """Take back what :meth:`write_learnt` wrote.

        Parameters
        ----------
        folder : Path
            Where the files lie.
        state : dict
            What it returned.

        Returns
        -------
        object
            For :meth:`score`.
        """
        step = self.steps_.find(Embed)
        if step is not None:
            step.load(folder / ENCODER_FOLDER)
        return self._head().restore_learnt(folder, state)

    def vectors(self, X: pd.DataFrame) -> Floats:
        """Return embeddings, each dimension standardised on the training patients.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit``.

        Returns
        -------
        ndarray of float64, shape (n, d)
            Before they become components. Of two fits they have no common axes.
        """
        for step in self.steps_.steps:
            if isinstance(step, PrincipalComponents):
                break
            X = step.transform(X)
        return numbers_of(X)

    def directions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Look at embeddings along a few directions that nobody fitted.

        Principal components would not do to tell whom a model knows: of few patients and many
        dimensions they are the training patients' own, and others always lie nearer to the middle.
        Where the training patients fitted the encoder as well, others lie a little farther: of 100
        of one kind with 44 in training, 8 were called unlike them.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            The columns of ``fit``.

        Returns
        -------
        DataFrame of float64, shape (n, q)
            Along random directions, named after the encoder: ``fmcib_direction_01`` ...

        References
        ----------
        Johnson and Lindenstrauss 1984, doi 10.1090/conm/026/737400.
        """
        vectors = self.vectors(X)
        drawn = np.random.default_rng(0).standard_normal((_DIRECTIONS, vectors.shape[1]))
        # One by one: a product of matrices has other last bits with other rows beside it.
        found = np.stack([(vectors * each).sum(axis=1) for each in drawn], axis=1)
        names = [f"{self._name()}_direction_{place:02}" for place in range(1, _DIRECTIONS + 1)]
        return pd.DataFrame(found, X.index, pd.Index(names))

    def standardised_of(self, embedded: pd.DataFrame) -> Floats:
        """Score what the encoder gave, whether it is a step of this model or was before it.

        Parameters
        ----------
        embedded : DataFrame, shape (n, p)
            The encoder's columns, and the batch where it is harmonised.

        Returns
        -------
        ndarray of float64, shape (n,)
            As of :meth:`standardised`.
        """
        with one_blas_thread():
            for step in self.steps_.steps:
                if not isinstance(step, Embed):
                    embedded = step.transform(embedded)
            return (self.score(self.learnt_, embedded) - self.centre_) / self.scale_

    def _inner_folds(self) -> int:
        return self._embedding().inner_folds(self._offered(None), self.inner_folds)

    def _inner(self, X: pd.DataFrame, y: Target) -> tuple[list[Inner], Places]:
        encoder = self._encoder() if PATCH_FILE in X.columns else None
        if encoder is not None and not encoder.supervised:
            X = encoder.fit_transform(X)
        return super()._inner(X, y)

    def _sources(self) -> dict[str, str]:
        # Of another fold the components are others: what they add together is the encoder's.
        step = self.steps_.find(PrincipalComponents)
        return {} if step is None else dict.fromkeys(step.names(), self._name())

    def _name(self) -> str:
        return self._offered(None).encoder or "embedding"

    def _encoder(self) -> Embed | None:
        return self._embedding().encoder_step(self._offered(None), self.seed)

    def _embedding(self) -> Embedding:
        return self.embedding or Embedding()

    def _offered(self, X: pd.DataFrame | None) -> Columns:
        return self.columns or Columns(embeddings=[] if X is None else [*X.columns])

    def _head(self, binary: bool = False) -> LearnerModel:
        if self._embedding().head != XGBOOST:
            return Ridge(seed=self.seed)
        from radpipe.prognosis.models.xgb_classifier import XgbClassifier
        from radpipe.prognosis.models.xgb_cox import XgbCox

        return XgbClassifier(seed=self.seed) if binary else XgbCox(seed=self.seed)
