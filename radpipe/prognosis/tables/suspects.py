"""Columns that a predictor must not be: times, events, treatments, embeddings of unknown training.

They are known only after the start, or follow from what the doctors saw then, or from the very
patients to be judged. A model with such a column looks excellent and is of no use to the next
patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from radpipe.errors import TableError
from radpipe.networks.encoders import ENCODERS
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


def refuse_untold_training(names: Sequence[str], where: str) -> None:
    """Refuse columns of an encoder that cohorts train, where nothing tells which cohort did.

    Parameters
    ----------
    names : sequence of str
        Columns meant as predictors, of a table that does not tell how it was embedded.
    where : str
        Who named them.

    Raises
    ------
    TableError
        There are some: perhaps the encoder learnt from the patients that it is tested on.
    """
    trained = [name for name, spec in ENCODERS.items() if spec.source is None]
    found = [name for name in names if any(_resembles_embedding(name, each) for each in trained)]
    if found:
        raise TableError(
            "an encoder's columns do not tell whose images it was trained on",
            where=where,
            found=listed(found),
            expected="the directory that `radpipe embed` made, or its embeddings.parquet",
            remedy="give that; or take them with --force, if it was trained on other patients",
        )


def _resembles_embedding(column: str, encoder: str) -> bool:
    # R writes radpipe.small_0000, a database radpipe_small_0000, a join adds _x.
    parts = map(re.escape, re.split(r"[^a-z0-9]+", encoder.lower()))
    return re.search(r"[-_. ]?".join([*parts, r"\d{4}"]), column.lower()) is not None
