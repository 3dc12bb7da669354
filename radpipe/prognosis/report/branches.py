"""What is said of the branches of a fusion that had no weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radpipe.prognosis.evaluation.branches import weights_note
from radpipe.prognosis.models.table import OTHER_FEATURES, RADIOMICS


def without_weight(facts: Mapping[str, Any]) -> str | None:
    """Say what had no weight, since a reader takes a fusion for all that its name holds.

    Parameters
    ----------
    facts : mapping
        A model's part of ``metrics.json``.

    Returns
    -------
    str or None
        A sentence; None where every branch had a weight in every fit, or it is no fusion.
    """
    baseline, *others = facts.get("branches", {}).items() or [("", {})]
    left = [(name, one) for name, one in others if one["weighted"] < one["fits"]]
    if not left:
        return None
    told = "; ".join(f"{_called(name)} got weight 0 in {_fits(one)}" for name, one in left)
    told, alone = _capital(told), f"the {baseline[0]} model"
    if not any(one["weighted"] for _, one in others):
        names = " or ".join(name for name, _ in others)
        return (
            f"{told}: the fusion ranks patients as {alone} does; nothing here speaks for {names}."
        )
    then = f": the fusion then ranks patients as {alone} does" if len(others) == 1 else ""
    return f"{told}{then}."


def added_by(facts: Mapping[str, Any]) -> str:
    """Name what a model has besides clinical columns and volume, with its verb.

    Parameters
    ----------
    facts : mapping
        A model's part of ``metrics.json``.

    Returns
    -------
    str
        To begin a sentence with, such as ``Radiomics adds``.
    """
    others = [*facts.get("branches", {})][1:]
    if not others:
        return "The model adds"
    if len(others) > 1:
        return f"Together {', '.join(others[:-1])} and {others[-1]} add"
    add = "add" if others[0] == OTHER_FEATURES else "adds"
    return _capital(f"{_called(others[0])} {add}")


def weights_in_table(facts: Mapping[str, Any]) -> str | None:
    """Tell what weight each branch after the first had.

    Parameters
    ----------
    facts : mapping
        A model's part of ``metrics.json``.

    Returns
    -------
    str or None
        In how many fits; the weight itself where there was but one; None where it is no fusion.
    """
    others = [*facts.get("branches", {}).items()][1:]
    if any(one["fits"] > 1 for _, one in others):
        return weights_note(facts)
    return "; ".join(f"{name}: weight {one['weight']:.3f}" for name, one in others) or None


def _called(name: str) -> str:
    # Users name branches of their own.
    return name if name in (RADIOMICS, OTHER_FEATURES) else f"branch {name}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _fits(branch: Mapping[str, int]) -> str:
    fits = branch["fits"]
    without = fits - branch["weighted"]
    if fits == 1:
        return "training"
    return f"all {fits} fits" if without == fits else f"{without} of {fits} fits"
