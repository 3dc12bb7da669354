"""The image types that settings ask for: their names, and the derived images themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from radpipe.extraction.axes import for_three_axes
from radpipe.extraction.filters import FILTERS
from radpipe.extraction.grid import Array, Box, Lattice, Roi, Undefined
from radpipe.extraction.preprocess.discretise import discretise
from radpipe.extraction.preprocess.prepare import Prepared
from radpipe.extraction.settings import ExtractionSettings, Setting


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
    prepared: Prepared, settings: ExtractionSettings, box: Box
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

    Yields
    ------
    DerivedImage
        In the order of :func:`image_type_names`.
    """
    for image_type in settings.imageType:
        setting = settings.setting_of(image_type)
        for name, array in FILTERS[image_type].apply(prepared.image, prepared.roi, box, setting):
            yield DerivedImage(name, array, setting)


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
