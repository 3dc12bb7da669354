"""Every model by the name that ``--model`` takes."""

from radpipe.prognosis.models.base import Model
from radpipe.prognosis.models.volume import VolumeModel
from radpipe.prognosis.models.xgb_cox import XgbCox

MODELS: dict[str, type[Model]] = {"volume": VolumeModel, "xgb_cox": XgbCox}
