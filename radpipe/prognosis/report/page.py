"""The report of an evaluation."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from radpipe.pages import filled, write_page
from radpipe.prognosis.report import opening
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.questions import QUESTIONS
from radpipe.prognosis.report.questions.comparison import verdicts

log = logging.getLogger("radpipe")


def write_report(
    evaluation: str | Path,
    out: str | Path,
    run: str | Path | None = None,
    explained: str | Path | None = None,
) -> Path:
    """Write the report of an evaluation as one HTML file that needs no network.

    A run that the evaluation names and that is not there is logged as a warning to ``radpipe``.

    Parameters
    ----------
    evaluation : str or Path
        Directory that ``radpipe evaluate`` or ``radpipe validate`` wrote.
    out : str or Path
        The HTML file to make or replace.
    run : str or Path, optional
        The extraction run behind it; by default the one that the evaluation names.
    explained : str or Path, optional
        Directory that ``radpipe explain`` wrote of some of its patients.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    RunError
        There is no evaluation, no run or no explanations where they were named, explanations of
        another model or endpoint, or the file cannot be written.
    TableError
        A table of the evaluation cannot be read.
    """
    out = Path(out)
    named = (None if each is None else Path(each) for each in (run, explained))
    evidence = Evidence.load(Path(evaluation), *named)
    extraction = evidence.extraction
    if extraction.cases is None and extraction.looked:
        log.warning(
            "%s in %s: the page shows no failures and no pictures; name the run with --run",
            "no run" if extraction.embedded is None else "no finished run of patches",
            ", ".join(extraction.looked),
        )
    return write_page(filled(__package__, "report", page_content(evidence)), out, "report")


def page_content(evidence: Evidence) -> dict[str, Any]:
    """Gather what the template shows.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    dict
        The template's variables; text in it is not yet escaped.
    """
    answered = [question(evidence) for question in QUESTIONS]
    return {
        "endpoint": evidence.metrics["endpoint"],
        "patients": evidence.metrics["cohort"]["patients"],
        "kind": opening.kind(evidence),
        "headline": opening.headline(evidence),
        "lead": verdicts(evidence)[:1],
        "scale": opening.scale(evidence),
        "banners": opening.banners(evidence),
        "sections": [section for section in answered if section is not None],
    }
