"""Answers about how models were judged, and how they may be used."""

from __future__ import annotations

from radpipe.prognosis.report.branches import without_weight
from radpipe.prognosis.report.checklists.answers.base import Answer, entering
from radpipe.prognosis.report.checklists.known import Known, number
from radpipe.prognosis.report.overlap import overlap_of
from radpipe.prognosis.report.words import listed, sentences

JUDGEMENT: dict[str, Answer] = {}
answer = entering(JUDGEMENT)


@answer
def baselines(known: Known) -> str | None:
    """What the model was compared with."""
    found = known.get("models") or {}
    names = [one.get("title", name) for name, one in found.items() if one.get("baseline")]
    where = "on the same patients" if known.is_validation else "in the same folds"
    return f"Baselines {where}: {listed(names)}." if names else None


@answer
def simple_models(known: Known) -> str | None:
    """Regression among the models."""
    simple = {"cox": "elastic-net Cox regression", "logistic": "elastic-net logistic regression"}
    names = [plain for name, plain in simple.items() if name in (known.get("models") or {})]
    return f"Also compared with {listed(names)}." if names else None


@answer
def choice(known: Known) -> str | None:
    """How the model of the report was chosen."""
    title = known.main.get("title")
    if title is None:
        return None
    if known.is_validation:
        return sentences([f"The frozen model: {title}.", without_weight(known.main)])
    return sentences(
        [
            f"The report is about: {title}. It is chosen by a fixed rule, before any result is "
            "known; all models that were evaluated are shown.",
            without_weight(known.main),
        ]
    )


@answer
def measures(known: Known) -> str | None:
    """All measures."""
    where = "" if known.is_validation else " within test folds"
    if known.binary:
        return (
            f"AUC{where}, average precision, Brier score beside that of the prevalence, "
            "calibration (slope, intercept, observed to expected, curve), decision curve."
        )
    return (
        f"Harrell's and Uno's C{where}, time-dependent AUC, Brier and integrated Brier "
        "score beside those of Kaplan-Meier, calibration (slope over all times; observed to "
        "expected and curve at the horizons), decision curve, Kaplan-Meier curves of risk groups."
    )


@answer
def uncertainty(known: Known) -> str | None:
    """How intervals were made."""
    interval = known.get("design", "interval")
    if interval is None:
        return None
    boots = known.get("design", "bootstraps")
    return f"Intervals: {interval}" + (f", {boots} samples." if boots else ".")


@answer
def calibration_method(known: Known) -> str | None:
    """How calibration is judged."""
    slope = (
        "Calibration slope and intercept on the logistic scale, observed to expected"
        if known.binary
        else "Calibration slope (Cox, over all times); at the horizons observed to expected"
    )
    whom = "" if known.get("overlap") else ", from predictions for unseen patients"
    return f"{slope} with interval, and a curve over groups of patients{whom}."


@answer
def comparison_method(known: Known) -> str | None:
    """How models are compared."""
    how = "bootstrap samples" if known.is_validation else "folds"
    return (
        f"Differences against volume and clinical columns are paired by {how} and given with an "
        "interval; no threshold of significance, no correction for several models."
    )


@answer
def groups(known: Known) -> str | None:
    """Where risk groups are cut."""
    cuts = known.get("design", "cuts")
    told = listed(sorted({str(cut) for cut in cuts.values()})) if cuts else "training patients"
    return f"Groups of high and low {known.risk_name}: cut at its median in: {told}."


@answer
def benefit_method(known: Known) -> str | None:
    """Decision curves."""
    return "Clinical usefulness: net benefit over thresholds, beside treating all and none."


@answer
def explanation(known: Known) -> str | None:
    """What explains the model."""
    return (
        "Contribution of each column to each patient's score (coefficients; for boosted trees "
        "their exact additive contributions), and how often each feature or cluster was chosen."
    )


@answer
def output(known: Known) -> str | None:
    """What the model gives."""
    if known.binary:
        return "A score (log-odds) and the probability of the event."
    return "A risk score (log-hazard) and survival probabilities at the horizons."


@answer
def updating(known: Known) -> str | None:
    """Recalibration after evaluation."""
    if not known.is_validation:
        return None
    if not known.get("recalibrated"):
        return "The model was not updated."
    return "Slope and baseline were refitted on this cohort; shown apart from the frozen model."


@answer
def calculation(known: Known) -> str | None:
    """How predictions were made."""
    if not known.is_validation:
        return None
    return "By radpipe validate, from the frozen model's files."


@answer
def riley(known: Known) -> str | None:
    """Minimum sample size."""
    found = known.get("controls", "riley")
    if not found or found.get("patients") is None:
        return None
    verdict = {True: "the cohort has them", False: "the cohort has fewer"}.get(found.get("enough"))
    count = found.get("parameters")
    candidates = "the candidate parameters" if count is None else f"{count:,} candidate parameters"
    return (
        f"Riley's criteria (doi:10.1002/sim.7992) ask for {found['patients']:,} patients for "
        f"{candidates}" + (f"; {verdict}." if verdict else ".")
    )


@answer
def events_per_variable(known: Known) -> str | None:
    """Events per candidate and per used column."""
    found = known.get("controls", "events_per_variable")
    if not found:
        return None
    told = (
        f"Events per candidate predictor: {number(found.get('per_candidate'))}; "
        f"per predictor used: {number(found.get('per_used')) or 'not defined'}."
    )
    warning = found.get("warning")
    return sentences([told, f"{warning.rstrip('.')}." if warning else None])


@answer
def testing(known: Known) -> str | None:
    """Internal or external."""
    return external(known) if known.is_validation else internal(known)


@answer
def internal(known: Known) -> str | None:
    """Internal testing."""
    if known.is_validation:
        return None
    return "Internal: every patient was predicted by models that had not seen that patient."


@answer
def external(known: Known) -> str | None:
    """External testing."""
    if not known.is_validation:
        return None
    shared = overlap_of(known.metrics)
    if shared is not None:
        return f"{shared.told}: no external test."
    return "A frozen model on another cohort; external if that is of another institution."


@answer
def seed(known: Known) -> str | None:
    """Seed."""
    found = known.get("design", "seed")
    return None if found is None else f"Seed {found}: the same tables give the same numbers."


@answer
def versions(known: Known) -> str | None:
    """Versions of what decides results."""
    found = known.get("versions")
    if not found:
        return None
    return f"Versions: {listed(f'{name} {version}' for name, version in found.items())}."


@answer
def code(known: Known) -> str | None:
    """Code."""
    return "The analysis is radpipe's, open source under the Apache licence 2.0."


@answer
def checklists(known: Known) -> str | None:
    """Which lists were prefilled."""
    return "radpipe prefilled the lists of TRIPOD+AI, CLEAR, METRICS and the IBSI."


@answer
def tripod_beside(known: Known) -> str | None:
    """Where TRIPOD is."""
    return "See tripod_ai beside this file."


@answer
def poor_input(known: Known) -> str | None:
    """What predict does with poor input."""
    return (
        "radpipe predict refuses tables with other columns or extraction settings, fills holes as "
        "in training, and tells how far a patient is from the training patients."
    )


@answer
def user(known: Known) -> str | None:
    """What users do."""
    return "Users give images with contours, or a table of features; the rest is automatic."


@answer
def ready_to_use(known: Known) -> str | None:
    """Ready to use."""
    return "radpipe predict applies a trained model's folder to new patients."
