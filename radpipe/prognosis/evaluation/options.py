"""How a user wishes models to be made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from radpipe.errors import SettingsError
from radpipe.networks.spec import METHODS
from radpipe.prognosis.models.parts import HEADS, SELECTIONS, Embedding, Reduction
from radpipe.prognosis.tables.stability import load_stability, stability_scores

_OF_EMBEDDING = ("components", "head", "method", "epochs", "patience")


@dataclass(frozen=True)
class ModelOptions:
    """How models are made.

    Attributes
    ----------
    trials : int
        Settings to try in the inner folds; 0 takes the defaults, which few patients seldom beat.
    inner_folds : int
        Folds for tuning and calibration.
    horizon : float, optional
        Of the classifier, where the endpoint has times.
    stability : str, Path or dict, optional
        ICC by feature, or a run of perturbed cases, or a table ``feature, icc``.
    volume_dependence : float, optional
        Absolute rank correlation with the volume above which a feature is dropped.
    correlation : float
        Absolute rank correlation from which on features are one cluster.
    selection : {"univariate", "mrmr"}, optional
        How to select features beyond that.
    keep : int
        Features that the selection keeps.
    branches : dict of str to str, optional
        Further branches of the fusion: name, and pattern of their columns.
    components : int, optional
        Principal components that an embedding becomes; 10 by default.
    head : {"linear", "xgboost"}, optional
        What learns from them; by default ridge regression.
    method : str, optional
        How an encoder is fitted in each fold, where it is fitted on the cohort; else as
        `radpipe embed` was told.
    epochs : int, optional
        How long at most.
    patience : int, optional
        After how many epochs without a gain for held-out training patients it ends; 0: never.
    """

    trials: int = 0
    inner_folds: int = 5
    horizon: float | None = None
    stability: str | Path | dict[str, float] | None = None
    volume_dependence: float | None = None
    correlation: float = 0.9
    selection: str | None = None
    keep: int = 30
    branches: dict[str, str] | None = None
    components: int | None = None
    head: str | None = None
    method: str | None = None
    epochs: int | None = None
    patience: int | None = None

    def _require_sense(self) -> None:
        wrong = [
            ("--trials", self.trials, self.trials >= 0, "0 or more"),
            ("inner_folds", self.inner_folds, self.inner_folds >= 2, "2 or more"),
            ("--keep", self.keep, self.keep >= 1, "1 or more"),
            ("--correlation", self.correlation, 0 < self.correlation <= 1, "above 0, at most 1"),
            (
                "--volume-dependence",
                self.volume_dependence,
                self.volume_dependence is None or 0 < self.volume_dependence < 1,
                "between 0 and 1",
            ),
            (
                "--selection",
                self.selection,
                self.selection is None or self.selection in SELECTIONS,
                "|".join(SELECTIONS),
            ),
            (
                "--classifier-horizon",
                self.horizon,
                self.horizon is None or self.horizon > 0,
                "positive",
            ),
            (
                "--components",
                self.components,
                self.components is None or self.components >= 1,
                "1 or more",
            ),
            ("--head", self.head, self.head is None or self.head in HEADS, "|".join(HEADS)),
            (
                "--method",
                self.method,
                self.method is None or self.method in METHODS,
                "|".join(METHODS),
            ),
            ("--epochs", self.epochs, self.epochs is None or self.epochs >= 1, "1 or more"),
            ("--patience", self.patience, (self.patience or 0) >= 0, "0 or more"),
        ]
        for where, found, right, expected in wrong:
            if not right:
                raise SettingsError(
                    "this setting makes no sense",
                    where=where,
                    found=found,
                    expected=expected,
                    remedy="mend it, or leave it out",
                )

    def resolved(self) -> Self:
        """Check the options, and read what they name.

        Returns
        -------
        ModelOptions
            With the stability of each feature in the place of a file.

        Raises
        ------
        SettingsError
            A value is out of range.
        TableError
            The table of stability cannot be read.
        """
        self._require_sense()
        if self.stability is None or isinstance(self.stability, dict):
            return self
        return replace(self, stability=stability_scores(load_stability(self.stability)))

    @property
    def embedding(self) -> Embedding:
        """How an embedding is learnt from."""
        asked = {name: getattr(self, name) for name in _OF_EMBEDDING}
        return Embedding(**{key: each for key, each in asked.items() if each is not None})

    def parameters(self, seed: int) -> dict[str, Any]:
        """Return what models may take, by the name of their parameter.

        Parameters
        ----------
        seed : int
            The user's.

        Returns
        -------
        dict
            A model takes those that it has.
        """
        known = self.resolved().stability
        assert known is None or isinstance(known, dict)
        rest = (self.volume_dependence, self.correlation, self.selection, self.keep)
        return {
            "reduction": Reduction(known, *rest),
            "embedding": self.embedding,
            "horizon": self.horizon,
            "trials": self.trials,
            "inner_folds": self.inner_folds,
            "seed": seed,
        }

    def facts(self) -> dict[str, Any]:
        """Write them down for ``metrics.json``.

        Returns
        -------
        dict
            All of them but stability, which ``stability_facts`` tells.
        """
        return {key: each for key, each in asdict(self).items() if key != "stability"}
