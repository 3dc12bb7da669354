"""One case: its row and its diagnostics."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import SimpleITK as sitk

from radpipe.cohort import Case
from radpipe.errors import ExtractionError, ImageError
from radpipe.extraction.controls import CONTROLS
from radpipe.extraction.engines import engine_named, planned_columns
from radpipe.extraction.grid import Box
from radpipe.extraction.image import (
    Extent,
    check_finite,
    check_varying,
    extents_of,
)
from radpipe.extraction.image_types import image_type_names
from radpipe.extraction.preprocess.pair import EXTENTS, checked_pair
from radpipe.extraction.settings import ExtractionSettings
from radpipe.extraction.shared import Scope, Shared
from radpipe.store import MASK_VOLUME, Row

_DIAGNOSTICS = "diagnostics_"
_MISSING = "missing_columns"
# Columns that are 0 where all voxels have one grey level; the first that there is decides.
_FLAT = (
    "firstorder_Entropy",
    "glcm_JointEntropy",
    "glrlm_GrayLevelVariance",
    "glszm_GrayLevelVariance",
    "gldm_GrayLevelVariance",
)
# An entropy of 0 comes out as the logarithm of 1 and a little.
_ZERO = 1e-9


@dataclass(frozen=True)
class LoadedCase:
    """A case with its pixels.

    Attributes
    ----------
    case : Case
        The case.
    image, mask : SimpleITK.Image
        As read; the mask as ``uint32`` labels.
    label : int
        Label of the ROI.
    extent : Extent
        Where the ROI lies in the mask.
    shared : Shared
        What it has in common with other ROIs of the image.
    """

    case: Case
    image: sitk.Image
    mask: sitk.Image
    label: int
    extent: Extent
    shared: Shared


def load_case(
    case: Case,
    settings: ExtractionSettings,
    shared: Shared | None = None,
    control: str | None = None,
) -> LoadedCase:
    """Read a case's image and mask, and refuse what would give numbers without meaning.

    Parameters
    ----------
    case : Case
        The case, its label resolved.
    settings : ExtractionSettings
        Settings.
    shared : Shared, optional
        Of a job of several ROIs of one image, or under several settings.
    control : str, optional
        What is done to the image first: a key of :data:`controls.CONTROLS`.

    Returns
    -------
    LoadedCase
        Ready to extract from.

    Raises
    ------
    ImageError
        What is wrong with image or mask.
    """
    label, channel = int(case.label or 1), case.label_channel or 0
    # A control makes another image for each ROI.
    of_image = (case.image, control, case.mask, channel, label) if control else case.image
    shared = (shared or Shared()).at(of_image, (case.mask, channel), label)
    image, mask = checked_pair(case.image, case.mask, settings.setting, label, channel, shared)
    _refuse_wavelets_in_2d(image, settings)
    shared.once(Scope.IMAGE, "finite", partial(check_finite, image))
    extent = shared.once(Scope.MASK, EXTENTS, partial(extents_of, mask))[label]
    if not all(name.startswith("shape") for name in settings.featureClass):
        check_varying(image, mask, label, extent)
    if control is not None:
        image = CONTROLS[control](image, mask, label, settings.setting)
    return LoadedCase(case, image, mask, label, extent, shared)


def _refuse_wavelets_in_2d(image: sitk.Image, settings: ExtractionSettings) -> None:
    # A table's columns are planned before any image is read, with one letter an axis.
    if image.GetDimension() == 2 and "Wavelet" in settings.imageType:
        raise ImageError(
            "wavelets of a 2D image have other columns than those of a 3D image",
            found="a 2D image",
            expected="a 3D image, of one slice if need be",
            remedy="leave Wavelet out, or use FeatureExtractor, which takes 2D images",
        )


def row_of(loaded: LoadedCase, settings: ExtractionSettings, engine: str) -> Row:
    """Compute a case's row.

    Parameters
    ----------
    loaded : LoadedCase
        The case.
    settings : ExtractionSettings
        Settings.
    engine : str
        Name of the engine.

    Returns
    -------
    Row
        Every planned column; NaN, named among the diagnostics, where the engine gave none. The
        diagnostics also hold ``roi_voxels``, ``roi_touches_edge`` (the mask may be clipped), both
        of the ROI as it was drawn, and ``flat_image_types``: the number of image types in which it
        has one grey level.

    Raises
    ------
    ExtractionError
        The engine failed, or gave a column that was not planned.
    """
    found = engine_named(engine).execute(
        settings, loaded.image, loaded.mask, label=loaded.label, shared=loaded.shared
    )
    told = {name: value for name, value in found.items() if name.startswith(_DIAGNOSTICS)}
    values = {name: float(value) for name, value in found.items() if name not in told}
    planned = planned_columns(settings)
    if surplus := values.keys() - set(planned):
        raise ExtractionError("the engine gave unplanned columns", found=sorted(surplus))
    missing = [name for name in planned if name not in values]
    row = described(loaded)
    flat = {"flat_image_types": _flat_image_types(values, settings)}
    return Row(
        features=row.features | {name: values.get(name, math.nan) for name in planned},
        diagnostics={**row.diagnostics, **flat, **_plain(told), _MISSING: ", ".join(missing)},
    )


def described(loaded: LoadedCase) -> Row:
    """Describe a case's ROI as it was drawn: what every row says.

    Parameters
    ----------
    loaded : LoadedCase
        The case.

    Returns
    -------
    Row
        The mask's volume, and among the diagnostics ``roi_voxels`` and ``roi_touches_edge``.
    """
    extent = loaded.extent
    return Row(
        # IBSI YEKZ, of the ROI as it was drawn: before resampling and resegmentation.
        features={MASK_VOLUME: float(extent.voxels * math.prod(loaded.mask.GetSpacing()))},
        diagnostics={
            "roi_voxels": extent.voxels,
            "roi_touches_edge": _touches_edge(extent.box, loaded.mask.GetSize()[::-1]),
        },
    )


def _touches_edge(box: Box, shape: tuple[int, ...]) -> bool:
    return any(
        size > 1 and (part.start == 0 or part.stop == size)
        for part, size in zip(box, shape, strict=True)
    )


def _flat_image_types(values: dict[str, float], settings: ExtractionSettings) -> int:
    flat = 0
    for image_type in image_type_names(settings):
        columns = (f"{image_type}_{name}" for name in _FLAT)
        deciding = next((values[column] for column in columns if column in values), math.nan)
        flat += abs(deciding) < _ZERO
    return flat


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, int | float | str) else json.dumps(value, default=str)
        for name, value in told.items()
    }
