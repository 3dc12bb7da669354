"""Feature maps: a feature of the kernel around each voxel of the ROI (PyRadiomics: voxel-based).

Values are PyRadiomics', with these exceptions. MCC is given where PyRadiomics fails, which is
wherever one kernel lacks one direction; and an eigenvalue of 0 counts as 0 in its mean, while in
PyRadiomics rounding decides whether it counts. A direction is left out of the joint average where
no kernel of the ROI has pairs in it, not where none of the same batch has. Features without values
have no map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.extraction.canvas import Canvas
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.image import check_pair
from radpipe.extraction.image_types import derived_images, image_type_names
from radpipe.extraction.io import read_image
from radpipe.extraction.io.read import as_label_map
from radpipe.extraction.kernels.jit import compiling
from radpipe.extraction.local_values import LocalValues, Mapped, Step
from radpipe.extraction.preprocess.crop import padded
from radpipe.extraction.preprocess.prepare import prepare
from radpipe.extraction.settings import ExtractionSettings, read_settings, validated

_Wanted = dict[str, tuple[str, ...]]
_Keep = Callable[[str], bool]


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
        section ``voxelSetting`` tells how far kernels reach.
    label : int, optional
        Label of the ROI; the settings' label if not given.
    full : bool
        Maps as large as the image, not cropped to the ROI and what its kernels reach.
    threads : int
        How many kernels are computed at the same time. Values do not depend on it.
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
    pair = checked_pair(chosen, image, mask)
    return dict(compute_maps(chosen, *pair, full=full, threads=threads, progress=progress))


def checked_pair(
    settings: ExtractionSettings, image: str | Path | sitk.Image, mask: str | Path | sitk.Image
) -> tuple[sitk.Image, sitk.Image]:
    """Read an image and its mask, and refuse what maps cannot be computed from.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.
    image, mask : str, Path or SimpleITK.Image
        The pair.

    Returns
    -------
    image : SimpleITK.Image
        The image.
    mask : SimpleITK.Image
        Its label map.

    Raises
    ------
    ImageError
        Image or mask cannot be used.
    """
    setting = settings.setting
    image, mask = (
        read_image(each) if isinstance(each, str | Path) else each for each in (image, mask)
    )
    labels = as_label_map(mask, setting.label_channel)
    check_pair(
        image,
        labels,
        setting.label,
        tolerance=setting.geometryTolerance,
        may_differ=setting.correctMask,
    )
    return image, labels


def compute_maps(
    settings: ExtractionSettings,
    image: sitk.Image,
    mask: sitk.Image,
    *,
    full: bool = False,
    threads: int = 1,
    progress: bool = False,
    keep: Callable[[str], bool] = lambda name: True,
) -> Iterator[tuple[str, sitk.Image]]:
    """Compute maps, one feature class of one image type after the other.

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

    Yields
    ------
    tuple of str and SimpleITK.Image
        Name and map; only the values of one feature class are in memory.

    Raises
    ------
    ImageError
        Image or mask cannot be used.
    ExtractionError
        The settings do not fit the ROI.
    """
    compile_kernels()
    yield from _maps(settings, image, mask, full, threads, progress, keep)


def map_names(settings: ExtractionSettings) -> list[str]:
    """List the maps that settings ask for.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.

    Returns
    -------
    list of str
        Names, in the order of :func:`compute_maps`.
    """
    return [
        f"{image_type}_{name}_{feature}"
        for image_type in image_type_names(settings)
        for name, features in _wanted(settings, image_type, lambda name: True).items()
        for feature in features
    ]


def compile_kernels() -> None:
    """Compile the kernels, the first time on a machine, by maps of an ROI of a few voxels."""
    with compiling("maps") as needed:
        if not needed:
            return
        array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
        image, mask = (
            sitk.GetImageFromArray(each) for each in (array, np.ones(array.shape, np.uint8))
        )
        classes = {name: None for name, each in FEATURE_CLASSES.items() if each.local}
        settings = validated({"imageType": {"Original": {}}, "featureClass": classes}, "kernels")
        list(_maps(settings, image, mask, False, 1, False, lambda name: True))


def _maps(
    settings: ExtractionSettings,
    image: sitk.Image,
    mask: sitk.Image,
    full: bool,
    threads: int,
    progress: bool,
    keep: _Keep,
) -> Iterator[tuple[str, sitk.Image]]:
    prepared = prepare(image, mask, settings.setting)
    box = padded(prepared.box, settings.voxelSetting.kernelRadius, prepared.roi.shape)
    filling = float(settings.voxelSetting.initValue)
    canvas = Canvas.of(prepared, box, image if full else None, filling)
    wanted = {name: _wanted(settings, name, keep) for name in image_type_names(settings)}
    kernels = int(np.count_nonzero(canvas.roi)) * sum(map(len, wanted.values()))
    with _mapping(threads) as mapped, _progress_bar(kernels, progress) as step:
        for derived in derived_images(prepared, settings, box):
            work = LocalValues(derived, prepared, box, settings, mapped, step)
            for name, features in wanted[derived.name].items():
                for feature, values in work.values(name, features).items():
                    yield f"{derived.name}_{name}_{feature}", canvas.drawn(values)


def _wanted(settings: ExtractionSettings, image_type: str, keep: _Keep) -> _Wanted:
    """List the features of each class that have values and are wanted."""
    wanted = {
        name: tuple(
            feature
            for feature in features
            if feature in FEATURE_CLASSES[name].features and keep(f"{image_type}_{name}_{feature}")
        )
        for name, features in settings.wanted_features().items()
        if FEATURE_CLASSES[name].local
    }
    return {name: features for name, features in wanted.items() if features}


@contextmanager
def _mapping(threads: int) -> Iterator[Mapped]:
    """Give a map in order, by threads if there are several."""
    if threads < 2:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map


@contextmanager
def _progress_bar(total: int, shown: bool) -> Iterator[Step]:
    if not shown:
        yield lambda what, done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total)
        yield lambda what, done: bar.update(task, description=what, advance=done)
