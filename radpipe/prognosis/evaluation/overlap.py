"""Whether patients of a validation cohort were among the training patients.

A model directory names no patient. It holds salted hashes of their identifiers, which nobody can
read at a glance or look up in a ready-made list; whoever tries all short identifiers finds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from radpipe.prognosis.evaluation.study import Study


def patient_hashes(study: Study) -> dict[str, Any]:
    """Hash the identifiers of a cohort.

    Parameters
    ----------
    study : Study
        The training cohort.

    Returns
    -------
    dict
        ``salt``, drawn from the endpoint so that the same cohort gives the same bytes, and
        ``sha256``, sorted.
    """
    salt = hashlib.sha256(study.endpoint.tobytes()).hexdigest()[:32]
    return {"salt": salt, "sha256": sorted(_hashes(study.frame["patient_id"], salt))}


def count_overlap(training: dict[str, Any], study: Study) -> int | None:
    """Count the patients whose identifier a training patient had.

    Parameters
    ----------
    training : dict
        ``training`` of ``model.json``.
    study : Study
        The validation cohort.

    Returns
    -------
    int or None
        None where the model does not tell.
    """
    known = training.get("patient_hashes")
    if known is None:
        return None
    return len(_hashes(study.frame["patient_id"], known["salt"]) & set(known["sha256"]))


def _hashes(patients: Iterable[str], salt: str) -> set[str]:
    return {hashlib.sha256(f"{salt}:{patient}".encode()).hexdigest() for patient in patients}
