"""One case: its row, its diagnostics, its overlay picture."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.cohort import Case
from radpipe.errors import ExtractionError, ImageError
from radpipe.extraction.engines import engine_named, planned_columns
from radpipe.extraction.image import check_intensities, roi_of, volume_mm3
from radpipe.extraction.preprocess.pair import checked_pair
from radpipe.extraction.settings import ExtractionSettings
from radpipe.store import MASK_VOLUME, Row

_DIAGNOSTICS = "diagnostics_"
_MISSING = "missing_columns"
_PICTURE_PIXELS = 240
_MARGIN_MM = 25.0


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
    """

    case: Case
    image: sitk.Image
    mask: sitk.Image
    label: int


def load_case(case: Case, settings: ExtractionSettings) -> LoadedCase:
    """Read a case's image and mask, and refuse what would give numbers without meaning.

    Parameters
    ----------
    case : Case
        The case, its label resolved.
    settings : ExtractionSettings
        Settings.

    Returns
    -------
    LoadedCase
        Ready to extract from.

    Raises
    ------
    ImageError
        What is wrong with image or mask.
    """
    label = int(case.label or 1)
    image, mask = checked_pair(
        case.image, case.mask, settings.setting, label, case.label_channel or 0
    )
    _refuse_wavelets_in_2d(image, settings)
    only_shape = all(name.startswith("shape") for name in settings.featureClass)
    check_intensities(image, None if only_shape else roi_of(mask, label))
    return LoadedCase(case, image, mask, label)


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
        Every planned column; NaN, named among the diagnostics, where the engine gave none.

    Raises
    ------
    ExtractionError
        The engine failed, or gave a column that was not planned.
    """
    found = engine_named(engine).execute(settings, loaded.image, loaded.mask, label=loaded.label)
    told = {name: value for name, value in found.items() if name.startswith(_DIAGNOSTICS)}
    values = {name: float(value) for name, value in found.items() if name not in told}
    planned = planned_columns(settings)
    if surplus := values.keys() - set(planned):
        raise ExtractionError("the engine gave unplanned columns", found=sorted(surplus))
    missing = [name for name in planned if name not in values]
    return Row(
        keys=loaded.case.keys(),
        features={
            MASK_VOLUME: volume_mm3(loaded.mask, loaded.label),
            **{name: values.get(name, math.nan) for name in planned},
        },
        diagnostics={**_plain(told), _MISSING: ", ".join(missing)},
    )


def draw_overlay(image: sitk.Image, mask: sitk.Image, label: int, path: Path) -> None:
    """Draw an ROI's contour on its largest slice, as a radiologist looks at it.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        The pair, on one grid.
    label : int
        Label of the ROI.
    path : Path
        PNG file to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture, roi, pixel_mm = _largest_slice(image, mask, label)
    low, high = _window(picture, roi)
    figure = Figure(figsize=(1, 1), dpi=_PICTURE_PIXELS, facecolor="black")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, aspect=pixel_mm[0] / pixel_mm[1])
    # A frame of background closes the contour of an ROI that touches the edge.
    axes.contour(
        np.arange(-1, roi.shape[1] + 1),
        np.arange(-1, roi.shape[0] + 1),
        np.pad(roi, 1).astype(float),
        levels=[0.5],
        colors="#ffb000",
        linewidths=0.5,
    )
    axes.set_xlim(-0.5, roi.shape[1] - 0.5)
    axes.set_ylim(roi.shape[0] - 0.5, -0.5)
    figure.savefig(path, metadata={"Software": None})


def _window(picture: npt.NDArray[Any], roi: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Show the ROI's intensities in the middle of the greys; air and bone may saturate."""
    low, high = np.percentile(picture[roi], [1, 99])
    reach = max(high - low, 1e-6)
    return float(max(low - reach, picture.min())), float(min(high + reach, picture.max()))


def _largest_slice(
    image: sitk.Image, mask: sitk.Image, label: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], tuple[float, float]]:
    if image.GetDimension() == 3:
        image, mask = (sitk.DICOMOrient(each, "LPS") for each in (image, mask))
    array, roi = sitk.GetArrayFromImage(image), roi_of(mask, label)
    if array.ndim > 2:
        depth = int(roi.reshape(len(roi), -1).sum(axis=1).argmax())
        array, roi = array[depth], roi[depth]
    column_mm, row_mm = image.GetSpacing()[:2]
    window = tuple(
        _around(np.asarray(roi.any(axis=1 - axis)), round(_MARGIN_MM / size))
        for axis, size in enumerate((row_mm, column_mm))
    )
    return array[window], roi[window], (row_mm, column_mm)


def _around(flags: npt.NDArray[np.bool_], margin: int) -> slice:
    places = np.flatnonzero(flags)
    return slice(max(int(places[0]) - margin, 0), int(places[-1]) + margin + 1)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, int | float | str) else json.dumps(value, default=str)
        for name, value in told.items()
    }
