"""The image types that settings ask for: their names, and the derived images themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial

from radpipe.extraction.axes import for_three_axes
from radpipe.extraction.filters import FILTERS, Derived
from radpipe.extraction.grid import Array, Box, Lattice, Roi, Undefined
from radpipe.extraction.preprocess.discretise import DiscretiseSetting, discretise
from radpipe.extraction.preprocess.prepare import Prepared
from radpipe.extraction.settings import ExtractionSettings, Setting
from radpipe.extraction.shared import Scope, Shared

# What decides nothing before grey levels.
_AFTER_FILTERS = {"additionalInfo", *DiscretiseSetting.model_fields}
# Voxels of a box whose derived images are kept: a dozen of them take 400 MB.
MOST_KEPT = 1 << 22


@dataclass(frozen=True)
class DerivedImage:
    """One result of one filter.

    Attributes
    ----------
    name : str
        As it stands in columns, such as ``wavelet-LLH``.
    intensities : ndarray, shape (z, y, x), or Undefined
        The image inside the box asked for.
    setting : Setting
        The settings with those of its image type.
    """

    name: str
    intensities: Array | Undefined
    setting: Setting


def image_type_names(settings: ExtractionSettings) -> list[str]:
    """List the names that the image types' results have in columns.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.

    Returns
    -------
    list of str
        Such as ``original``, ``log-sigma-3-0-mm-3D``, ``wavelet-LLH``.
    """
    return [
        name
        for image_type in settings.imageType
        for name in FILTERS[image_type].names(settings.setting_of(image_type))
    ]


def derived_images(
    prepared: Prepared, settings: ExtractionSettings, box: Box, shared: Shared | None = None
) -> Iterator[DerivedImage]:
    """Filter a prepared image, one image type after the other.

    Parameters
    ----------
    prepared : Prepared
        Image and ROI.
    settings : ExtractionSettings
        Settings.
    box : tuple of slice
        The part wanted.
    shared : Shared, optional
        What other settings have made of the same ROI, in the same box.

    Yields
    ------
    DerivedImage
        In the order of :func:`image_type_names`.
    """
    for image_type in settings.imageType:
        setting = settings.setting_of(image_type)
        apply = partial(FILTERS[image_type].apply, prepared.image, prepared.roi, box, setting)
        # Steps before filters follow the settings of all image types, whatever one overrides.
        wanted = image_type, _before_levels(settings.setting), _before_levels(setting)
        for name, array in _kept(apply, wanted, box, shared or Shared()):
            yield DerivedImage(name, array, setting)


def _kept(apply: Callable[[], Derived], wanted: Hashable, box: Box, shared: Shared) -> Derived:
    voxels = math.prod(part.stop - part.start for part in box)
    if voxels > MOST_KEPT or not shared.keeps(Scope.ROI):
        return apply()
    return iter(shared.once(Scope.ROI, wanted, lambda: list(apply())))


def _before_levels(setting: Setting) -> str:
    return setting.model_dump_json(exclude=_AFTER_FILTERS)


def roi_in(intensities: Array, lattice: Lattice, setting: Setting) -> tuple[Roi, Setting]:
    """Discretise an ROI's intensities.

    Parameters
    ----------
    intensities : ndarray, shape (z, y, x) or (y, x)
        A derived image, inside the box.
    lattice : Lattice
        The ROI in the same box.
    setting : Setting
        The settings with those of the image type.

    Returns
    -------
    roi : Roi
        As feature classes take it.
    setting : Setting
        The settings for its three axes.

    Raises
    ------
    ExtractionError
        The intensities cannot be discretised.
    """
    values = intensities.ravel()[lattice.places]
    roi = Roi(lattice, values, discretise(values, setting))
    return roi, for_three_axes(setting, intensities.ndim)
