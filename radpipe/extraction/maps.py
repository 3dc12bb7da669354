"""Feature maps: a feature of the window around each voxel of the ROI (PyRadiomics: voxel-based).

Values are PyRadiomics', with these exceptions. MCC is given where PyRadiomics fails, which is
wherever one window lacks one direction; and an eigenvalue of 0 counts as 0 in its mean, while in
PyRadiomics rounding decides whether it counts. A direction is left out of the joint average where
no window of the ROI has pairs in it, not where none of the same batch has. Features without values
have no map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.extraction.boxes import padded
from radpipe.extraction.canvas import Canvas
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.image_types import derived_images, image_type_names
from radpipe.extraction.kernels.jit import compiling
from radpipe.extraction.preprocess.pair import checked_pair
from radpipe.extraction.preprocess.prepare import Prepared, prepare
from radpipe.extraction.settings import ExtractionSettings, read_settings, validated
from radpipe.extraction.window_values import WindowValues
from radpipe.progress import progress_bar

_Wanted = dict[str, tuple[str, ...]]


def _every(name: str) -> bool:
    return True


def feature_maps(
    image: str | Path | sitk.Image,
    mask: str | Path | sitk.Image,
    params: str | Path | dict[str, Any] | None = None,
    *,
    label: int | None = None,
    full: bool = False,
    threads: int = 1,
    progress: bool = False,
    **settings: Any,
) -> dict[str, sitk.Image]:
    """Compute a map of every feature.

    Parameters
    ----------
    image : str, Path or SimpleITK.Image
        The image.
    mask : str, Path or SimpleITK.Image
        The mask on the image's grid; its labels are integers.
    params : str, Path, dict or None
        A parameter file, the name of a shipped one, its content, or None for the defaults; the
        section ``voxelSetting`` tells how far windows reach.
    label : int, optional
        Label of the ROI; the settings' label if not given.
    full : bool
        Maps as large as the image, not cropped to the ROI and what its windows reach.
    threads : int
        How many parts of the windows are computed at the same time. Values do not depend on it.
    progress : bool
        Show a progress bar on standard error.
    **settings
        Settings that override the file's.

    Returns
    -------
    dict of str to SimpleITK.Image
        Such as ``original_glcm_Contrast``: float64, ``initValue`` outside the ROI, NaN where the
        feature is undefined.

    Raises
    ------
    SettingsError
        A setting is wrong.
    ImageError
        Image or mask cannot be used.
    ExtractionError
        The settings do not fit the ROI.
    """
    chosen = read_settings(params).overridden(**settings)
    if label is not None:
        chosen = chosen.overridden(label=label)
    pair = checked_pair(image, mask, chosen.setting)
    return dict(compute_maps(chosen, *pair, full=full, threads=threads, progress=progress))


def compute_maps(
    settings: ExtractionSettings,
    image: sitk.Image,
    mask: sitk.Image,
    *,
    full: bool = False,
    threads: int = 1,
    progress: bool = False,
    keep: Callable[[str], bool] = _every,
) -> Iterator[tuple[str, sitk.Image]]:
    """Compute maps of an image as read.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.
    image, mask : SimpleITK.Image
        As read.
    full, threads, progress
        As for :func:`feature_maps`.
    keep : callable
        Tells from its name whether a map is wanted.

    Returns
    -------
    iterator of tuple of str and SimpleITK.Image
        As of :func:`maps_of`.

    Raises
    ------
    ImageError
        Image or mask cannot be used.
    ExtractionError
        The settings do not fit the ROI.
    """
    compile_map_kernels()
    return maps_of(
        prepare(image, mask, settings.setting),
        settings,
        image=image if full else None,
        threads=threads,
        progress=progress,
        keep=keep,
    )


def maps_of(
    prepared: Prepared,
    settings: ExtractionSettings,
    *,
    image: sitk.Image | None = None,
    threads: int = 1,
    progress: bool = False,
    keep: Callable[[str], bool] = _every,
) -> Iterator[tuple[str, sitk.Image]]:
    """Compute maps, one feature class of one image type after the other.

    Parameters
    ----------
    prepared : Prepared
        Image and ROI.
    settings : ExtractionSettings
        Settings.
    image : SimpleITK.Image, optional
        The image as read, for maps as large as that.
    threads, progress, keep
        As for :func:`compute_maps`.

    Yields
    ------
    tuple of str and SimpleITK.Image
        Name and map; only the values of one feature class are in memory.

    Raises
    ------
    ExtractionError
        An image type cannot be discretised.
    """
    box = padded(prepared.box, settings.voxelSetting.kernelRadius, prepared.roi.shape)
    canvas = Canvas.of(prepared, box, image, float(settings.voxelSetting.initValue))
    classes = sum(len(_wanted(settings, name, keep)) for name in image_type_names(settings))
    windows = classes * int(np.count_nonzero(canvas.roi))
    with progress_bar("windows", windows, progress) as step:
        for derived in derived_images(prepared, settings, box):
            work = WindowValues(derived, prepared, box, settings, threads, step)
            for name, features in _wanted(settings, derived.name, keep).items():
                for feature, values in work.values(name, features).items():
                    yield f"{derived.name}_{name}_{feature}", canvas.drawn(values)


def map_names(settings: ExtractionSettings) -> list[str]:
    """List the maps that settings ask for.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.

    Returns
    -------
    list of str
        Names for a 3D image, in the order of :func:`compute_maps`.
    """
    return [
        f"{image_type}_{name}_{feature}"
        for image_type in image_type_names(settings)
        for name, features in _wanted(settings, image_type, _every).items()
        for feature in features
    ]


def compile_map_kernels() -> None:
    """Compile the kernels, the first time on a machine, by maps of an ROI of a few voxels."""
    with compiling("maps") as needed:
        if not needed:
            return
        array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
        image, mask = (
            sitk.GetImageFromArray(each) for each in (array, np.ones(array.shape, np.uint8))
        )
        classes = {name: None for name, each in FEATURE_CLASSES.items() if not each.is_shape}
        settings = validated({"imageType": {"Original": {}}, "featureClass": classes}, "kernels")
        list(maps_of(prepare(image, mask, settings.setting), settings))


def _wanted(settings: ExtractionSettings, image_type: str, keep: Callable[[str], bool]) -> _Wanted:
    """List the features of each class that have values and are wanted."""
    wanted = {
        name: tuple(
            feature
            for feature in features
            if feature in FEATURE_CLASSES[name].features and keep(f"{image_type}_{name}_{feature}")
        )
        for name, features in settings.wanted_features().items()
        if not FEATURE_CLASSES[name].is_shape
    }
    return {name: features for name, features in wanted.items() if features}
