"""Whether patients of a validation cohort were among the training patients.

A model directory names no patient. It holds salted hashes of their identifiers, images and values,
which nobody can read at a glance or look up in a ready-made list; whoever tries all short
identifiers finds them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.evaluation.leaks import image_hashes
from radpipe.prognosis.evaluation.study import Study

# A patient is found by any of these.
IDENTIFIER, IMAGE, VALUES = "patient_id", "image", "values of all features"

log = logging.getLogger("radpipe")


def patient_hashes(study: Study, columns: list[str]) -> dict[str, Any]:
    """Hash the identifiers of a cohort, its images, and its values.

    Parameters
    ----------
    study : Study
        The training cohort.
    columns : list of str
        Whose values tell one patient from another.

    Returns
    -------
    dict
        ``salt``, drawn from the endpoint so that the same cohort gives the same bytes, and sorted
        ``sha256`` by what was hashed.
    """
    salt = _salt(study)
    signs = _signs(study, columns)
    sha256 = {what: sorted({_hash(salt, sign) for sign in told}) for what, told in signs.items()}
    return {"salt": salt, "sha256": sha256}


def find_overlap(
    training: Mapping[str, Any], study: Study, columns: list[str]
) -> dict[str, set[str]] | None:
    """Find the patients who were training patients.

    Parameters
    ----------
    training : mapping
        ``training`` of ``model.json``.
    study : Study
        The validation cohort.
    columns : list of str
        As in training.

    Returns
    -------
    dict of str to set of str or None
        Their identifiers, by what gave them away; None where the model does not tell.
    """
    if training.get("patient_hashes") is None:
        return None
    return {what: _known(training, what, told) for what, told in _signs(study, columns).items()}


def known_identifiers(training: Mapping[str, Any], patients: Iterable[str]) -> set[str]:
    """Find the patients who bear the identifier of a training patient.

    Parameters
    ----------
    training : mapping
        ``training`` of ``model.json``.
    patients : iterable of str
        Identifiers.

    Returns
    -------
    set of str
        Some of them; none where the model does not tell.
    """
    if training.get("patient_hashes") is None:
        return set()
    return _known(training, IDENTIFIER, {patient: patient for patient in patients})


def has_outcomes_of_training(training: Mapping[str, Any], study: Study) -> bool:
    """Tell whether a cohort's outcomes are those that a model learnt from.

    Parameters
    ----------
    training : mapping
        ``training`` of ``model.json``.
    study : Study
        The cohort.

    Returns
    -------
    bool
        Also where the model does not tell.
    """
    known = training.get("patient_hashes")
    return known is None or known["salt"] == _salt(study)


def _salt(study: Study) -> str:
    return hashlib.sha256(study.endpoint.tobytes()).hexdigest()[:32]


def _known(training: Mapping[str, Any], what: str, signs: Mapping[str, str]) -> set[str]:
    hashes = training["patient_hashes"]
    sha256 = {*hashes["sha256"][what]}
    return {who for sign, who in signs.items() if _hash(hashes["salt"], sign) in sha256}


def warn_of_overlap(found: Mapping[str, set[str]] | None, patients: int) -> None:
    """Log a warning if patients were training patients.

    Parameters
    ----------
    found : mapping of str to set of str or None
        Of :func:`find_overlap`.
    patients : int
        All of the cohort.
    """
    told = {what: who for what, who in (found or {}).items() if who}
    if told:
        # A number may be another patient's in another hospital; an image cannot.
        others = ", or rename them if they are others" if [*told] == [IDENTIFIER] else ""
        count = len(set.union(*told.values()))
        log.warning(
            "%d of %d patients %s the %s of a training patient: no external validation; "
            "leave them out%s",
            count,
            patients,
            "bears" if count == 1 else "bear",
            " or the ".join(told),
            others,
        )


def _signs(study: Study, columns: list[str]) -> dict[str, dict[str, str]]:
    """Return for each way what gives a patient away, and the patient."""
    patients = study.frame["patient_id"]
    images = image_hashes(study)
    images = images[images.index.isin(patients) & (images != "")]
    return {
        IDENTIFIER: {patient: patient for patient in patients},
        IMAGE: dict(zip(images, images.index, strict=True)),
        VALUES: dict(zip(_rows(study.frame[columns]), patients, strict=False)),
    }


def _rows(X: pd.DataFrame) -> Iterable[str]:
    numbers = X.select_dtypes(["number"])
    # Of few columns the values of two patients may agree by chance.
    if numbers.shape[1] < 3:
        return []
    with np.errstate(over="ignore"):
        values = numbers.to_numpy(np.float64, na_value=np.nan).astype(np.float32) + np.float32(0)
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in values]


def _hash(salt: str, sign: str) -> str:
    return hashlib.sha256(f"{salt}:{sign}".encode()).hexdigest()
