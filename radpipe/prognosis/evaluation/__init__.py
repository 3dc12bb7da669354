"""Evaluation: nested cross-validation, training, external validation, prediction."""

from radpipe.prognosis.evaluation.cross_validation import evaluate
from radpipe.prognosis.evaluation.prediction import predict
from radpipe.prognosis.evaluation.results import Evaluation
from radpipe.prognosis.evaluation.training import train
from radpipe.prognosis.evaluation.validation import validate

__all__ = ["Evaluation", "evaluate", "predict", "train", "validate"]
