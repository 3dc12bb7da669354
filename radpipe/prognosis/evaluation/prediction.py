"""Score new patients with a saved model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from radpipe.errors import ModelError
from radpipe.prognosis.evaluation.matching import require_match
from radpipe.prognosis.evaluation.study import Table, as_clinical, as_features
from radpipe.prognosis.models.storage import SavedModel, load
from radpipe.prognosis.tables import join_columns
from radpipe.prognosis.tables.columns import id_text


def predict(
    model: str | Path | SavedModel,
    table: Table,
    horizons: Sequence[float] | None = None,
    *,
    clinical: Table | None = None,
) -> pd.DataFrame:
    """Give each patient a risk score and survival probabilities.

    Where the table or the model does not tell how its features were extracted, this is logged as
    a warning to ``radpipe``.

    Parameters
    ----------
    model : str, Path or SavedModel
        What ``train`` made.
    table : str, Path or DataFrame
        A run, a Parquet or CSV file, or what ``load_features`` returned; reduced to one row a
        patient as the training table was.
    horizons : sequence of float, optional
        Times in the training unit; else the quartiles of the training event times.
    clinical : str, Path or DataFrame, optional
        Clinical table, where the model uses columns of it.

    Returns
    -------
    DataFrame
        ``case_id``, ``patient_id``, ``risk_score`` and ``survival_at_<horizon>``.

    Raises
    ------
    TableError
        The table cannot be read, or has no ``patient_id``.
    ModelError
        Columns or extraction settings do not fit the model, or a horizon is not positive.
    """
    saved = model if isinstance(model, SavedModel) else load(model)
    training = saved.facts["training"]
    frame = as_features(table, training["per_patient"])
    if clinical is not None:
        rows = as_clinical(clinical)
        # A clinical table may know more patients than are to be scored.
        asked = id_text(rows["patient_id"]).isin(id_text(frame["patient_id"]))
        frame = join_columns(frame, rows[asked], training["clinical_columns"])
    X = require_match(saved, frame)
    scores = pd.DataFrame(
        {
            "case_id": frame.index.astype("str"),
            "patient_id": frame["patient_id"].to_numpy(),
            "risk_score": saved.model.predict(X),
        }
    )
    if not hasattr(saved.model, "predict_survival"):
        return scores
    times = _checked(saved.facts["horizons"] if horizons is None else horizons)
    # As many digits as a float surely holds: two horizons must not share a name.
    named = {f"survival_at_{time:.15g}": time for time in times}
    curves = saved.model.predict_survival(X, [*named.values()])
    return scores.join(pd.DataFrame(curves, columns=[*named]))


def _checked(horizons: Sequence[float]) -> list[float]:
    times = [float(time) for time in horizons]
    if not all(np.isfinite(time) and time > 0 for time in times):
        raise ModelError(
            "a horizon is not positive",
            where="--horizons",
            found=times,
            expected="times after the start, in the unit of the training times",
            remedy="leave it out, or leave --horizons out for the model's own",
        )
    return times
