"""Models: scikit-learn estimators from a table to risk scores (higher = earlier event).

To add one: a class with the methods of :class:`~radpipe.prognosis.models.base.Model` and one line
in ``MODELS``.
"""

from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.storage import SavedModel, load, save
from radpipe.prognosis.models.table import MODELS
from radpipe.prognosis.models.volume import VolumeModel
from radpipe.prognosis.models.xgb_cox import XgbCox

__all__ = ["MODELS", "Model", "SavedModel", "VolumeModel", "XgbCox", "load", "save"]
