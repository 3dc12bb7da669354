"""What the page says first: the finding, and what must not be overlooked."""

from __future__ import annotations

from collections.abc import Iterator

from radpipe.prognosis.evaluation.results import MIN_EVENTS
from radpipe.prognosis.models.table import BOTH, VOLUME
from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Banner
from radpipe.prognosis.report.branches import without_weight
from radpipe.prognosis.report.evidence import Evidence, Judged, model_title
from radpipe.prognosis.report.overlap import Overlap, overlap_of
from radpipe.prognosis.report.questions.drift import unseen

# How a column of outcomes says that there was no event.
_NO = ("0", "0.0", "False")
# Share of the patients from which on a guess of the software is no detail.
_MANY = 0.05
_UNTOLD = "How well it does on other patients, this cannot tell."


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
    if overlap_of(evidence.metrics) is not None:
        return "validation with training patients"
    return "external validation" if evidence.metrics.get("overlap") == 0 else "validation"


def headline(evidence: Evidence) -> str:
    """Say what was found, in a few plain sentences.

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
    overlap = overlap_of(evidence.metrics)
    whose = _of_overlap(overlap) if overlap is not None else f"In {cohort}, "
    found = f"{whose}{_ranked(main, evidence)}{_beside(main, volume, evidence)}"
    told = [found, _UNTOLD if overlap is not None else None, without_weight(main.facts)]
    return " ".join(filter(None, told))


def _of_overlap(overlap: Overlap) -> str:
    return f"{overlap.told}: this is no external validation. Here "


def _ranked(main: Judged, evidence: Evidence) -> str:
    by = f"how likely “{evidence.event}” is" if evidence.binary else "risk"
    score = words.with_interval(main.interval(evidence.measure))
    return (
        f"the {words.lower(main.title)} ranked patients by {by} with {_article(evidence)} "
        f"{evidence.measure_name} of {score}"
    )


def _beside(main: Judged, volume: Judged | None, evidence: Evidence) -> str:
    if volume is None:
        return ". There is no tumour volume to compare it with."
    both = None if main.versus(BOTH) is None else evidence.model(BOTH)
    return "".join(f"; {_alone(one, evidence)}" for one in (both, volume) if one is not None) + "."


def _alone(model: Judged | None, evidence: Evidence) -> str:
    if model is None:
        return "nor is there a tumour volume to fall back on"
    found = words.with_interval(model.interval(evidence.measure))
    measure = f"{_article(evidence)} {evidence.measure_name}"
    return f"{words.lower(model.title)} reached {measure} of {found}"


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
            f"A higher score means that “{evidence.event}” is likelier. An AUC of 0.5 is chance "
            "and 1 is perfect: it is the share of pairs of one patient with and one without it in "
            "which the first has the higher score."
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
    parts = (_overlap, _all_alike, _few_events, _withheld, _reversed, _unseen, _cohort)
    return [banner for part in parts for banner in part(evidence)]


def _overlap(evidence: Evidence) -> Iterator[Banner]:
    overlap = overlap_of(evidence.metrics)
    if overlap is not None:
        others = (
            ", or rename them if the two cohorts merely number their patients alike"
            if overlap.by_identifier_alone
            else ""
        )
        yield Banner(
            "Training patients among these.",
            [
                f"{overlap.told}. On training patients a model looks better than it is: do not "
                "read this page as its quality on other patients. Leave these patients out and "
                f"validate again{others}."
            ],
        )


def _all_alike(evidence: Evidence) -> Iterator[Banner]:
    found = None if evidence.main is None else evidence.main.interval(evidence.measure)
    # Ties count one half in every fold and sample: the interval is a point, and no precision.
    if found is not None and found == (0.5, 0.5, 0.5):
        yield Banner(
            "All patients got the same score.",
            ["The model found nothing to tell them apart by; its interval says nothing."],
        )


def _few_events(evidence: Evidence) -> Iterator[Banner]:
    facts = evidence.metrics["cohort"]
    fewest, one, many = facts["events"], "event", "events"
    if evidence.binary and facts["patients"] - fewest < fewest:
        fewest = facts["patients"] - fewest
        one, many = "patient without the event", "patients without the event"
    if fewest < MIN_EVENTS:
        yield Banner(
            f"Fewer than {MIN_EVENTS} {many}.",
            [
                f"{words.counted(fewest, one, many)} cannot tell a good model from a bad one: "
                "intervals are wide, and one patient more or less changes the picture."
            ],
        )


def _withheld(evidence: Evidence) -> Iterator[Banner]:
    withheld = evidence.metrics["withheld"]
    if withheld:
        titles: dict[str, list[str]] = {}
        for key, why in withheld.items():
            titles.setdefault(str(why).rstrip("."), []).append(model_title(key))
        told = [f"{', '.join(names)}: {why}." for why, names in titles.items()]
        rest = "This page shows the cohort and what could be judged all the same, and no more."
        yield Banner("Not evaluated.", [*told, rest])


def _reversed(evidence: Evidence) -> Iterator[Banner]:
    value = (evidence.metrics.get("volume_reversed") or {}).get(evidence.measure)
    if value is None:
        return
    name = f"{_article(evidence).capitalize()} {evidence.measure_name} of {words.number(value)}"
    yield Banner(
        "Larger tumours had the event less often.",
        [
            f"{name} is what volume reaches, taken as larger for worse. If “{evidence.event}” is "
            f"good news, evaluate its opposite{_opposite(evidence)}. If it is not, volume is no "
            "yardstick here, and to be better than it says nothing."
        ],
    )


def _opposite(evidence: Evidence) -> str:
    """Write how to ask for the opposite, where the column knows but two values."""
    told = evidence.metrics["endpoint"]
    codes, value = [str(code) for code in told.get("codes") or {}], told.get("value")
    others = [code for code in codes if (code in _NO if value is None else code != str(value))]
    if not evidence.binary or len(codes) != 2 or len(others) != 1:
        return ""
    return f" (--event {evidence.event}={others[0]})"


def _unseen(evidence: Evidence) -> Iterator[Banner]:
    patients = evidence.metrics["cohort"]["patients"]
    told = [line for count, line in unseen(evidence) if count > _MANY * patients]
    if told:
        yield Banner("Categories that training never saw.", told)


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
            "Patients that ran unharmonised.",
            [f"Absent from training patients, or too few of them, for ComBat to learn: {told}."],
        )
