"""PyRadiomics 3.0.1 itself: the reference. The only file that imports ``radiomics``.

It gets the parameter file untouched but for one thing: an integer ``binWidth`` is handed over as a
float. Under numpy 2 PyRadiomics adds integer widths to 8-bit intensities, which overflows: a
``uint8`` image of 0 to 255 at width 25 gives one bin instead of eleven.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.errors import ExtractionError, SettingsError
from radpipe.extraction.engines.base import one_itk_thread
from radpipe.extraction.settings import ExtractionSettings
from radpipe.extraction.shared import Shared

_PACKAGES = {"LBP2D": ("skimage",), "LBP3D": ("scipy", "trimesh")}
LOG = "pyradiomics_log"


class Engine:
    """PyRadiomics' own extractor behind radpipe's settings.

    Parameters
    ----------
    threads : int
        Ignored: PyRadiomics has none.
    """

    name = "pyradiomics"
    values_version = "3.0.1"

    def __init__(self, threads: int = 1) -> None:
        pass

    def check(self, settings: ExtractionSettings) -> None:
        """Refuse settings that PyRadiomics cannot follow; see :class:`base.Engine`.

        Parameters
        ----------
        settings : ExtractionSettings
            Settings.

        Raises
        ------
        SettingsError
            PyRadiomics or a package that the settings need is missing, or PyRadiomics refuses.
        """
        _require_pyradiomics()
        for image_type in settings.imageType:
            for package in _PACKAGES.get(image_type, ()):
                if find_spec(package) is None:
                    raise SettingsError(
                        f"PyRadiomics needs {package} for {image_type}, else it drops it silently",
                        where=f"imageType.{image_type}",
                        remedy="pip install 'scipy<1.17' scikit-image trimesh",
                    )
        from radiomics.featureextractor import RadiomicsFeatureExtractor

        try:
            RadiomicsFeatureExtractor(_handed_over(settings))
        except Exception as error:
            raise SettingsError("PyRadiomics refuses the settings", found=error) from error

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
            Ignored: PyRadiomics shares nothing.

        Returns
        -------
        dict
            PyRadiomics' result; its warnings stand under ``diagnostics_pyradiomics_log`` where
            ``additionalInfo`` is on and there were any.

        Raises
        ------
        ExtractionError
            PyRadiomics raised.
        """
        extractor = _extractor(settings)
        with _warnings() as told:
            try:
                result = extractor.execute(image, mask, label, label_channel, voxel_based)
            except Exception as error:
                raise ExtractionError(
                    "PyRadiomics failed",
                    found="; ".join([f"{type(error).__name__}: {error}", *told]),
                    remedy="check the overlay of image and mask, and the settings",
                ) from error
        result = {name: _plain(value) for name, value in result.items()}
        if told and extractor.settings.get("additionalInfo"):
            result[f"diagnostics_{LOG}"] = "; ".join(told)
        return result

    def versions(self) -> Mapping[str, str]:
        """Tell the versions that decide the values.

        Returns
        -------
        mapping of str to str
            Package to version.
        """
        names = ("pyradiomics", "numpy", "SimpleITK", "PyWavelets", "scipy", "scikit-image")
        return {name: found for name in names if (found := _version(name))}


def _require_pyradiomics() -> None:
    if find_spec("radiomics") is not None:
        return
    if sys.version_info >= (3, 12):
        remedy = "use Python 3.11: PyRadiomics 3.0.1 does not build on 3.12 or later"
    else:
        remedy = (
            "pip install 'setuptools<81' wheel numpy; "
            "pip install --no-build-isolation pyradiomics==3.0.1; "
            "pip install 'scipy<1.17' scikit-image trimesh"
        )
    raise SettingsError(
        "the engine `pyradiomics` is not installed",
        found=f"Python {sys.version_info.major}.{sys.version_info.minor} without PyRadiomics",
        expected="PyRadiomics 3.0.1",
        remedy=remedy,
    )


def _extractor(settings: ExtractionSettings) -> Any:
    _require_pyradiomics()
    import radiomics
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    # Its handler prints to stderr; what matters reaches the diagnostics.
    radiomics.setVerbosity(logging.CRITICAL)
    written = _handed_over(settings)
    extractor = RadiomicsFeatureExtractor()
    extractor.settings.update(written["setting"] | written["voxelSetting"])
    extractor.enabledImagetypes = written["imageType"]
    extractor.enabledFeatures = written["featureClass"]
    return extractor


def _handed_over(settings: ExtractionSettings) -> dict[str, Any]:
    written = settings.as_written()
    # Its own default is the integer 25, which overflows as well.
    written["setting"].setdefault("binWidth", settings.setting.binWidth)
    for section in (written["setting"], *written["imageType"].values()):
        if isinstance(section.get("binWidth"), int):
            section["binWidth"] = float(section["binWidth"])
    return written


class _Collector(logging.Handler):
    def __init__(self, told: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        # A FAILED entry ends in its traceback's last line, which says why.
        self._told.append(record.getMessage().strip().splitlines()[-1])


@contextmanager
def _warnings() -> Iterator[list[str]]:
    told: list[str] = []
    handler = _Collector(told)
    log = logging.getLogger("radiomics")
    log.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield told
    finally:
        log.removeHandler(handler)
    told += dict.fromkeys(str(warning.message) for warning in caught)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
