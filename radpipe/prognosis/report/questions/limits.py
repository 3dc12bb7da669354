"""How to read it, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Points, Section
from radpipe.prognosis.report.encoder import embedding_of
from radpipe.prognosis.report.evidence import Evidence


def section(evidence: Evidence) -> Section:
    """Say what the numbers cannot tell.

    Parameters
    ----------
    evidence : Evidence
        The evaluation.

    Returns
    -------
    Section
        A list.
    """
    return Section(
        "limits", "How to read it, and its limits", None, [Points([*_sentences(evidence)])]
    )


def _sentences(evidence: Evidence) -> Iterator[str]:
    yield (
        f"The {evidence.measure_name} says how well patients are ranked. Whether predicted "
        "probabilities are right, only calibration tells."
    )
    yield (
        "Tumour volume is the measure to beat: many radiomic features grow with it. A model no "
        "better than volume adds nothing to a ruler."
    )
    if evidence.metrics.get("overlap"):
        yield "The result says little about other patients, as the model knew some of these."
    elif evidence.validation:
        yield (
            "The result holds for cohorts like this one. Other scanners, segmentations or "
            "treatments may change it."
        )
    elif not evidence.binary:
        yield (
            "Risk groups were cut from scores fitted on this very cohort, fold by fold. The usual "
            "log-rank test does not allow for that; where a p-value is given, it is from "
            "permutations."
        )
    if evidence.by_centre:
        yield (
            "Each hospital was judged by a model of the others. How a hospital beyond these would "
            "fare, their differences only hint at."
        )
    elif not evidence.validation:
        yield (
            "Cross-validation estimates how the whole procedure does on patients of the same kind. "
            "Another hospital's scanners, segmentations or treatments may change it; only "
            "validation on such a cohort can tell."
        )
    yield from _unseen(evidence)
    if not evidence.binary:
        yield "Harrell's C-index is biased upwards where many patients are censored early."
    if evidence.metrics["endpoint"].get("competing"):
        yield (
            "Patients with a competing event count as censored there: risks are cause-specific, "
            "and a predicted probability is too high where the competing event is common."
        )
    yield (
        "This is research software. It is no medical device, and no treatment should rest on this "
        "page alone."
    )


def _unseen(evidence: Evidence) -> Iterator[str]:
    """Tell of how many tumours the encoder was not shown all."""
    run = evidence.extraction.patches
    if run is None or embedding_of(evidence.metrics) is None:
        return
    told = run.diagnostics()
    if "patch_outside" not in told:
        return
    outside = told.set_index("case_id")["patch_outside"].sort_values(ascending=False, kind="stable")
    outside = outside[outside > 0]
    if len(outside):
        named = [f"{100 * share:.2g} % of {case_id}" for case_id, share in outside.items()]
        yield (
            f"In {len(outside)} of {words.counted(len(told), 'case')} the tumour exceeds the patch "
            f"that the encoder is shown: it did not see {words.listed(named, 6)}."
        )
