"""Who was studied."""

from __future__ import annotations

import numpy as np

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Column,
    Data,
    Fact,
    Facts,
    Flow,
    Grid,
    Section,
    Step,
    Text,
)
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.figures import follow_up_figure
from radpipe.prognosis.survival import make_endpoint, numbers_at_risk, reverse_kaplan_meier

_NAMES_SHOWN = 20
_FAILURES = (
    Column("Case"),
    Column("Stage"),
    Column("What happened"),
    Column("What to do"),
)


def section(evidence: Evidence) -> Section:
    """Show who came in, who was lost and how long they were followed.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section
        With the participant flow.
    """
    cohort = evidence.metrics["cohort"]
    left_out = sum(len(ids) for ids in _excluded(evidence).values())
    answer = (
        f"{words.counted(cohort['patients'], 'patient')} with "
        f"{words.counted(cohort['events'], 'event')}; "
        f"{left_out if left_out else 'nobody'} left out after extraction."
    )
    drawn: list[list[Block]] = [[_flow(evidence)]]
    if not evidence.binary:
        drawn.append([_follow_up(evidence)])
    blocks: list[Block] = [Facts(_facts(evidence)), Beside(drawn)]
    blocks += [
        Text(f"Left out, {why}: {len(ids)} ({words.listed(ids, _NAMES_SHOWN)}).")
        for why, ids in _excluded(evidence).items()
    ]
    return Section("patients", "Who was studied?", answer, [*blocks, *_failures(evidence)])


def _excluded(evidence: Evidence) -> dict[str, list[str]]:
    excluded = evidence.metrics["cohort"].get("excluded") or {}
    return {why: [str(one) for one in ids] for why, ids in excluded.items() if ids}


def _facts(evidence: Evidence) -> list[Fact]:
    cohort = evidence.metrics["cohort"]
    facts = [
        Fact("Patients evaluated", f"{cohort['patients']:,}"),
        Fact(f"Events ({evidence.event})", f"{cohort['events']:,}"),
    ]
    if not evidence.binary:
        median = cohort.get("follow_up_median")
        told = "not reached" if median is None else words.moment(median, evidence.axis)
        facts.append(Fact("Median follow-up", told))
    facts.append(Fact("Features", f"{cohort['features']:,}"))
    if cohort.get("clinical"):
        facts.append(Fact("Clinical columns", f"{cohort['clinical']:,}"))
    run = evidence.extraction.cases
    if run is not None:
        facts.append(Fact(f"Cases with {_made(evidence)}", f"{len(run.features()[0]):,}"))
        facts.append(Fact("Cases failed", f"{len(run.failures()):,}"))
    return facts


def _flow(evidence: Evidence) -> Flow:
    excluded = {why: len(ids) for why, ids in _excluded(evidence).items()}
    cohort = evidence.metrics["cohort"]
    tables = "two tables" if evidence.metrics["source"].get("clinical") else "table"
    together = cohort["patients"] + sum(excluded.values())
    steps = [
        *_extracted(evidence),
        Step(f"Patients in the {tables}", together, list(excluded.items())),
        Step(f"Patients evaluated, {words.counted(cohort['events'], 'event')}", cohort["patients"]),
    ]
    rows = [
        row
        for step in steps
        for row in ((step.what, step.count), *((f"left: {why}", n) for why, n in step.lost))
    ]
    return Flow(steps, Data("participant_flow", ("step", "count"), rows))


def _extracted(evidence: Evidence) -> list[Step]:
    run = evidence.extraction.cases
    if run is None:
        return []
    failures = run.failures()
    stages = failures["stage"].value_counts().sort_index()
    lost = [(f"failed at stage {stage}", int(count)) for stage, count in stages.items()]
    rows = len(run.features()[0])
    return [
        Step("Cases given to the extraction", rows + len(failures), lost),
        Step(f"Cases with {_made(evidence)}", rows),
    ]


def _made(evidence: Evidence) -> str:
    return "a patch" if evidence.extraction.run is None else "features"


def _follow_up(evidence: Evidence) -> Chart:
    axis, patients = evidence.axis, evidence.patients
    endpoint = make_endpoint(
        patients["event"].to_numpy(), patients["time"].to_numpy(dtype=float) / axis.divisor
    )
    times, followed = reverse_kaplan_meier(endpoint)
    times, followed = np.concatenate([[0.0], times]), np.concatenate([[1.0], followed])
    median = evidence.metrics["cohort"].get("follow_up_median")
    at = None if median is None else median / axis.divisor
    told = "not reached" if median is None else words.moment(median, axis)
    at_risk = [int(count) for count in numbers_at_risk(endpoint, axis.ticks)]
    return Chart(
        follow_up_figure(times, followed, at_risk, axis, at),
        f"Share of patients still followed over time; median follow-up {told}.",
        "Follow-up by the reverse Kaplan–Meier estimate, in which events end the observation as "
        "censoring does elsewhere; dashed: its median.",
        Data(
            "follow_up",
            (axis.label.lower(), "still_followed"),
            list(zip(times, followed, strict=True)),
        ),
    )


def _failures(evidence: Evidence) -> list[Block]:
    run, looked = evidence.extraction.cases, evidence.extraction.looked
    if run is None and looked:
        return [
            Text(
                "The extraction run was not found, so its failures and pictures are not shown. "
                f"Looked in: {', '.join(looked)}."
            )
        ]
    if run is None:
        return [
            Text(
                "The features come from a table whose extraction is not known here, so failed "
                "cases and pictures are not shown."
            )
        ]
    failures = run.failures()
    if failures.empty:
        return [Text("No case failed.")]
    rows = [
        [Cell(case), Cell(stage), Cell(message.removesuffix(f"; remedy: {remedy}")), Cell(remedy)]
        for case, stage, message, remedy in failures[["case_id", "stage", "message", "remedy"]]
        .astype(str)
        .to_numpy()
    ]
    return [Grid("Cases that failed", _FAILURES, rows)]
