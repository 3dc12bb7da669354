"""Whether the segmentations are right."""

from __future__ import annotations

from radpipe.prognosis.report.blocks import Gallery, Section
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.gallery import gallery


def section(evidence: Evidence) -> Section | None:
    """Show the contour of every case.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section or None
        None where the run was not found, or has no row.
    """
    run = evidence.extraction.cases
    if run is None:
        return None
    pictures, cases = gallery(run)
    if not pictures:
        return None
    answer = (
        "The slice in which each mask is largest, with its contour, smallest mask first. A wrong "
        "mask spoils every feature of its case: look at the first and the last ones."
    )
    if len(pictures) < cases:
        answer += (
            f" Of {cases} cases the {len(pictures)} with the smallest and largest masks are shown."
        )
    return Section("segmentations", "Are the segmentations right?", answer, [Gallery(pictures)])
