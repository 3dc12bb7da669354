"""Answers about patients, outcomes and predictors."""

from __future__ import annotations

from pathlib import PurePath

from radpipe.prognosis.report import evidence
from radpipe.prognosis.report.checklists.answers.base import Answer, entering
from radpipe.prognosis.report.checklists.known import Known, at, number
from radpipe.prognosis.report.overlap import overlap_of
from radpipe.prognosis.report.words import counted, listed, sentences

COHORT: dict[str, Answer] = {}
answer = entering(COHORT)


@answer
def kind(known: Known) -> str | None:
    """Development or evaluation."""
    if known.is_validation:
        return f"Evaluation: a trained model was applied, unchanged, to {_to_whom(known)}."
    return "Development with internal validation, by cross-validation."


def _to_whom(known: Known) -> str:
    shared = overlap_of(known.metrics)
    if shared is not None:
        return f"a cohort of which {shared.told}: this is no external validation"
    if known.get("overlap") is None:
        return "a cohort of which it is not known whether it holds training patients"
    return "another cohort, in which no training patient was found"


@answer
def patients(known: Known) -> str | None:
    """How many, and how many events."""
    count, events = known.get("cohort", "patients"), known.get("cohort", "events")
    if count is None:
        return None
    shared = overlap_of(known.metrics)
    return sentences(
        [
            f"{counted(count, 'patient')}, {counted(events, 'event')}.",
            None if shared is None else f"{shared.told}: this is no external validation.",
        ]
    )


@answer
def follow_up(known: Known) -> str | None:
    """Median follow-up."""
    if known.binary:
        return "The endpoint has no times."
    median = known.get("cohort", "follow_up_median")
    column = known.get("endpoint", "time")
    told = "not reached" if median is None else f"{median:g}, in the unit of the column {column}"
    return f"Median follow-up (reverse Kaplan-Meier): {told}."


@answer
def outcome(known: Known) -> str | None:
    """Columns of the endpoint, and their codes."""
    endpoint = known.get("endpoint") or {}
    event, value = endpoint.get("event"), endpoint.get("value")
    if event is None:
        return None
    meant = f"the event happened where column {event} is {value or '1 or True'}"
    if known.binary:
        return f"Binary endpoint without times: {meant}."
    return f"Time to event: {meant}; time from column {endpoint.get('time')}."


@answer
def competing(known: Known) -> str | None:
    """Other events that end follow-up."""
    codes = known.get("endpoint", "competing")
    if not codes:
        return None
    told = listed(f"{code} ({counted(count, 'patient')})" for code, count in codes.items())
    return (
        f"Competing events count as censored: {told}. Risks are cause-specific, and survival "
        "probabilities are those of a world without the other events."
    )


@answer
def origin(known: Known) -> str | None:
    """Where time begins."""
    column = known.get("endpoint", "origin_days")
    if column is None:
        return None
    return (
        f"Times run from the day in column {column}; patients whose event or censoring was at or "
        "before it are left out and counted."
    )


@answer
def horizons(known: Known) -> str | None:
    """Times of interest, and those refused."""
    times = known.get("design", "horizons")
    if known.binary or times is None:
        return None
    refused = known.get("design", "refused_horizons") or []
    told = listed(f"{time:g}" for time in times) or "none has enough events and patients"
    left = listed(f"{time:g} ({why})" for time, why in refused)
    return f"Horizons: {told}." + (f" Refused: {left}." if left else "")


@answer
def flow(known: Known) -> str | None:
    """From cases to patients."""
    counts = known.run.get("counts", {})
    extracted = None
    if counts:
        extracted = f"Extraction: {counted(counts['cases'], 'case')}, {counts['failures']} failed."
    joined = patients(known)
    analysed = None if joined is None else f"Analysed: {joined}"
    return sentences([extracted, exclusions(known), analysed, "Drawn in the report."])


@answer
def exclusions(known: Known) -> str | None:
    """Who was left out when tables were joined, and why."""
    excluded = known.get("cohort", "excluded")
    if excluded is None:
        return None
    told = [f"{why}: {len(ids)}" for why, ids in excluded.items() if ids]
    if not told:
        return "No patient of the tables was left out."
    return f"Left out of the tables: {listed(told)}; the report names them."


@answer
def failures(known: Known) -> str | None:
    """Cases that failed the checks."""
    if known.failures is None:
        return None
    return (
        "Every image and mask was checked before extraction (readable, one geometry, a ROI that is "
        f"not empty and not too small); {counted(known.failures, 'case')} failed."
    )


@answer
def balance(known: Known) -> str | None:
    """Share of patients with the event."""
    count, events = known.get("cohort", "patients"), known.get("cohort", "events")
    if not count or events is None:
        return None
    return (
        f"{counted(events, 'event')} in {counted(count, 'patient')} ({100 * events / count:.0f} %)."
    )


@answer
def centres(known: Known) -> str | None:
    """Hospitals, where a column named them."""
    names = known.get("design", "centres")
    if not names:
        return None
    return f"{counted(len(names), 'centre')}: {listed(names)}."


@answer
def clinical_columns(known: Known) -> str | None:
    """Predictors that are no features."""
    names = evidence.clinical_columns(known.tables.get("subgroups"))
    count = known.get("cohort", "clinical")
    if names:
        return f"Clinical predictors: {listed(names)}."
    if count is None:
        return None
    return f"Clinical predictors: {count}." if count else "No clinical predictor was named."


@answer
def predictors(known: Known) -> str | None:
    """All candidates."""
    count = known.get("cohort", "features")
    if count is None:
        return None
    named = "Only columns that extraction made, and columns that were named, were candidates."
    return sentences([f"{counted(count, 'feature')}.", clinical_columns(known), named])


@answer
def source_files(known: Known) -> str | None:
    """Tables that were read."""
    table, clinical = known.get("source", "table"), known.get("source", "clinical")
    names = [PurePath(str(name)).name for name in (table, clinical) if name]
    return f"Tables read: {listed(names)}." if names else None


@answer
def overlap(known: Known) -> str | None:
    """Patients of the training cohort in this one."""
    shared = known.get("overlap")
    if shared is None:
        return None
    return f"Patients that the model was trained on: {shared}."


@answer
def missing(known: Known) -> str | None:
    """What is done about missing values."""
    where = "training" if known.is_validation else "each training fold"
    rule = (
        f"In {where}, features missing in more than 20 % of the training patients are "
        "dropped; other missing numbers are filled with the median of the training patients."
    )
    rows = [row for row in known.get("drift", "columns") or () if row.get("missing")]
    if not rows:
        return rule
    worst = max(rows, key=lambda row: float(row["missing"]))
    share = f"{100 * worst['missing']:.0f} %"
    have = counted(len(rows), "column has", "columns have")
    return f"{rule} In this cohort {have} holes, at most {share}."


@answer
def drift(known: Known) -> str | None:
    """How this cohort differs from the training cohort."""
    summary = at(known.metrics, "drift", "summary")
    rows = known.get("drift", "columns") or []
    shifted = [row for row in rows if row.get("shift") is not None]
    most = max(shifted, key=lambda row: abs(float(row["shift"])), default=None)
    far = None
    if most is not None:
        far = f"Largest shift: {most['feature']}, {number(most['shift'])} standard deviations."
    return sentences([summary, far])


@answer
def subgroups(known: Known) -> str | None:
    """Subgroups by clinical columns."""
    names = evidence.clinical_columns(known.tables.get("subgroups"))
    if not names:
        return None
    return f"The report has a table of subgroups, with intervals, by: {listed(names)}."
