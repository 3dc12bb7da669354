"""Every model by the name that ``--model`` takes; light, so that ``--help`` can read it."""

from __future__ import annotations

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
_ROOM = "radpipe.prognosis.models"
MODELS = {
    VOLUME: Entry(f"{_ROOM}.volume.VolumeModel", "Tumour volume alone"),
    CLINICAL: Entry(f"{_ROOM}.clinical.ClinicalModel", "Clinical columns alone"),
    BOTH: Entry(f"{_ROOM}.clinical.ClinicalVolumeModel", "Clinical columns and tumour volume"),
    "cox": Entry(f"{_ROOM}.elastic_net.CoxModel", "Elastic-net Cox model"),
    "logistic": Entry(f"{_ROOM}.elastic_net.LogisticModel", "Elastic-net logistic model"),
    "xgb_cox": Entry(f"{_ROOM}.xgb_cox.XgbCox", "Gradient-boosted Cox model"),
    "xgb_classifier": Entry(f"{_ROOM}.xgb_classifier.XgbClassifier", "Gradient-boosted classifier"),
    DEFAULT: Entry(
        f"{_ROOM}.fusion.FusionModel", "Fusion of volume, clinical columns and radiomics"
    ),
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
    home = f"{type(model).__module__}.{type(model).__qualname__}"
    for name, entry in MODELS.items():
        if entry.home == home:
            return name
    raise ModelError(
        "this model has no name",
        found=home,
        expected=", ".join(entry.home for entry in MODELS.values()),
        remedy="add it to MODELS in radpipe/prognosis/models/table.py",
    )
