"""The extractor that scripts written for PyRadiomics can use by changing one import."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from radpipe.extraction.engines import DEFAULT_ENGINE, engine_named
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.filters import FILTERS
from radpipe.extraction.preprocess.pair import checked_pair
from radpipe.extraction.settings import (
    INITIAL,
    ExtractionSettings,
    VoxelSetting,
    read_settings,
    validated,
)


class FeatureExtractor:
    """Computes the features of one ROI, with PyRadiomics' own call, settings and names.

    Parameters
    ----------
    params : str, Path, dict or None
        A parameter file, the name of a shipped one, its content, or None for the defaults.
    engine : str
        Which engine computes: ``fast``, or ``pyradiomics`` itself.
    threads : int
        Image types that the engine ``fast`` computes at the same time.
    **settings
        Settings that override the file's.

    Attributes
    ----------
    settings : dict
        May be changed; checked at the next :meth:`execute`.
    enabledImagetypes : dict
        Image type to its own settings.
    enabledFeatures : dict
        Feature class to feature names; an empty list enables all.

    Raises
    ------
    SettingsError
        A key or a type is wrong.

    Examples
    --------
    >>> extractor = FeatureExtractor(binWidth=10)
    >>> extractor.enableImageTypeByName("LoG", customArgs={"sigma": [2.0]})
    >>> sorted(extractor.enabledImagetypes)
    ['LoG', 'Original']
    """

    settings: dict[str, Any]
    enabledImagetypes: dict[str, dict[str, Any]]
    enabledFeatures: dict[str, list[str]]

    def __init__(
        self,
        params: str | Path | dict[str, Any] | None = None,
        engine: str = DEFAULT_ENGINE,
        threads: int = 1,
        **settings: Any,
    ) -> None:
        self.engine = engine
        self.threads = threads
        self._take(read_settings(params).overridden(**settings))

    def _take(self, settings: ExtractionSettings) -> None:
        written = settings.as_written()
        defaults = settings.setting.model_dump(include=set(INITIAL))
        self.settings = {**defaults, **written["setting"], **written["voxelSetting"]}
        self.enabledImagetypes = written["imageType"]
        self.enabledFeatures = {name: some or [] for name, some in written["featureClass"].items()}

    def execute(
        self,
        imageFilepath: str | Path | sitk.Image,
        maskFilepath: str | Path | sitk.Image,
        label: int | None = None,
        label_channel: int | None = None,
        voxelBased: bool = False,
    ) -> OrderedDict[str, Any]:
        """Compute the features of one ROI.

        Parameters
        ----------
        imageFilepath : str, Path or SimpleITK.Image
            The image.
        maskFilepath : str, Path or SimpleITK.Image
            The mask on the image's grid; its labels are integers.
        label : int, optional
            Label of the ROI; the settings' label if not given.
        label_channel : int, optional
            Channel of a vector mask.
        voxelBased : bool
            Give a map (SimpleITK.Image) for each feature, not a number.

        Returns
        -------
        OrderedDict
            ``diagnostics_…`` and ``<image type>_<feature class>_<feature>``, as PyRadiomics.

        Raises
        ------
        SettingsError
            A setting is wrong, or the engine is not installed.
        ImageError
            Image or mask cannot be used.
        ExtractionError
            The engine failed.
        """
        settings = self.checked_settings()
        channel = settings.setting.label_channel if label_channel is None else label_channel
        image, labels = checked_pair(imageFilepath, maskFilepath, settings.setting, label, channel)
        engine = engine_named(self.engine, self.threads)
        return OrderedDict(
            engine.execute(
                settings,
                image,
                labels,
                label=label,
                label_channel=channel,
                voxel_based=voxelBased,
            )
        )

    def checked_settings(self) -> ExtractionSettings:
        """Return the present settings, checked.

        Returns
        -------
        ExtractionSettings
            Typed settings.

        Raises
        ------
        SettingsError
            A key or a type is wrong.
        """
        voxel = {name for name in self.settings if name in VoxelSetting.model_fields}
        own = {name: value for name, value in self.settings.items() if name not in voxel}
        return validated(
            {
                "imageType": self.enabledImagetypes,
                "featureClass": self.enabledFeatures,
                "setting": own,
                "voxelSetting": {name: self.settings[name] for name in voxel},
            },
            "settings",
        )

    def loadParams(self, paramsFile: str | Path) -> None:
        """Replace all settings by those of a parameter file.

        Parameters
        ----------
        paramsFile : str or Path
            YAML or JSON.
        """
        self._take(read_settings(paramsFile))

    def loadJSONParams(self, JSON_configuration: str) -> None:
        """Replace all settings by those of a JSON text.

        Parameters
        ----------
        JSON_configuration : str
            The text.
        """
        import json

        self._take(read_settings(json.loads(JSON_configuration)))

    def addProvenance(self, provenance_on: bool = True) -> None:
        """Switch the diagnostics on or off.

        Parameters
        ----------
        provenance_on : bool
            Whether results hold ``diagnostics_…``.
        """
        self.settings["additionalInfo"] = provenance_on

    def enableAllImageTypes(self) -> None:
        """Enable every image type with its default settings."""
        self.enabledImagetypes = {name: {} for name in FILTERS}

    def disableAllImageTypes(self) -> None:
        """Disable every image type."""
        self.enabledImagetypes = {}

    def enableImageTypeByName(
        self, imageType: str, enabled: bool = True, customArgs: dict[str, Any] | None = None
    ) -> None:
        """Enable or disable one image type.

        Parameters
        ----------
        imageType : str
            Such as ``LoG``.
        enabled : bool
            Whether it is computed.
        customArgs : dict, optional
            Its own settings.
        """
        if enabled:
            self.enabledImagetypes[imageType] = customArgs or {}
        else:
            self.enabledImagetypes.pop(imageType, None)

    def enableImageTypes(self, **enabledImagetypes: dict[str, Any]) -> None:
        """Enable several image types.

        Parameters
        ----------
        **enabledImagetypes : dict
            Image type to its own settings.
        """
        self.enabledImagetypes.update(enabledImagetypes)

    def enableAllFeatures(self) -> None:
        """Enable all features of every class but the deprecated ones."""
        self.enabledFeatures = {name: [] for name in FEATURE_CLASSES}

    def disableAllFeatures(self) -> None:
        """Disable all features."""
        self.enabledFeatures = {}

    def enableFeatureClassByName(self, featureClass: str, enabled: bool = True) -> None:
        """Enable or disable all features of a class.

        Parameters
        ----------
        featureClass : str
            Such as ``glcm``.
        enabled : bool
            Whether it is computed.
        """
        if enabled:
            self.enabledFeatures[featureClass] = []
        else:
            self.enabledFeatures.pop(featureClass, None)

    def enableFeaturesByName(self, **enabledFeatures: list[str]) -> None:
        """Enable single features.

        Parameters
        ----------
        **enabledFeatures : list of str
            Feature class to feature names; an empty list enables all.
        """
        self.enabledFeatures.update(enabledFeatures)

    @staticmethod
    def getFeatureClassNames() -> list[str]:
        """List the feature classes.

        Returns
        -------
        list of str
            Their names.
        """
        return list(FEATURE_CLASSES)

    @staticmethod
    def getFeatureNames(featureClass: str) -> list[str]:
        """List a class's features, the deprecated left out.

        Parameters
        ----------
        featureClass : str
            Such as ``glcm``.

        Returns
        -------
        list of str
            Their names.
        """
        return list(FEATURE_CLASSES[featureClass].names)
