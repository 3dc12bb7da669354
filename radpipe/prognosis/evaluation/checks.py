"""What is refused of a cohort before anything is learnt from it, and what is warned of."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from radpipe.errors import TableError
from radpipe.networks.encoders import ENCODERS
from radpipe.prognosis.evaluation.drift import column_facts, common_scale
from radpipe.prognosis.evaluation.patients import Cohort
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.survival.endpoint import events_of
from radpipe.prognosis.tables import feature_columns
from radpipe.prognosis.tables.columns import listed
from radpipe.prognosis.tables.embeddings import embedding_columns
from radpipe.prognosis.tables.suspects import refuse_resembling, refuse_untold_training

log = logging.getLogger("radpipe")


def refuse_suspects(roles: Roles, table: pd.DataFrame, features: Sequence[str]) -> None:
    """Refuse named columns that a predictor must not be, unless they are insisted on.

    Parameters
    ----------
    roles : Roles
        Which column plays which part.
    table : DataFrame
        Features; ``attrs["embeddings"]`` tells which columns are an encoder's.
    features : sequence of str
        Those chosen.

    Raises
    ------
    TableError
        A column resembles a time, an event or a treatment, or is an encoder's that does not tell
        whose images it was trained on.
    """
    if roles.force:
        return
    extracted = set(feature_columns(table))
    named = {
        "--clinical-columns": [*roles.clinical_columns],
        "--features": [name for name in features if name not in extracted],
    }
    for where, names in named.items():
        refuse_resembling(names, where)
    single = {"--volume": roles.volume, "--batch": roles.batch, "--centre": roles.centre}
    named |= {where: [name] for where, name in single.items() if name is not None}
    marked = {*_marked(table)}
    for where, names in named.items():
        refuse_untold_training([name for name in names if name not in marked], where)


def warn_of_unnamed_embeddings(table: pd.DataFrame, taken: Collection[str | None]) -> None:
    """Log a warning where columns of an encoder go to no model.

    Parameters
    ----------
    table : DataFrame
        One row a case.
    taken : collection of str
        Columns that play a part.
    """
    told = {*taken, *_marked(table)}
    names = [name for name in table.columns if name not in told]
    found = [column for encoder in ENCODERS for column in embedding_columns(names, encoder)]
    if found:
        log.warning(
            "columns of an encoder are left out, since the table does not tell how they were made: "
            "%s; give the directory or the embeddings.parquet of `radpipe embed`",
            listed(found),
        )


def require_events(cohort: Cohort, roles: Roles) -> None:
    """Refuse a cohort that has nothing to learn from.

    Parameters
    ----------
    cohort : Cohort
        Patients and endpoint.
    roles : Roles
        Which column plays which part.

    Raises
    ------
    TableError
        The event happened to nobody or, without times, to everyone.
    """
    happened = events_of(cohort.endpoint)
    if happened.any() and not (roles.time is None and happened.all()):
        return
    what = "the event happened to everyone" if happened.any() else "no event happened"
    raise TableError(
        what,
        where=f"{cohort.frame.attrs['outcomes']}, column {roles.event}",
        found=f"{np.count_nonzero(happened)} events in {len(happened)} patients",
        expected="patients with the event and without it",
        remedy="look at how the column is coded, or take a larger cohort or a longer follow-up",
    )


def warn_if_constant(features: pd.DataFrame) -> None:
    """Log a warning where no feature tells one patient from another.

    Parameters
    ----------
    features : DataFrame, shape (n, p)
        Features.
    """
    if len(features.columns) and not (features.max() > features.min()).any():
        log.warning("no feature varies among the %d patients", len(features))


def warn_if_below_zero(frame: pd.DataFrame, features: Sequence[str], volume: str | None) -> None:
    """Log a warning where a volume cannot be one.

    Parameters
    ----------
    frame : DataFrame
        One row a patient.
    features : sequence of str
        Its features, by which a standardised table is known.
    volume : str or None
        The volume's column.
    """
    below = 0 if volume is None else int((frame[volume] < 0).sum())
    if below:
        scale = common_scale(column_facts(frame[[*features]]))
        log.warning(
            "%s is below 0 in %d of %d patients, as no volume is: %s; its logarithm is taken after "
            "a shift, and a model of this table fits no table that was not treated so",
            volume,
            below,
            len(frame),
            f"the table was standardised ({scale})" if scale else "the table was transformed",
        )


def _marked(table: pd.DataFrame) -> list[str]:
    """Name the columns that tell of which encoder they are."""
    columns: list[str] = (table.attrs["embeddings"] or {}).get("columns", [])
    return columns
