"""Survival statistics: numpy in, numpy out; imports nothing else of radpipe.

Misuse raises ``ValueError``; the rooms above turn it into an error that names patients.
"""

from radpipe.prognosis.survival.breslow import baseline_hazard, survival_curves
from radpipe.prognosis.survival.concordance import NoPairsError, concordance_index
from radpipe.prognosis.survival.endpoint import ENDPOINT_DTYPE, make_endpoint
from radpipe.prognosis.survival.intervals import (
    Interval,
    bootstrap_concordance,
    nadeau_bengio,
)
from radpipe.prognosis.survival.kaplan_meier import (
    kaplan_meier,
    log_log_band,
    median_follow_up,
    numbers_at_risk,
)
from radpipe.prognosis.survival.splits import repeated_folds, stratified_folds

__all__ = [
    "ENDPOINT_DTYPE",
    "Interval",
    "NoPairsError",
    "baseline_hazard",
    "bootstrap_concordance",
    "concordance_index",
    "kaplan_meier",
    "log_log_band",
    "make_endpoint",
    "median_follow_up",
    "nadeau_bengio",
    "numbers_at_risk",
    "repeated_folds",
    "stratified_folds",
    "survival_curves",
]
