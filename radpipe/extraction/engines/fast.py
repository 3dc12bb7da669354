"""radpipe's own engine: PyRadiomics' values under PyRadiomics' names, from compiled kernels.

The way of a case: ``prepare`` → shape → each filter → ``discretise`` → each feature class.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.extraction import filters
from radpipe.extraction.axes import lattice_of
from radpipe.extraction.engines.base import VALUES_VERSION, one_itk_thread
from radpipe.extraction.engines.diagnostics import diagnostics_of
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.features.shape import SHAPE
from radpipe.extraction.grid import Lattice, Roi, Undefined
from radpipe.extraction.image_types import DerivedImage, derived_images, roi_in
from radpipe.extraction.kernels.jit import compiling
from radpipe.extraction.maps import compile_map_kernels, maps_of
from radpipe.extraction.preprocess.prepare import Prepared, PrepareSetting, prepare
from radpipe.extraction.settings import ExtractionSettings, Setting, validated
from radpipe.extraction.shared import Scope, Shared
from radpipe.parallel import in_threads, one_blas_thread

log = logging.getLogger("radpipe")
_Values = dict[str, float | Undefined]
_PACKAGES = ("numpy", "numba", "scipy", "SimpleITK", "PyWavelets")
UNDEFINED = "diagnostics_Undefined"


class Engine:
    """radpipe's own kernels.

    Parameters
    ----------
    threads : int
        Image types of a case that are computed at the same time. Values do not depend on it.
    """

    name = "fast"
    values_version = VALUES_VERSION

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def check(self, settings: ExtractionSettings) -> None:
        """Refuse settings that need a package that is missing, and compile the kernels.

        See :class:`base.Engine`. Worker processes started afterwards find the kernels compiled.

        Parameters
        ----------
        settings : ExtractionSettings
            Settings.

        Raises
        ------
        SettingsError
            A filter lacks a package.
        """
        filters.check(settings.imageType)
        if "LoG" in settings.imageType and not settings.setting_of("LoG").sigma:
            log.warning("LoG without `sigma` gives no features")
        compile_kernels()

    @one_itk_thread()
    def execute(
        self,
        settings: ExtractionSettings,
        image: sitk.Image,
        mask: sitk.Image,
        *,
        label: int | None = None,
        label_channel: int | None = None,
        voxel_based: bool = False,
        shared: Shared | None = None,
    ) -> dict[str, Any]:
        """Compute all features of one ROI; see :class:`base.Engine`.

        Parameters
        ----------
        settings : ExtractionSettings
            Settings.
        image, mask : SimpleITK.Image
            As read.
        label, label_channel : int, optional
            The ROI; the settings' if not given.
        voxel_based : bool
            Give a map for each feature, not a number.
        shared : Shared, optional
            What other ROIs of the image, and other settings, have in common with this one.

        Returns
        -------
        dict
            Diagnostics and features under PyRadiomics' names; NaN for what is undefined, with the
            reason under ``diagnostics_Undefined``.

        Raises
        ------
        ImageError
            Image or mask cannot be used.
        ExtractionError
            The settings do not fit the ROI.
        """
        asked = {"label": label, "label_channel": label_channel}
        settings = settings.overridden(
            **{name: value for name, value in asked.items() if value is not None}
        )
        if voxel_based:
            compile_map_kernels()
            prepared = prepare(image, mask, settings.setting)
            maps = maps_of(prepared, settings, threads=self._threads)
            return _diagnostics(prepared, settings, {}, Shared()) | dict(maps)
        compile_kernels()
        shared = shared or Shared()
        return _execute(settings, image, mask, self._threads, shared)

    def versions(self) -> Mapping[str, str]:
        """Tell the versions that decide the values.

        Returns
        -------
        mapping of str to str
            Package to version.
        """
        return {name: version(name) for name in _PACKAGES}


def compile_kernels() -> None:
    """Compile the kernels, the first time on a machine, by features of an ROI of a few voxels."""
    with compiling("features") as needed:
        if not needed:
            return
        z, y, x = np.mgrid[:8, :8, :8]
        inside = (x > 1) & (y > 1) & (z > 1)
        image = sitk.GetImageFromArray((x * y + z).astype(np.float32))
        for plane in (False, True):
            mask = sitk.GetImageFromArray((inside & (z == 4) if plane else inside).astype(np.uint8))
            content = {
                "imageType": {"Original": {}, "LoG": {"sigma": [1.0]}},
                "featureClass": dict.fromkeys(FEATURE_CLASSES),
                "setting": {"resampledPixelSpacing": [1.5, 1.5, 1.0], "force2D": plane},
            }
            _execute(validated(content, "kernels"), image, mask, 1, Shared())


def _execute(
    settings: ExtractionSettings, image: sitk.Image, mask: sitk.Image, threads: int, shared: Shared
) -> dict[str, Any]:
    steps = settings.setting.model_dump_json(include=set(PrepareSetting.model_fields))
    prepared = shared.once(Scope.ROI, steps, lambda: prepare(image, mask, settings.setting, shared))
    # LAPACK on matrices as small as these takes ten times longer with threads of its own.
    with one_blas_thread():
        values = _shape(prepared, settings)
        lattice = lattice_of(prepared.roi[prepared.box], prepared.image.spacing_mm)
        wanted = {
            name: features
            for name, features in settings.wanted_features().items()
            if not FEATURE_CLASSES[name].is_shape
        }
        derived = derived_images(prepared, settings, prepared.box, shared)
        for found in in_threads(
            lambda each: _of_intensities(each, lattice, wanted), derived, threads
        ):
            values |= found
    return _diagnostics(prepared, settings, values, shared) | {
        name: np.nan if isinstance(value, Undefined) else value for name, value in values.items()
    }


def _shape(prepared: Prepared, settings: ExtractionSettings) -> _Values:
    lattice = lattice_of(prepared.shape_roi[prepared.box], prepared.image.spacing_mm)
    roi = Roi(lattice, np.empty(0), np.empty(0, np.uint16))
    values: _Values = {}
    for name, features in settings.wanted_features().items():
        if FEATURE_CLASSES[name].is_shape:
            found = _shape_class(name, roi, features, prepared, settings.setting)
            values |= {f"original_{name}_{feature}": value for feature, value in found.items()}
    return values


def _shape_class(
    name: str, roi: Roi, features: tuple[str, ...], prepared: Prepared, setting: Setting
) -> _Values:
    axes = prepared.image.array.ndim
    if reason := _why_no_shape(name, axes, roi.mask.shape, setting):
        return dict.fromkeys(features, Undefined(reason))
    if axes == 2:
        # The plane of a 2D image is the image, whatever plane the settings name.
        setting = setting.model_copy(update={"force2Ddimension": 0})
    return FEATURE_CLASSES[name].compute(roi, setting, features)


def _why_no_shape(name: str, axes: int, shape: tuple[int, ...], setting: Setting) -> str | None:
    if name == SHAPE.name:
        return "a 2D image has no 3D shape" if axes == 2 else None
    if axes == 2:
        return None
    if not setting.force2D:
        return "shape2D needs `force2D: true`"
    # PyRadiomics looks up the size of the plane's axis in the order (x, y, z).
    if shape[::-1][setting.force2Ddimension] <= 1:
        axis = "xyz"[setting.force2Ddimension]
        return f"PyRadiomics gives none where the ROI is one voxel wide along {axis}"
    return None


def _of_intensities(
    derived: DerivedImage, lattice: Lattice, wanted: dict[str, tuple[str, ...]]
) -> _Values:
    if isinstance(derived.intensities, Undefined):
        return {
            f"{derived.name}_{name}_{feature}": derived.intensities
            for name, features in wanted.items()
            for feature in features
        }
    roi, setting = roi_in(derived.intensities, lattice, derived.setting)
    return {
        f"{derived.name}_{name}_{feature}": value
        for name, features in wanted.items()
        for feature, value in FEATURE_CLASSES[name].compute(roi, setting, features).items()
    }


def _diagnostics(
    prepared: Prepared, settings: ExtractionSettings, values: _Values, shared: Shared
) -> dict[str, Any]:
    reasons = {name: value.reason for name, value in values.items() if isinstance(value, Undefined)}
    if not settings.setting.additionalInfo:
        if reasons:
            log.warning("undefined: %s", reasons)
        return {}
    told = diagnostics_of(prepared, settings, shared)
    return told | {UNDEFINED: reasons} if reasons else told
