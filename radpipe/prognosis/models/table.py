"""Every model by the name that ``--model`` takes; light, so that ``--help`` can read it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from radpipe.errors import ModelError

if TYPE_CHECKING:
    from radpipe.prognosis.models.base import Model


class Entry(NamedTuple):
    """One model.

    Attributes
    ----------
    home : str
        Module and class, joined by a dot; imported when it is needed.
    title : str
        Its name in plain words.
    """

    home: str
    title: str


# What every model is compared with.
VOLUME, CLINICAL, BOTH = "volume", "clinical", "clinical_volume"
BASELINES = (VOLUME, CLINICAL, BOTH)
DEFAULT = "fusion"
CNN = "cnn"
# Radiomics alone, of each endpoint: what an embedding is compared with, beside the baselines.
RADIOMICS_ALONE = ("cox", "logistic")
# Branches of it: the features, or those that no branch of the user's has; and the embedding.
RADIOMICS, OTHER_FEATURES, EMBEDDINGS = "radiomics", "other features", "embeddings"
_ROOM = "radpipe.prognosis.models"
MODELS = {
    VOLUME: Entry(f"{_ROOM}.volume.VolumeModel", "Tumour volume alone"),
    CLINICAL: Entry(f"{_ROOM}.clinical.ClinicalModel", "Clinical columns alone"),
    BOTH: Entry(f"{_ROOM}.clinical.ClinicalVolumeModel", "Clinical columns and tumour volume"),
    "cox": Entry(f"{_ROOM}.elastic_net.CoxModel", "Elastic-net Cox model"),
    "logistic": Entry(f"{_ROOM}.elastic_net.LogisticModel", "Elastic-net logistic model"),
    "xgb_cox": Entry(f"{_ROOM}.xgb_cox.XgbCox", "Gradient-boosted Cox model"),
    "xgb_classifier": Entry(f"{_ROOM}.xgb_classifier.XgbClassifier", "Gradient-boosted classifier"),
    CNN: Entry(f"{_ROOM}.cnn.CnnModel", "Embedding of the tumour"),
    DEFAULT: Entry(f"{_ROOM}.fusion.FusionModel", "Fusion"),
}


def model_class(name: str) -> type[Model]:
    """Return a model's class.

    Parameters
    ----------
    name : str
        A key of ``MODELS``.

    Returns
    -------
    type
        An estimator.

    Raises
    ------
    ModelError
        There is no such model.
    """
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1, cutoff=0.5)
        raise ModelError(
            "unknown model",
            where="--model",
            found=name,
            expected=", ".join(MODELS),
            remedy=f"did you mean {near[0]!r}?" if near else "give one of these",
        )
    module, _, kind = MODELS[name].home.rpartition(".")
    found: type[Model] = getattr(import_module(module), kind)
    return found


def name_of(model: Model) -> str:
    """Return the name of a model.

    Parameters
    ----------
    model : Model
        Of one of the classes in ``MODELS``.

    Returns
    -------
    str
        A key of ``MODELS``.

    Raises
    ------
    ModelError
        Its class is not there.
    """
    name = _name_or_none(model)
    if name is not None:
        return name
    raise ModelError(
        "this model has no name",
        found=_home_of(model),
        expected=", ".join(entry.home for entry in MODELS.values()),
        remedy="add it to MODELS in radpipe/prognosis/models/table.py",
    )


def called(model: Model) -> str:
    """Say in an error which model it is about.

    Parameters
    ----------
    model : Model
        Of any class.

    Returns
    -------
    str
        Its key of ``MODELS``, else its class.
    """
    return f"model {_name_or_none(model) or type(model).__name__}"


def title_of(name: str, branches: Iterable[str] = ()) -> str:
    """Name a model in plain words.

    Parameters
    ----------
    name : str
        Its name.
    branches : iterable of str
        What a fusion is made of.

    Returns
    -------
    str
        The name itself where ``MODELS`` does not have it.

    Examples
    --------
    >>> title_of("fusion", ["clinical", "texture", "radiomics"])
    'Fusion of clinical, texture and radiomics'
    """
    title = MODELS[name].title if name in MODELS else name
    *others, last = [*branches] or [""]
    if not last:
        return title
    return f"{title} of {', '.join(others)} and {last}" if others else f"{title} of {last}"


def _name_or_none(model: Model) -> str | None:
    home = _home_of(model)
    return next((name for name, entry in MODELS.items() if entry.home == home), None)


def _home_of(model: Model) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
