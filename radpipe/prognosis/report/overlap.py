"""Patients of a validation who were training patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from radpipe.prognosis.evaluation.overlap import IDENTIFIER


class Overlap(NamedTuple):
    """Who was known to the model.

    Attributes
    ----------
    known, patients : int
        Training patients among these, and all of these.
    found : dict of str to int
        By what they were found, as the evaluation names it, how many.
    """

    known: int
    patients: int
    found: dict[str, int]

    @property
    def by_identifier_alone(self) -> bool:
        """Whether two hospitals may merely number their patients alike."""
        return [*self.found] == [IDENTIFIER]

    @property
    def told(self) -> str:
        """A sentence, without its full stop."""
        who = f"{self.known:,} of {self.patients:,} patients"
        if self.by_identifier_alone:
            bear = "bears" if self.known == 1 else "bear"
            return f"{who} {bear} the identifier of a training patient"
        were = "was a training patient" if self.known == 1 else "were training patients"
        signs = ", ".join(f"{number} by {sign_of(what)}" for what, number in self.found.items())
        return f"{who} {were} ({signs})"


def sign_of(what: str) -> str:
    """Name in plain words what gave a patient away.

    Parameters
    ----------
    what : str
        As the evaluation names it.

    Returns
    -------
    str
        The same, but for the column of identifiers.
    """
    return "identifier" if what == IDENTIFIER else what


def overlap_of(metrics: Mapping[str, Any]) -> Overlap | None:
    """Read whether a validation met training patients.

    Parameters
    ----------
    metrics : mapping
        ``metrics.json``.

    Returns
    -------
    Overlap or None
        None where there is no such patient, or nothing to tell it by.
    """
    count = metrics.get("overlap")
    if not count:
        return None
    return Overlap(count, metrics["cohort"]["patients"], metrics["leaks"]["found"])
