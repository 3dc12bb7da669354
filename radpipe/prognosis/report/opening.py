"""What the page says first: the finding, and what must not be overlooked."""

from __future__ import annotations

from collections.abc import Iterator

from radpipe.prognosis.models.table import VOLUME
from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Banner
from radpipe.prognosis.report.evidence import FEW_EVENTS, Evidence, Judged, model_title


def kind(evidence: Evidence) -> str:
    """Name the kind of evaluation; external is what shares no patient with the training.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    str
        For the page's first line.
    """
    if not evidence.validation:
        return "cross-validation"
    return "external validation" if evidence.metrics.get("overlap") == 0 else "validation"


def headline(evidence: Evidence) -> str:
    """Say what was found, in one plain sentence.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    str
        Text, not yet escaped.
    """
    facts = evidence.metrics["cohort"]
    cohort = (
        f"{words.counted(facts['patients'], 'patient')} with "
        f"{words.counted(facts['events'], 'event')}"
    )
    main, volume = evidence.main, evidence.model(VOLUME)
    if main is None or main.baseline:
        alone = _alone(main or volume, evidence)
        too_few = any(key not in (VOLUME,) for key in evidence.metrics["withheld"])
        return (
            f"{cohort} are too few to judge a model; {alone}."
            if too_few
            else f"In {cohort}, {alone}."
        )
    score = main.interval(evidence.score)
    found = (
        f"In {cohort}, the {words.lower(main.title)} ranked patients by risk with "
        f"{_article(evidence)} {evidence.score_name} of {words.with_interval(score)}"
    )
    if volume is None:
        return f"{found}. There is no tumour volume to compare it with."
    return f"{found}; {_alone(volume, evidence)}."


def _alone(model: Judged | None, evidence: Evidence) -> str:
    if model is None:
        return "nor is there a tumour volume to fall back on"
    found = words.with_interval(model.interval(evidence.score))
    return (
        f"{words.lower(model.title)} reached {_article(evidence)} {evidence.score_name} of {found}"
    )


def _article(evidence: Evidence) -> str:
    return "an" if evidence.binary else "a"


def scale(evidence: Evidence) -> str:
    """Explain the measure of discrimination.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    str
        One sentence.
    """
    if evidence.binary:
        return (
            "An AUC of 0.5 is chance and 1 is perfect: it is the share of pairs of one patient "
            "with and one without the event in which the first has the higher risk score."
        )
    return (
        "A C-index of 0.5 is chance and 1 is perfect: it is the share of comparable patient pairs "
        "in which the one with the higher risk score had the event first."
    )


def banners(evidence: Evidence) -> list[Banner]:
    """Collect what must not be overlooked.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    list of Banner
        The gravest first.
    """
    return [*_overlap(evidence), *_few_events(evidence), *_withheld(evidence), *_cohort(evidence)]


def _overlap(evidence: Evidence) -> Iterator[Banner]:
    count = evidence.metrics.get("overlap")
    if count:
        yield Banner(
            "Training patients among these.",
            [
                f"{count} of {evidence.metrics['cohort']['patients']} patients bear the identifier "
                "of a patient that the model was trained on. On training patients a model looks "
                "better than it is: do not read this as its quality on other patients, unless the "
                "two cohorts merely number their patients alike."
            ],
        )


def _few_events(evidence: Evidence) -> Iterator[Banner]:
    events = evidence.metrics["cohort"]["events"]
    if events < FEW_EVENTS:
        yield Banner(
            f"Fewer than {FEW_EVENTS} events.",
            [
                f"{words.counted(events, 'event')} cannot tell a good model from a bad one: "
                "intervals are wide, and one patient more or less changes the picture."
            ],
        )


def _withheld(evidence: Evidence) -> Iterator[Banner]:
    withheld = evidence.metrics["withheld"]
    if withheld:
        told = [f"{model_title(key)}: {why}" for key, why in withheld.items()]
        rest = "This page shows the cohort and what could be judged without it, and no more."
        yield Banner("Not evaluated.", [*told, rest])


def _cohort(evidence: Evidence) -> Iterator[Banner]:
    drift = evidence.metrics.get("drift") or {}
    if drift.get("standardised") or drift.get("training_standardised"):
        yield Banner(
            "A table standardised on its own.",
            [
                "Of this cohort's table and that of the training patients, one at least was scaled "
                "with its own means and spreads, which hides what differs between hospitals. "
                "Extract both cohorts alike and leave the scaling to the model."
            ],
        )
    unharmonised = evidence.metrics["design"].get("unharmonised")
    if unharmonised:
        told = ", ".join(f"{name} ({count})" for name, count in unharmonised.items())
        yield Banner(
            "Hospitals that ran unharmonised.",
            [f"Absent from the training patients, so ComBat could not learn them: {told}."],
        )
