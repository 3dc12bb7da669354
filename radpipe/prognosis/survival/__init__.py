"""Survival statistics: numpy in, numpy out; imports nothing else of radpipe.

Misuse raises ``ValueError``; the rooms above turn it into an error that names patients.
"""

from radpipe.prognosis.survival.binary import auc, average_precision, brier_score
from radpipe.prognosis.survival.breslow import baseline_hazard, survival_curves
from radpipe.prognosis.survival.brier import brier_scores, integrated_brier_score
from radpipe.prognosis.survival.calibration import (
    Calibration,
    CalibrationPoint,
    binary_calibration,
    calibration_at,
    calibration_slope,
)
from radpipe.prognosis.survival.censoring import CensoringDistribution, inverse_censoring_weights
from radpipe.prognosis.survival.concordance import NoPairsError, concordance_index
from radpipe.prognosis.survival.cox import fit_cox, partial_likelihood_loss
from radpipe.prognosis.survival.decision_curve import net_benefit, net_benefit_all
from radpipe.prognosis.survival.endpoint import ENDPOINT_DTYPE, events_of, is_binary, make_endpoint
from radpipe.prognosis.survival.horizons import allowed_horizons
from radpipe.prognosis.survival.intervals import (
    Interval,
    bootstrap_interval,
    nadeau_bengio,
)
from radpipe.prognosis.survival.kaplan_meier import (
    kaplan_meier,
    log_log_band,
    median_follow_up,
    numbers_at_risk,
    reverse_kaplan_meier,
    survival_at,
)
from radpipe.prognosis.survival.log_rank import log_rank_statistic
from radpipe.prognosis.survival.logistic import Logistic, fit_logistic, logistic_loss
from radpipe.prognosis.survival.observed_risk import observed_risk
from radpipe.prognosis.survival.resampling import bootstrap_concordance
from radpipe.prognosis.survival.sample_size import binary_sample_size, survival_sample_size
from radpipe.prognosis.survival.splits import repeated_folds, stratified_folds
from radpipe.prognosis.survival.time_dependent_auc import time_dependent_auc
from radpipe.prognosis.survival.uno import uno_concordance

__all__ = [
    "ENDPOINT_DTYPE",
    "Calibration",
    "CalibrationPoint",
    "CensoringDistribution",
    "Interval",
    "Logistic",
    "NoPairsError",
    "allowed_horizons",
    "auc",
    "average_precision",
    "baseline_hazard",
    "binary_calibration",
    "binary_sample_size",
    "bootstrap_concordance",
    "bootstrap_interval",
    "brier_score",
    "brier_scores",
    "calibration_at",
    "calibration_slope",
    "concordance_index",
    "events_of",
    "fit_cox",
    "fit_logistic",
    "integrated_brier_score",
    "inverse_censoring_weights",
    "is_binary",
    "kaplan_meier",
    "log_log_band",
    "log_rank_statistic",
    "logistic_loss",
    "make_endpoint",
    "median_follow_up",
    "nadeau_bengio",
    "net_benefit",
    "net_benefit_all",
    "numbers_at_risk",
    "observed_risk",
    "partial_likelihood_loss",
    "repeated_folds",
    "reverse_kaplan_meier",
    "stratified_folds",
    "survival_at",
    "survival_curves",
    "survival_sample_size",
    "time_dependent_auc",
    "uno_concordance",
]
