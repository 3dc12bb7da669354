"""Models that are steps and a learner."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.models.base import Model, centre_and_scale, fewest_of
from radpipe.prognosis.models.calibration import Places, Target, held_out_loss
from radpipe.prognosis.survival.endpoint import Floats, events_of
from radpipe.prognosis.survival.splits import stratified_folds
from radpipe.prognosis.tables.steps import Encode, Steps


@dataclass(frozen=True)
class Inner:
    """One inner fold, its steps fitted on its training part.

    Attributes
    ----------
    train, test : DataFrame
        What the steps gave.
    y_train : ndarray
        The training part's endpoint.
    places : ndarray of int
        Rows of the test part.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    y_train: Target
    places: Places


class LearnerModel(Model):
    """Steps, and a learner of what they give; both are fitted in each inner fold.

    A subclass says which steps there are, how it learns, and what may be tuned.

    Parameters are those of every model.

    Attributes
    ----------
    settings_ : dict
        What was chosen, by the likelihood of held-out patients.
    steps_ : Steps
        Fitted on all rows.
    learnt_ : object
        Of :meth:`learn`.
    """

    @abstractmethod
    def make_steps(self, X: pd.DataFrame) -> Steps:
        """Make the steps before the learner, not fitted.

        Parameters
        ----------
        X : DataFrame, shape (n, p)
            Training table.

        Returns
        -------
        Steps
            To be fitted in each fold.
        """

    @abstractmethod
    def learn(self, table: pd.DataFrame, y: Target, settings: dict[str, Any]) -> Any:
        """Fit the learner.

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
        object
            For :meth:`score`.
        """

    @abstractmethod
    def score(self, learnt: Any, table: pd.DataFrame) -> Floats:
        """Score patients.

        Parameters
        ----------
        learnt : object
            Of :meth:`learn`.
        table : DataFrame, shape (m, q)
            What the steps gave.

        Returns
        -------
        ndarray of float64, shape (m,)
            Higher = earlier or likelier event; any unit.
        """

    @abstractmethod
    def write_learnt(self, folder: Path) -> dict[str, Any]:
        """Write the learner.

        Parameters
        ----------
        folder : Path
            Where large parts may become files.

        Returns
        -------
        dict
            As JSON can hold it; its ``files`` name those files.
        """

    @abstractmethod
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

    def defaults(self) -> dict[str, Any]:
        """Return the settings that are tried first.

        Returns
        -------
        dict
            Of the keys that :meth:`suggest` gives.
        """
        return {}

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Draw settings.

        Parameters
        ----------
        trial : optuna.Trial
            Where they are drawn from.

        Returns
        -------
        dict
            A candidate.
        """
        return {}

    @abstractmethod
    def split(self, learnt: Any, table: pd.DataFrame) -> pd.DataFrame:
        """Split scores into what each column adds.

        Parameters
        ----------
        learnt : object
            Of :meth:`learn`.
        table : DataFrame, shape (m, q)
            What the steps gave.

        Returns
        -------
        DataFrame, shape (m, q)
            Up to a constant, rows add up to :meth:`score`.
        """

    @abstractmethod
    def used_by(self, learnt: Any) -> list[str]:
        """Name the columns that move a learner's scores.

        Parameters
        ----------
        learnt : object
            Of :meth:`learn`.

        Returns
        -------
        list of str
            In the table's order.
        """

    def used(self) -> list[str]:
        """Name the columns that move the fitted model's scores.

        Returns
        -------
        list of str
            In the table's order; of a cluster of features the one that was kept.
        """
        sources = self._sources()
        return list(dict.fromkeys(sources.get(name, name) for name in self.used_by(self.learnt_)))

    def settings(self) -> dict[str, Any]:
        """Return what was chosen in training.

        Returns
        -------
        dict
            The learner's settings, and the slope.
        """
        return {**self.settings_, **super().settings()}

    def _cross_fit(self, X: pd.DataFrame, y: Target) -> tuple[Floats, Places]:
        inner, fold = self._inner(X, y)
        self.settings_ = self._choose(inner, y, fold)
        return self._held_out(inner, self.settings_), fold

    def _fit_all(self, X: pd.DataFrame, y: Target) -> tuple[Floats, pd.Series]:
        self.steps_ = self.make_steps(X)
        table = self.steps_.fit_transform(X, y)
        self.learnt_ = self.learn(table, y, self.settings_)
        return self.score(self.learnt_, table), self._split(table).mean()

    def _scores(self, X: pd.DataFrame) -> Floats:
        return self.score(self.learnt_, self.steps_.transform(X))

    def _splits(self, X: pd.DataFrame) -> pd.DataFrame:
        return self._split(self.steps_.transform(X))

    def _split(self, table: pd.DataFrame) -> pd.DataFrame:
        split = self.split(self.learnt_, table)
        sources = self._sources()
        if not sources:
            return split
        # Whoever is of one category is not of another: together they are one column's doing.
        return split.T.groupby(lambda name: sources.get(name, name), sort=False).sum().T

    def _sources(self) -> dict[str, str]:
        step = self.steps_.find(Encode)
        return {} if step is None else step.sources()

    def _write(self, folder: Path) -> dict[str, Any]:
        learnt = self.write_learnt(folder)
        return {
            "chosen": self.settings_,
            "steps": self.steps_.write(),
            "files": learnt.pop("files", []),
            "learnt": learnt,
        }

    def _restore(self, folder: Path, state: dict[str, Any]) -> None:
        self.settings_ = state["chosen"]
        empty = pd.DataFrame(columns=self.feature_names_in_)
        self.steps_ = self.make_steps(empty).restore(state["steps"])
        self.learnt_ = self.restore_learnt(folder, state["learnt"])

    def _inner_folds(self) -> int:
        return self.inner_folds

    def _inner(self, X: pd.DataFrame, y: Target) -> tuple[list[Inner], Places]:
        folds = max(min(self._inner_folds(), fewest_of(y)), 2)
        inner, fold = [], np.zeros(len(X), dtype=np.intp)
        for number, (train, test) in enumerate(stratified_folds(events_of(y), folds, self.seed)):
            fold[test] = number
            steps = self.make_steps(X)
            known = steps.fit_transform(X.iloc[train], y[train])
            inner.append(Inner(known, steps.transform(X.iloc[test]), y[train], test))
        return inner, fold

    def _held_out(self, inner: list[Inner], settings: dict[str, Any]) -> Floats:
        scores = np.zeros(sum(len(each.places) for each in inner))
        for each in inner:
            learnt = self.learn(each.train, each.y_train, settings)
            centre, scale = centre_and_scale(self.score(learnt, each.train))
            scores[each.places] = (self.score(learnt, each.test) - centre) / scale
        return scores

    def _choose(self, inner: list[Inner], y: Target, fold: Places) -> dict[str, Any]:
        if self.trials == 0 or not self.defaults():
            return self.defaults()
        from radpipe.prognosis.models.tuning import choose

        def loss(settings: dict[str, Any]) -> float:
            return held_out_loss(y, self._held_out(inner, settings), fold)

        return choose(loss, self.defaults(), self.suggest, self.trials, self.seed)
