"""Evaluation: nested cross-validation, training, external validation, prediction.

The names load on first use: a report needs :class:`Evaluation` and no package that fits models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from radpipe.errors import ModelError

if TYPE_CHECKING:
    from radpipe.prognosis.evaluation.cross_validation import evaluate
    from radpipe.prognosis.evaluation.explanation import explain
    from radpipe.prognosis.evaluation.options import ModelOptions
    from radpipe.prognosis.evaluation.prediction import predict
    from radpipe.prognosis.evaluation.results import Evaluation
    from radpipe.prognosis.evaluation.training import train
    from radpipe.prognosis.evaluation.validation import validate

_HOMES = {
    "Evaluation": "results",
    "ModelOptions": "options",
    "evaluate": "cross_validation",
    "explain": "explanation",
    "predict": "prediction",
    "train": "training",
    "validate": "validation",
}

__all__ = ["Evaluation", "ModelOptions", "evaluate", "explain", "predict", "train", "validate"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        # Everything that fits or evaluates passes here, and the base install has no scikit-learn.
        raise ModelError(
            "models need packages that are not installed",
            where="this environment",
            found=f"no {error.name}",
            expected="radpipe with its extra `models`",
            remedy="pip install '.[models]' in the checkout",
        ) from error
