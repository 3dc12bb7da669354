"""What weights the branches of a fusion got."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Branch(NamedTuple):
    """One branch of a fusion.

    Attributes
    ----------
    name : str
        Such as ``radiomics``.
    fits, weighted : int
        How often the fusion was fitted, and in how many fits this branch had a weight above 0.
    """

    name: str
    fits: int
    weighted: int

    @property
    def called(self) -> str:
        """Its name within a sentence; users name branches of their own."""
        return self.name if self.name == "radiomics" else f"branch {self.name}"


def branches_of(facts: Mapping[str, Any]) -> list[Branch]:
    """Read the branches of a model.

    Parameters
    ----------
    facts : mapping
        Its part of ``metrics.json``.

    Returns
    -------
    list of Branch
        The first is the baseline; empty where it is no fusion, or an older file does not tell.
    """
    return [
        Branch(name, int(one["fits"]), int(one["weighted"]))
        for name, one in (facts.get("branches") or {}).items()
    ]


def without_weight(facts: Mapping[str, Any]) -> str | None:
    """Say what had no weight, since a reader takes a fusion for all that its name holds.

    Parameters
    ----------
    facts : mapping
        A model's part of ``metrics.json``.

    Returns
    -------
    str or None
        A sentence; None where every branch had a weight in every fit.
    """
    branches = branches_of(facts)
    others = branches[1:]
    left = [branch for branch in others if branch.weighted < branch.fits]
    if not left:
        return None
    told = "; ".join(f"{branch.called} got weight 0 in {_fits(branch)}" for branch in left)
    told, alone = f"{told[0].upper()}{told[1:]}", f"the {branches[0].name} model"
    if not any(branch.weighted for branch in others):
        names = " or ".join(branch.name for branch in others)
        return f"{told}: the fusion is {alone}, and nothing here speaks for {names}."
    return f"{told}: the fusion is then {alone}." if len(others) == 1 else f"{told}."


def _fits(branch: Branch) -> str:
    without = branch.fits - branch.weighted
    if branch.fits == 1:
        return "training"
    return (
        f"all {branch.fits} fits" if without == branch.fits else f"{without} of {branch.fits} fits"
    )


def weights_note(facts: Mapping[str, Any]) -> str | None:
    """Say in how many fits each branch after the first had a weight.

    Parameters
    ----------
    facts : mapping
        A model's part of ``metrics.json``.

    Returns
    -------
    str or None
        A few words for a table; None where it is no fusion.
    """
    told = [
        f"{branch.name} weighed in {branch.weighted} of {branch.fits} "
        f"{'fit' if branch.fits == 1 else 'fits'}"
        for branch in branches_of(facts)[1:]
    ]
    return "; ".join(told) or None
