"""Training patients whose tumours look most alike to an encoder: cases to look at, no proof."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.cnn import CnnModel
from radpipe.prognosis.models.fusion import FusionModel
from radpipe.prognosis.models.table import EMBEDDINGS
from radpipe.prognosis.survival.endpoint import Floats

# Shown of each patient.
MOST_SIMILAR = 5


class Neighbours(NamedTuple):
    """The nearest training patients of some patients.

    Attributes
    ----------
    places : ndarray of int, shape (m, k)
        Rows of the training patients, the nearest first.
    cosines : ndarray of float64, shape (m, k)
        1: the same direction of standardised embeddings.
    percentile : ndarray of float64, shape (m,)
        Percent of the training patients whose own nearest one is nearer than this patient's.
    """

    places: np.ndarray
    cosines: Floats
    percentile: Floats


def encoder_of(model: Model) -> CnnModel | None:
    """Find the part of a model that holds an embedding.

    Parameters
    ----------
    model : Model
        Fitted.

    Returns
    -------
    CnnModel or None
        The model itself, or a fusion's branch.
    """
    if isinstance(model, FusionModel):
        model = model.branches_.get(EMBEDDINGS, model)
    return model if isinstance(model, CnnModel) else None


def with_directions(model: Model, X: pd.DataFrame) -> pd.DataFrame:
    """Put a few directions of a model's embedding beside its columns.

    Parameters
    ----------
    model : Model
        Fitted.
    X : DataFrame, shape (n, p)
        Its columns.

    Returns
    -------
    DataFrame, shape (n, p + q)
        With those of :meth:`CnnModel.directions`, where it holds an embedding.
    """
    encoder = encoder_of(model)
    if encoder is None:
        return X
    return pd.concat([X, encoder.directions(X[[*encoder.feature_names_in_]])], axis=1)


def nearest(
    training: Floats, vectors: Floats, count: int = MOST_SIMILAR, own: Floats | None = None
) -> Neighbours:
    """Find the training patients nearest to each of some patients.

    Parameters
    ----------
    training : ndarray of float64, shape (n, d)
        Standardised embeddings of training patients, at least two.
    vectors : ndarray of float64, shape (m, d)
        Of the patients.
    count : int
        How many neighbours, at most.
    own : ndarray of bool, shape (m, n), optional
        Which training rows are the patient's own and no neighbour.

    Returns
    -------
    Neighbours
        By cosine; equals in the order of training.
    """
    cosines = _unit(vectors) @ _unit(training).T
    if own is not None:
        cosines = np.where(own, -np.inf, cosines)
    places = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    best = np.take_along_axis(cosines, places, axis=1)
    among = _unit(training) @ _unit(training).T
    np.fill_diagonal(among, -np.inf)
    usual = np.sort(among.max(axis=1))
    farther = len(usual) - np.searchsorted(usual, best[:, 0], side="right")
    return Neighbours(places, best, 100.0 * farther / len(usual))


def similar_cases(
    model: CnnModel, train: pd.DataFrame, test: pd.DataFrame, patients: pd.Series
) -> pd.DataFrame:
    """Name the training patients whose embeddings are most like each test patient's.

    Parameters
    ----------
    model : CnnModel
        Fitted on the training patients.
    train, test : DataFrame
        Its columns, indexed by ``case_id``.
    patients : Series of str
        ``patient_id`` by ``case_id``: nobody is told to be like himself.

    Returns
    -------
    DataFrame
        ``case_id``, ``rank``, ``similar`` (a case_id of training), ``cosine``,
        ``similar_percentile``.
    """
    whose = [patients.loc[X.index].to_numpy() for X in (test, train)]
    own = whose[0][:, np.newaxis] == whose[1]
    found = nearest(model.vectors(train), model.vectors(test), own=own)
    rows, count = found.places.shape
    known = np.isfinite(found.cosines).ravel()
    told = pd.DataFrame(
        {
            "case_id": np.repeat(test.index.to_numpy(), count),
            "rank": np.tile(np.arange(1, count + 1), rows),
            "similar": train.index.to_numpy()[found.places.ravel()],
            "cosine": found.cosines.ravel(),
            "similar_percentile": np.repeat(found.percentile, count),
        }
    )
    return told[known].reset_index(drop=True)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))
