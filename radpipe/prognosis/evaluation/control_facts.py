"""Which controls run beside the folds, and what ``metrics.json`` tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from radpipe.networks.encoders import ENCODERS
from radpipe.prognosis.evaluation import controls
from radpipe.prognosis.evaluation.harness import Fitted
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.splits import Fold
from radpipe.prognosis.tables.steps import parameters


@dataclass(frozen=True)
class Controls:
    """The controls that run.

    Attributes
    ----------
    permutations : list of Permutation
        The first permutes nothing.
    shortened : list of Shortened
        The learning curve's folds.
    """

    permutations: list[controls.Permutation]
    shortened: list[controls.Shortened]

    @property
    def tasks(self) -> list[Any]:
        """All of them, in the order in which :class:`ControlResults` takes what they gave."""
        return [*self.permutations, *self.shortened]


@dataclass(frozen=True)
class ControlResults:
    """What the controls gave.

    Attributes
    ----------
    asked : Controls
        Which they were.
    done : sequence
        What each gave, in the order of its tasks.
    """

    asked: Controls
    done: Sequence[Any]

    @property
    def plain(self) -> controls.Permuted:
        """Of the data as they are."""
        return self.of(controls.NOTHING)[0]

    @property
    def learning(self) -> Sequence[tuple[int, float | None]]:
        """Of the learning curve's folds."""
        return self.done[len(self.asked.permutations) :]

    def of(self, what: str) -> list[controls.Permuted]:
        """Choose permutations.

        Parameters
        ----------
        what : str
            As of :class:`~radpipe.prognosis.evaluation.controls.Permutation`.

        Returns
        -------
        list of Permuted
            What they gave.
        """
        permutations = self.asked.permutations
        pairs = zip(permutations, self.done[: len(permutations)], strict=True)
        return [each for permutation, each in pairs if permutation.what == what]


def controls_of(parts: Sequence[Fold], permutations: int, seed: int) -> Controls:
    """Choose the controls.

    Parameters
    ----------
    parts : sequence of Fold
        The outer folds.
    permutations : int
        Of outcomes and, a quarter as many, of features.
    seed : int
        Of the evaluation.

    Returns
    -------
    Controls
        Each with a seed of its own.
    """
    seeds = np.random.SeedSequence([seed, 1]).generate_state(2 * permutations)
    labels = [controls.Permutation(controls.LABELS, int(each)) for each in seeds[::2]]
    some = seeds[1::2][: max(permutations // 4, 1)]
    features = [controls.Permutation(controls.FEATURES, int(each)) for each in some]
    plain = controls.Permutation(controls.NOTHING, seed)
    return Controls([plain, *labels, *features], controls.learning_parts(parts))


def control_facts(
    study: Study,
    main: str,
    done: Sequence[Fitted],
    found: ControlResults | None,
    allowed: Floats,
    components: int,
) -> dict[str, Any]:
    """Tell whether the main model found anything real.

    Parameters
    ----------
    study : Study
        The cohort.
    main : str
        The model.
    done : sequence of Fitted
        Its folds.
    found : ControlResults or None
        What the controls gave, where they ran.
    allowed : ndarray of float64, shape (h,)
        Horizons.
    components : int
        That an embedding becomes at most; a model that uses it is taken to use so many columns, or
        all there can be.

    Returns
    -------
    dict
        As ``metrics.json`` holds it.
    """
    # One that is fitted in each fold has no columns before.
    encoder = study.encoder
    dimension = 0
    if encoder is not None and study.encoder_training is not None:
        dimension = ENCODERS[encoder].dimension
    # A fusion takes the volume, which may be none of the features.
    taken = {name for one in done for name in one.used if name in study.frame}
    candidates = [*dict.fromkeys([*study.predictors, *sorted(taken)])]
    embedded = dimension or len(study.embeddings)
    parts = [min(components, embedded, len(one.fold.train) - 1) for one in done]
    used = [
        len(one.used) + (part - 1 if encoder in one.used else 0)
        for one, part in zip(done, parts, strict=True)
    ]
    facts: dict[str, Any] = {
        "events_per_variable": controls.events_per_variable(
            study.endpoint, len(candidates) + dimension, float(np.mean(used))
        ),
        "riley": controls.riley(
            study.endpoint, parameters(study.frame[candidates]) + dimension, allowed
        ),
    }
    if found is None:
        return {**facts, "label_permutation": None, "permuted_features": None, "learning_curve": []}
    labels = [each.value for each in found.of(controls.LABELS)]
    key = "auc" if study.binary else "c_index"
    return {
        **facts,
        "label_permutation": {
            **_values(main, labels),
            "p": controls.p_value(found.plain.value, labels),
        },
        "permuted_features": _values(main, [each.value for each in found.of(controls.FEATURES)]),
        "learning_curve": controls.learning_curve(found.asked.shortened, found.learning, done, key),
    }


def log_rank_chance(found: ControlResults | None) -> controls.Chance:
    """Compare the groups' log-rank statistic with that of permuted outcomes.

    Parameters
    ----------
    found : ControlResults or None
        What the controls gave, where they ran.

    Returns
    -------
    Chance
        How often permuted outcomes did as well.
    """
    if found is None:
        return controls.Chance(None, 0)
    labels = [each.statistic for each in found.of(controls.LABELS)]
    return controls.Chance(controls.p_value(found.plain.statistic, labels), len(labels))


def _values(model: str, values: list[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {"model": model, "values": known, "mean": float(np.mean(known)) if known else None}
