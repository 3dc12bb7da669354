"""Negative controls: images that hold no texture, to see what a model draws from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from radpipe.errors import SettingsError
from radpipe.extraction.grid import Array, Mask
from radpipe.extraction.preprocess.check import RoiSetting, on_one_grid
from radpipe.extraction.preprocess.resample import ResampleSetting
from radpipe.extraction.preprocess.stage import Stage

Control = Callable[[sitk.Image, sitk.Image, int, RoiSetting], sitk.Image]


def shuffled_voxels(
    image: sitk.Image, mask: sitk.Image, label: int, setting: RoiSetting
) -> sitk.Image:
    """Permute the intensities inside an ROI, in the image as it was read.

    Shape and histogram stay, texture goes (Welch et al. 2019, doi:10.1016/j.radonc.2018.10.027): a
    model that does as well on this table has learned nothing from texture. Resampling afterwards
    smooths what was shuffled, which narrows the histogram.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        The pair; the mask holds integer labels.
    label : int
        Label of the ROI.
    setting : RoiSetting
        What to do where the mask lies on another grid.

    Returns
    -------
    SimpleITK.Image
        Another image. The ROI's intensities and place decide the permutation, and nothing else:
        it is the same in every run, whatever a case is called.
    """
    setting = setting.model_copy(update={"label": label})
    stage = on_one_grid(Stage.of("original", image, mask, label), setting)
    pixels = sitk.GetArrayFromImage(image)
    part = pixels[stage.box]
    intensities = part[stage.inside]
    part[stage.inside] = _generator(intensities, stage.inside).permutation(intensities)
    shuffled = sitk.GetImageFromArray(pixels)
    shuffled.CopyInformation(image)
    return shuffled


def _generator(intensities: Array, inside: Mask) -> np.random.Generator:
    told = hashlib.sha256(intensities.tobytes() + np.packbits(inside).tobytes())
    told.update(repr(inside.shape).encode())
    return np.random.default_rng(np.frombuffer(told.digest(), "<u4").tolist())


def control_note(control: str | None, setting: ResampleSetting) -> str | None:
    """Say what a control changes beside texture.

    Parameters
    ----------
    control : str or None
        A key of :data:`CONTROLS`; None is no control.
    setting : ResampleSetting
        How images are resampled after it.

    Returns
    -------
    str or None
        One line; None where there is nothing to say.
    """
    resampled = setting.resampledPixelSpacing is not None and setting.interpolator is not None
    if control is None or not resampled:
        return None
    return (
        f"{control}: images are resampled after shuffling, which smooths them: first-order "
        "features change as well, and not texture alone"
    )


CONTROLS: dict[str, Control] = {"shuffled-voxels": shuffled_voxels}


def require_control(name: str | None) -> None:
    """Refuse a control that there is not.

    Parameters
    ----------
    name : str or None
        A key of :data:`CONTROLS`; None is no control.

    Raises
    ------
    SettingsError
        There is no such control.
    """
    if name is not None and name not in CONTROLS:
        raise SettingsError(
            "no such control", where="--control", found=name, expected=" or ".join(CONTROLS)
        )
