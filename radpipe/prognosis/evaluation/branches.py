"""What a fusion was made of, and how much of it counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from radpipe.prognosis.models.table import title_of
from radpipe.prognosis.tables.columns import counted


def title_facts(model: str, settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Name a model, and the branches that a fusion is made of.

    Parameters
    ----------
    model : str
        Its name.
    settings : sequence of mapping
        What the training of each fit chose.

    Returns
    -------
    dict
        ``title``; of a fusion also ``branches``: by name, the baseline first, the number of
        ``fits``, in how many of them it was ``weighted`` above zero, and its mean ``weight``.
    """
    if "weights" not in settings[0]:
        return {"title": title_of(model)}
    weights = pd.DataFrame([each["weights"] for each in settings])
    branches = {
        str(name): {
            "fits": len(column),
            "weighted": int((column > 0).sum()),
            "weight": float(column.mean()),
        }
        for name, column in weights.items()
    }
    return {"title": title_of(model, branches), "branches": branches}


def weights_note(facts: Mapping[str, Any]) -> str | None:
    """Say in how many fits each branch after the first had a weight.

    Parameters
    ----------
    facts : mapping
        A model's part of ``metrics.json``.

    Returns
    -------
    str or None
        A few words; None where it is no fusion.
    """
    # The first is the baseline, which the others have to earn their weight beside.
    others = [*facts.get("branches", {}).items()][1:]
    told = [
        f"{name} had a weight in {one['weighted']} of {counted(one['fits'], 'fit')}"
        for name, one in others
    ]
    return "; ".join(told) or None
