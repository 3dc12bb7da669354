"""Settings chosen by optuna: by a count of trials and a seed, so always the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna

from radpipe.progress import progress_bar

Settings = dict[str, Any]


def choose(
    loss: Callable[[Settings], float],
    defaults: Settings,
    suggest: Callable[[Any], Settings],
    trials: int,
    seed: int,
) -> Settings:
    """Find settings of small loss.

    Parameters
    ----------
    loss : callable
        What settings cost; smaller is better.
    defaults : dict
        Tried first; the others have to beat them.
    suggest : callable
        Draws settings from an optuna trial.
    trials : int
        How many to try, the defaults among them.
    seed : int
        Of the draws (tree-structured Parzen estimator, Bergstra et al. 2011).

    Returns
    -------
    dict
        The best.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=10)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(defaults)
    with progress_bar("tuning", trials) as step:
        done = [lambda *_: step()]
        study.optimize(lambda trial: loss(suggest(trial)), n_trials=trials, callbacks=done)
    return suggest(optuna.trial.FixedTrial(study.best_params))
