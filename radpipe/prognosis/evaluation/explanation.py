"""What an embedding's model looks at: how each part of a patch moves the risk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from radpipe.errors import SettingsError, TableError
from radpipe.networks import require_torch
from radpipe.networks.occlusion import occlusion, windows
from radpipe.prognosis.evaluation.matching import require_match
from radpipe.prognosis.evaluation.prediction import roles_of
from radpipe.prognosis.evaluation.sight import Inputs, Sight, find_sight
from radpipe.prognosis.evaluation.study import Table, as_predictors
from radpipe.prognosis.models.storage import SavedModel, load
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.tables.columns import listed, name_of_table
from radpipe.progress import Step, progress_bar
from radpipe.store.patches import PATCH_FILE, StoredPatch, read_patch

if TYPE_CHECKING:
    from torch import nn

OCCLUSION, GRADCAM = "occlusion", "gradcam"


@dataclass(frozen=True)
class Explanation:
    """How each part of one patch moves a model's risk.

    Attributes
    ----------
    case_id, patient_id : str
        Whose it is.
    model, encoder, method : str
        What was explained, and how.
    risk : float
        Log-hazard or log-odds, as the model predicts it.
    heat : ndarray of float64, shape (z, y, x)
        Positive: what is there raises the risk.
    intensities : ndarray of float32, shape (z, y, x)
        What the encoder was shown.
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the same grid.
    spacing_mm : tuple of float
        Of the grid, (z, y, x).
    randomised : float or None
        Spearman's correlation of the absolute heat with that of the same network with random
        weights (Adebayo et al. 2018, arXiv 1810.03292): near 1, the map shows the image and not
        what was learnt. None where either map is flat.
    endpoint : dict
        What the risk is of, as :meth:`radpipe.prognosis.evaluation.study.Study.endpoint_facts`.
    """

    case_id: str
    patient_id: str
    model: str
    encoder: str
    method: str
    risk: float
    heat: Floats
    intensities: NDArray[np.float32]
    roi: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    randomised: float | None
    endpoint: dict[str, Any]

    @property
    def share_inside(self) -> float | None:
        """Share of the absolute heat inside the ROI; None where the map is flat."""
        all_of_it = float(np.abs(self.heat).sum())
        return float(np.abs(self.heat[self.roi]).sum()) / all_of_it if all_of_it > 0 else None

    @property
    def roi_share(self) -> float:
        """Share of the patch that is ROI: what heat that is even everywhere would have inside."""
        return float(self.roi.mean())


def explain(
    model: str | Path | SavedModel,
    table: Table,
    *,
    weights: str | Path | None = None,
    cases: Sequence[str] | None = None,
    count: int = 6,
    method: str = OCCLUSION,
    clinical: Table | None = None,
    id: str | None = None,
    threads: int = 1,
    progress: bool = False,
) -> list[Explanation]:
    """Tell which parts of patients' images move a model's risk.

    Parameters
    ----------
    model : str, Path or SavedModel
        What ``train`` made of an embedding: ``cnn``, or a fusion that gives it a weight.
    table : str, Path or DataFrame
        A run of `radpipe embed` with its patches.
    weights : str or Path, optional
        Of an encoder that the model did not fit itself: the file, or the directory, that the run
        was embedded with.
    cases : sequence of str, optional
        Whom to explain, by ``case_id``; else a few from the highest to the lowest risk.
    count : int
        How many, where nobody is named.
    method : {"occlusion", "gradcam"}
        Hide parts of the image and ask the whole model; or follow the gradient of a linear head
        to the encoder's maps, which is quicker and tells no change of risk.
    clinical : str, Path or DataFrame, optional
        Where clinical columns and the batch stand, if the model uses such.
    id : str, optional
        Column that names the patient; else named as in training.
    threads : int
        Patches at a time; values do not depend on it.
    progress : bool
        Show how far it is on stderr.

    Returns
    -------
    list of Explanation
        One a case, the highest risk first.

    Raises
    ------
    SettingsError
        The method is unknown or does not fit the model's head, weights are missing or too many, or
        torch is not installed.
    ModelError
        The model looks at no image, or the weights are not those it was made with.
    TableError
        A case is not in the table, or patches are missing.
    """
    require_torch()
    _require_known(method)
    saved = model if isinstance(model, SavedModel) else load(model)
    sight = find_sight(saved, weights, threads)
    frame = as_predictors(table, clinical, roles_of(saved, id), "drop")
    X = require_match(saved, frame)
    risks = pd.Series(saved.model.predict(X), X.index)
    chosen = _chosen(risks, cases, count)
    patches = _patches(frame, chosen)
    for case, patch in zip(chosen, patches, strict=True):
        sight.require_same(X.loc[[case]], sight.inputs(patch))
    with progress_bar("explaining", _steps(sight, method) * len(chosen), progress) as step:
        maps = [
            _maps(sight, method, patch, X.loc[[case]], step)
            for case, patch in zip(chosen, patches, strict=True)
        ]
    return [
        Explanation(
            case_id=case,
            patient_id=str(frame["patient_id"][case]),
            model=saved.name,
            encoder=sight.spec.name,
            method=method,
            risk=float(risks[case]),
            heat=heat,
            intensities=patch.intensities,
            roi=patch.roi,
            spacing_mm=_spacing(frame, sight),
            randomised=_alike(heat, untrained),
            endpoint=saved.facts["endpoint"],
        )
        for case, patch, (heat, untrained) in zip(chosen, patches, maps, strict=True)
    ]


def _require_known(method: str) -> None:
    if method not in METHODS:
        raise SettingsError(
            "no such way to explain",
            where="--method",
            found=method,
            expected=" or ".join(METHODS),
        )


def _chosen(risks: pd.Series, cases: Sequence[str] | None, count: int) -> list[str]:
    ordered = [str(case) for case in risks.sort_values(ascending=False, kind="stable").index]
    if cases is None:
        shown = max(min(count, len(ordered)), 1)
        places = np.linspace(0, len(ordered) - 1, shown).round().astype(int)
        return [ordered[place] for place in places]
    unknown = [case for case in cases if case not in ordered]
    if unknown or not cases:
        raise TableError(
            "no such case",
            where="--cases",
            found=listed(unknown) if unknown else "none",
            expected=f"of the table's: {listed(ordered)}",
            remedy="name cases by their case_id",
        )
    return [case for case in ordered if case in cases]


def _patches(frame: pd.DataFrame, chosen: Sequence[str]) -> list[StoredPatch]:
    if PATCH_FILE not in frame:
        raise TableError(
            "the table does not come with the patches that the encoder was shown",
            where=name_of_table(frame, "the table"),
            found="no patches, or several cases of a patient made into one row",
            expected="the directory of `radpipe embed`, with all that it kept",
            remedy="give that directory",
        )
    return [read_patch(Path(file)) for file in frame[PATCH_FILE].loc[[*chosen]]]


def _steps(sight: Sight, method: str) -> int:
    return 2 * (len(windows(sight.spec.patch.size)) if method == OCCLUSION else 1)


def _maps(
    sight: Sight, method: str, patch: StoredPatch, row: pd.DataFrame, step: Step
) -> tuple[Floats, Floats]:
    """Map the model's own network, and one that learnt nothing."""
    from radpipe.networks.untrained import untrained

    inputs = sight.inputs(patch)
    networks = (sight.network, untrained(sight.spec))
    own, other = (METHODS[method](sight, network, inputs, row, step) for network in networks)
    return own, other


def _by_occlusion(
    sight: Sight, network: nn.Module, inputs: Inputs, row: pd.DataFrame, step: Step
) -> Floats:
    return occlusion(
        lambda patches: sight.risks(network, patches, row),
        inputs,
        channel=sight.spec.channels.index("image"),
        step=lambda done: step(done=done),
    )


def _by_gradcam(
    sight: Sight, network: nn.Module, inputs: Inputs, row: pd.DataFrame, step: Step
) -> Floats:
    from radpipe.networks.gradcam import grad_cam

    found = grad_cam(network, sight.spec.architecture, inputs, sight.weights(row))
    step()
    return found


METHODS: dict[str, Callable[[Sight, nn.Module, Inputs, pd.DataFrame, Step], Floats]] = {
    OCCLUSION: _by_occlusion,
    GRADCAM: _by_gradcam,
}


def _alike(heat: Floats, other: Floats) -> float | None:
    sizes = [np.abs(each).ravel() for each in (heat, other)]
    if any(np.ptp(each) == 0 for each in sizes):
        return None
    return float(spearmanr(*sizes).statistic)


def _spacing(frame: pd.DataFrame, sight: Sight) -> tuple[float, float, float]:
    told = (frame.attrs.get("embeddings") or {}).get("provenance") or {"settings": {}}
    z, y, x = told["settings"].get("patch", {}).get("spacing_mm", sight.spec.patch.spacing_mm)
    return float(z), float(y), float(x)
