"""What a reviewer asks, one question a file, in the order of asking."""

from collections.abc import Callable

from radpipe.prognosis.report.blocks import Section
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.questions import (
    attention,
    calibration,
    comparison,
    content,
    controls,
    decisions,
    discrimination,
    drift,
    groups,
    limits,
    method,
    patients,
    segmentations,
    similar,
    subgroups,
)

# Each returns None where the evaluation has nothing to say.
QUESTIONS: tuple[Callable[[Evidence], Section | None], ...] = (
    patients.section,
    drift.section,
    comparison.section,
    discrimination.section,
    calibration.section,
    decisions.section,
    groups.section,
    controls.section,
    content.section,
    attention.section,
    similar.section,
    subgroups.section,
    method.section,
    limits.section,
    segmentations.section,
)

__all__ = ["QUESTIONS"]
