"""Evaluation: nested cross-validation, training, external validation, prediction.

The names load on first use: a report needs :class:`Evaluation` and no package that fits models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radpipe.prognosis.evaluation.cross_validation import evaluate
    from radpipe.prognosis.evaluation.prediction import predict
    from radpipe.prognosis.evaluation.results import Evaluation
    from radpipe.prognosis.evaluation.training import train
    from radpipe.prognosis.evaluation.validation import validate

_HOMES = {
    "Evaluation": "results",
    "evaluate": "cross_validation",
    "predict": "prediction",
    "train": "training",
    "validate": "validation",
}

__all__ = ["Evaluation", "evaluate", "predict", "train", "validate"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
