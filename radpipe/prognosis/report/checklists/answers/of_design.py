"""Answers about how models were made."""

from __future__ import annotations

from radpipe.prognosis.report.checklists.answers.base import Answer, entering
from radpipe.prognosis.report.checklists.known import Known
from radpipe.prognosis.report.overlap import overlap_of, sign_of
from radpipe.prognosis.report.words import counted, inner_purpose, listed, sentences

_BASELINES_ONLY = "Only baselines were evaluated: too few events, or nothing else was asked for."
_CHOSEN = {"univariate": "by univariate score tests", "mrmr": "by minimum redundancy"}

DESIGN: dict[str, Answer] = {}
answer = entering(DESIGN)


@answer
def splits(known: Known) -> str | None:
    """How data were divided."""
    if known.is_validation:
        return sentences([_trained_on(known), "All patients of this cohort are test data."])
    design = known.get("design") or {}
    if design.get("splits") == "centres":
        return f"Leave-one-centre-out: each of {design.get('folds')} centres was the test set once."
    repeats, folds, inner = (design.get(name) for name in ("repeats", "folds", "inner_folds"))
    if folds is None:
        return None
    return (
        f"Nested cross-validation: {counted(repeats or 1, 'repeat')} of {folds} outer folds, "
        f"{inner} inner folds for {inner_purpose(known.metrics)}; split by patient, events in "
        "equal shares."
    )


def _trained_on(known: Known) -> str | None:
    found = known.get("design", "trained_on")
    if not found:
        return None
    told = f"{counted(found['patients'], 'patient')} with {counted(found['events'], 'event')}"
    return f"The model was trained on {told}."


@answer
def leaks(known: Known) -> str | None:
    """What was checked."""
    checked = known.get("leaks", "checked")
    if not checked:
        return None
    checked = [sign_of(str(what)) for what in checked]
    if known.is_validation:
        shared = overlap_of(known.metrics)
        told = "none" if shared is None else shared.told
        return f"Training patients in this cohort, looked for by {listed(checked)}: {told}."
    tuning = ", tuning" if known.get("design", "trials") else ""
    return (
        f"Every step that is fitted (selection, scaling, harmonisation, imputation{tuning}) was "
        f"fitted on training patients only. Checked for leaks: {listed(checked)}; found: none."
    )


@answer
def tuning(known: Known) -> str | None:
    """How settings were chosen."""
    if known.only_baselines:
        return _BASELINES_ONLY
    if known.is_validation:
        return None
    trials = known.get("design", "trials")
    if trials is None:
        return None
    if trials == 0:
        return "No tuning: fixed, strongly regularised settings."
    return (
        f"{counted(trials, 'setting')} tried by Bayesian optimisation (optuna), judged by the "
        "likelihood of held-out patients in the inner folds; metrics.json has the chosen ones of "
        "each fold."
    )


@answer
def recalibration(known: Known) -> str | None:
    """How models are calibrated when they are fitted."""
    return (
        "Each model's scores are multiplied by one slope, fitted to its out-of-fold scores in the "
        "inner folds, and get their baseline from the same."
    )


@answer
def table_steps(known: Known) -> str | None:
    """What happens to the table in each training fold."""
    if known.only_baselines:
        return _BASELINES_ONLY
    if known.is_validation:
        return "The steps that the model learnt in training were applied unchanged."
    return (
        "In each training fold: uninformative columns dropped, categories made indicators, values "
        "clipped to the 1st and 99th percentile, holes filled, correlated features clustered, "
        "columns standardised."
    )


@answer
def scaling(known: Known) -> str | None:
    """Scaling of features."""
    if known.only_baselines:
        return _BASELINES_ONLY
    return (
        "Features are clipped to the 1st and 99th percentile of the training patients and "
        "standardised by their mean and standard deviation; categories become indicator columns."
    )


@answer
def volume_form(known: Known) -> str | None:
    """Functional form of the volume."""
    column = next(
        (one["column"] for one in (known.get("models") or {}).values() if one.get("column")), None
    )
    if column is None:
        return None
    return (
        f"Volume ({column}) enters as its logarithm; volumes that were standardised to values "
        "below zero are moved up first."
    )


@answer
def reduction(known: Known) -> str | None:
    """Selection of features."""
    return sentences([redundancy(known), stability(known), _volume_filter(known), _selected(known)])


@answer
def redundancy(known: Known) -> str | None:
    """Clusters of correlated features."""
    if known.only_baselines:
        return _BASELINES_ONLY
    if known.is_validation:
        return None
    threshold = known.get("design", "correlation")
    level = "a threshold" if threshold is None else f"{threshold:g}"
    return (
        "In each training fold, features whose absolute rank correlation reaches "
        f"{level} are one cluster, of which one is kept."
    )


@answer
def stability(known: Known) -> str | None:
    """Whether stability was used."""
    design = known.get("design") or {}
    if "stability" not in design:
        return None
    used = design["stability"]
    if used is None:
        return "No stability of features (perturbed or repeated contours) was given."
    return (
        f"{used['unstable']} of {used['features']} features, whose intraclass correlation over "
        f"perturbed or repeated extractions is below {used['least']:g}, were dropped; of "
        f"{used['unknown']} it is not known. Clusters keep their most stable member."
    )


def _volume_filter(known: Known) -> str | None:
    threshold = known.get("design", "volume_dependence")
    if threshold is None:
        return None
    return f"Features with an absolute rank correlation above {threshold:g} with volume go."


def _selected(known: Known) -> str | None:
    how = known.get("design", "selection")
    return None if how is None else f"Further selection {_CHOSEN.get(how, how)}."


@answer
def harmonisation(known: Known) -> str | None:
    """ComBat."""
    if known.is_validation:
        return None
    column = known.get("design", "batch")
    if column is None:
        return "radpipe did not harmonise feature values between scanners or hospitals."
    without = known.get("design", "unharmonised") or {}
    left = listed(f"{name} ({counted(count, 'patient')})" for name, count in without.items())
    return (
        f"Features were harmonised by ComBat over column {column}, parametric empirical Bayes "
        "without covariates, fitted in each training fold."
        + (f" Not harmonised, since training lacked them or had too few: {left}." if left else "")
    )


@answer
def clusters(known: Known) -> str | None:
    """Whether hospitals were told apart."""
    if known.get("design", "splits") == "centres":
        return "Every centre was left out once and served as the test set."
    if known.get("design", "splits") is None:
        return None
    return "Performance was not estimated by centre."


@answer
def models(known: Known) -> str | None:
    """Models in plain names."""
    found = known.get("models")
    if not found:
        return None
    told = listed(f"{one.get('title', name)} ({name})" for name, one in found.items())
    return f"Models: {told}."


@answer
def imbalance(known: Known) -> str | None:
    """No resampling."""
    return "No patient was resampled or weighted for the balance of outcomes."
