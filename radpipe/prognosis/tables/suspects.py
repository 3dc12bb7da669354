"""Columns that a predictor must not be: times, events, treatments.

They are known only after the start, or follow from what the doctors saw then. A model with such a
column looks excellent and is of no use to the next patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from radpipe.errors import TableError
from radpipe.prognosis.tables.columns import listed

# Whole words, and what may stand anywhere: "os" must not be found in "location".
_WORDS = {
    "a time": "time times day days date dates week weeks month months duration fu os pfs dfs efs "
    "rfs dss css lfs mfs ttp tte",
    "an event": "event events outcome outcomes target endpoint alive died dead mets response "
    "responder responders recist",
    "a treatment": "gy rt crt fractions drug drugs",
}
_PARTS = {
    "a time": r"surviv|follow.?up",
    "an event": r"death|dead|deceased|mortal|vital.?status|censor|recur|relaps|progress|metasta",
    # What was measured before the treatment is no treatment.
    "a treatment": r"(?<!pre)(?<!pre[ _.-])treat|therap|chemo|surger|surgic|resect|adjuvant|radiat"
    r"|dose",
}
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def resemblance(name: str) -> str | None:
    """Tell what a column's name sounds like.

    Parameters
    ----------
    name : str
        Of a column.

    Returns
    -------
    str or None
        ``a time``, ``an event``, ``a treatment``, or None.

    Examples
    --------
    >>> resemblance("dx_to_mri_days"), resemblance("vitalStatus"), resemblance("age_months")
    ('a time', 'an event', None)
    """
    tokens = {token.lower() for token in _TOKEN.findall(name)}
    if "age" in tokens:
        return None
    if tokens == {"status"}:
        return "an event"
    for kind, words in _WORDS.items():
        if tokens & {*words.split()} or re.search(_PARTS[kind], name.lower()):
            return kind
    return None


def refuse_resembling(names: Iterable[str], where: str) -> None:
    """Refuse columns whose names resemble a time, an event or a treatment.

    Parameters
    ----------
    names : iterable of str
        Columns meant as predictors.
    where : str
        Who named them.

    Raises
    ------
    TableError
        There are some; each is told with what it resembles.
    """
    found = [f"{name} ({kind})" for name in names if (kind := resemblance(name))]
    if found:
        raise TableError(
            "columns resemble a time, an event or a treatment",
            where=where,
            found=listed(found),
            expected="what was known of a patient at the start",
            remedy="leave them out, or take them all the same with --force",
        )
