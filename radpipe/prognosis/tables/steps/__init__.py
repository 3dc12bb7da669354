"""Steps: what is fitted to a table in each training fold, and nowhere else.

To add one: a file with a subclass of :class:`~radpipe.prognosis.tables.steps.base.Step` and one
line in ``STEPS``. ``Embed`` is not there: its weights are no JSON, and the model writes them.
"""

from __future__ import annotations

from typing import Any

from radpipe.prognosis.tables.steps.base import Selector, Step, Steps
from radpipe.prognosis.tables.steps.clean import DropUninformative
from radpipe.prognosis.tables.steps.clusters import CorrelationClusters
from radpipe.prognosis.tables.steps.combat import ComBat
from radpipe.prognosis.tables.steps.components import PrincipalComponents
from radpipe.prognosis.tables.steps.confounding import require_not_confounded
from radpipe.prognosis.tables.steps.embed import Embed
from radpipe.prognosis.tables.steps.encode import Encode, Impute, Scale, parameters
from radpipe.prognosis.tables.steps.frequency import selection_frequency
from radpipe.prognosis.tables.steps.log_volume import LogVolume
from radpipe.prognosis.tables.steps.redundancy import MinimumRedundancy
from radpipe.prognosis.tables.steps.stability import DropUnstable
from radpipe.prognosis.tables.steps.univariate import Univariate
from radpipe.prognosis.tables.steps.volume_dependence import DropVolumeDependent
from radpipe.prognosis.tables.steps.winsorise import Winsorise

STEPS: dict[str, type[Step]] = {
    step.__name__: step
    for step in (
        ComBat,
        CorrelationClusters,
        DropUninformative,
        DropUnstable,
        DropVolumeDependent,
        Encode,
        Impute,
        LogVolume,
        MinimumRedundancy,
        PrincipalComponents,
        Scale,
        Univariate,
        Winsorise,
    )
}

__all__ = [
    "STEPS",
    "ComBat",
    "CorrelationClusters",
    "DropUninformative",
    "DropUnstable",
    "DropVolumeDependent",
    "Embed",
    "Encode",
    "Impute",
    "LogVolume",
    "MinimumRedundancy",
    "PrincipalComponents",
    "Scale",
    "Selector",
    "Step",
    "Steps",
    "Univariate",
    "Winsorise",
    "parameters",
    "require_not_confounded",
    "restored_steps",
    "selection_frequency",
]


def restored_steps(state: dict[str, Any]) -> Steps:
    """Make steps of what was written.

    Parameters
    ----------
    state : dict
        What :meth:`Steps.write` returned.

    Returns
    -------
    Steps
        Fitted.
    """
    made = [STEPS[each["step"]](**each["parameters"]) for each in state["steps"]]
    return Steps(made).restore(state)
