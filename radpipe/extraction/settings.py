"""PyRadiomics' parameter files as typed settings.

Every key of PyRadiomics 3.0.1's ``paramSchema.yaml`` with its own name, type and default. Numbers
keep the type that the file gives them: ``sigma: [1]`` names ``log-sigma-1-mm-3D``, ``[1.0]``
``log-sigma-1-0-mm-3D``.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from radpipe.errors import SettingsError
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.features.firstorder import FirstOrderSetting
from radpipe.extraction.features.glcm import GlcmSetting
from radpipe.extraction.features.gldm import GldmSetting
from radpipe.extraction.filters import FILTERS
from radpipe.extraction.filters.gradient import GradientSetting
from radpipe.extraction.filters.lbp2d import LBP2DSetting
from radpipe.extraction.filters.lbp3d import LBP3DSetting
from radpipe.extraction.filters.log import LoGSetting
from radpipe.extraction.filters.wavelet import WaveletSetting
from radpipe.extraction.preprocess.discretise import DiscretiseSetting
from radpipe.extraction.preprocess.prepare import PrepareSetting
from radpipe.extraction.section import Count, Number, Section
from radpipe.extraction.settings_errors import refuse_unknown, told

# What PyRadiomics' extractor starts from; other keys have their defaults where they are used.
INITIAL = (
    "minimumROIDimensions", "minimumROISize", "normalize", "normalizeScale", "removeOutliers",
    "resampledPixelSpacing", "interpolator", "preCrop", "padDistance", "distances", "force2D",
    "force2Ddimension", "resegmentRange", "label", "additionalInfo",
)  # fmt: skip
# Which voxels a label file calls the ROI, and whether diagnostics are kept, decide no value.
UNDECIDING = ("additionalInfo", "label", "label_channel")


class Setting(
    PrepareSetting,
    DiscretiseSetting,
    WaveletSetting,
    LoGSetting,
    GradientSetting,
    LBP2DSetting,
    LBP3DSetting,
    FirstOrderSetting,
    GlcmSetting,
    GldmSetting,
):
    """The section ``setting`` of a parameter file, and what may be overridden per image type.

    Every key and default is PyRadiomics 3.0.1's, declared in the room that uses it. A key may be
    null only where null is its default.
    """

    additionalInfo: bool = True


class VoxelSetting(Section):
    """The section ``voxelSetting`` of a parameter file: feature maps."""

    kernelRadius: Count = 1
    maskedKernel: bool = True
    initValue: Number = 0
    # -1: all voxels in one batch.
    voxelBatch: Count | Literal[-1] = -1


class ExtractionSettings(Section):
    """A parameter file.

    Attributes
    ----------
    imageType : dict of str to Setting
        Image types wanted, each with its own overrides.
    featureClass : dict of str to list of str or None
        Feature classes wanted; None or an empty list: all features but the deprecated.
    setting : Setting
        Settings for all image types.
    voxelSetting : VoxelSetting
        Settings of feature maps.
    """

    imageType: dict[str, Setting] = Field(default_factory=dict)
    featureClass: dict[str, list[str] | None] = Field(default_factory=dict)
    setting: Setting = Setting()
    voxelSetting: VoxelSetting = VoxelSetting()

    @field_validator("*", mode="before")
    @classmethod
    def _empty_section(cls, section: Any) -> Any:
        return {} if section is None else section

    @field_validator("imageType", mode="before")
    @classmethod
    def _known_image_types(cls, section: Any) -> Any:
        if not isinstance(section, dict):
            return section
        refuse_unknown(section, FILTERS, "imageType")
        return {name: {} if own is None else own for name, own in section.items()}

    @field_validator("featureClass", mode="after")
    @classmethod
    def _known_features(cls, section: dict[str, list[str] | None]) -> dict[str, list[str] | None]:
        refuse_unknown(section, FEATURE_CLASSES, "featureClass")
        for name, features in section.items():
            known = FEATURE_CLASSES[name].names + FEATURE_CLASSES[name].deprecated
            refuse_unknown(features or (), known, f"featureClass.{name}")
        return section

    def setting_of(self, image_type: str) -> Setting:
        """Return an image type's settings.

        Parameters
        ----------
        image_type : str
            One of :attr:`imageType`.

        Returns
        -------
        Setting
            Those for all, with its own in their place.
        """
        own = self.imageType[image_type].model_dump(exclude_unset=True)
        return self.setting.model_copy(update=own)

    def wanted_features(self) -> dict[str, tuple[str, ...]]:
        """Return the features wanted of each class.

        Returns
        -------
        dict of str to tuple of str
            Feature class to features, in the order of columns.
        """
        return {
            name: tuple(some or FEATURE_CLASSES[name].names)
            for name, some in self.featureClass.items()
        }

    def as_written(self) -> dict[str, Any]:
        """Return the keys that the file sets, as PyRadiomics takes them.

        Returns
        -------
        dict
            ``imageType``, ``featureClass``, ``setting``, ``voxelSetting``.
        """
        return {
            "imageType": {
                name: own.model_dump(exclude_unset=True) for name, own in self.imageType.items()
            },
            "featureClass": dict(self.featureClass),
            "setting": self.setting.model_dump(exclude_unset=True),
            "voxelSetting": self.voxelSetting.model_dump(exclude_unset=True),
        }

    def complete(self) -> dict[str, Any]:
        """Return all settings, defaults included, as a run records them.

        Returns
        -------
        dict
            Like :meth:`as_written`, with every key of ``setting`` and ``voxelSetting``; an image
            type keeps the keys in which it differs from them.
        """
        written, setting = self.as_written(), self.setting.model_dump()
        return {
            **written,
            "imageType": {
                name: {key: value for key, value in own.items() if value != setting[key]}
                for name, own in written["imageType"].items()
            },
            "featureClass": {name: some or None for name, some in self.featureClass.items()},
            "setting": setting,
            "voxelSetting": self.voxelSetting.model_dump(),
        }

    def overridden(self, **settings: Any) -> ExtractionSettings:
        """Return a copy with some settings changed.

        Parameters
        ----------
        **settings
            Keys of ``setting`` or ``voxelSetting``.

        Returns
        -------
        ExtractionSettings
            The copy.

        Raises
        ------
        SettingsError
            A key or its type is wrong.
        """
        written = self.as_written()
        for name, value in settings.items():
            section = "voxelSetting" if name in VoxelSetting.model_fields else "setting"
            written[section][name] = value
        return validated(written, "settings")


def read_settings(source: str | Path | dict[str, Any] | None = None) -> ExtractionSettings:
    """Read and validate a parameter file.

    Parameters
    ----------
    source : str, Path, dict or None
        A YAML or JSON file; the name of a shipped one (``ct``, ``mr``, ``pet``); the file's
        content; or None for PyRadiomics' defaults.

    Returns
    -------
    ExtractionSettings
        Typed settings.

    Raises
    ------
    SettingsError
        The file is missing, no YAML, or a key or type is wrong: named with its path and the
        nearest right name.
    """
    if source is None:
        # PyRadiomics' defaults without a file leave shape2D out, those with a file do not.
        names = [name for name in FEATURE_CLASSES if name != "shape2D"]
        source = {"featureClass": dict.fromkeys(names)}
    if isinstance(source, dict):
        return _filled(validated(source, "parameters"))
    path = parameter_file(source)
    return _filled(validated(_load(path), str(path)))


def _filled(settings: ExtractionSettings) -> ExtractionSettings:
    return settings.model_copy(
        update={
            "imageType": settings.imageType or {"Original": Setting()},
            "featureClass": settings.featureClass or dict.fromkeys(FEATURE_CLASSES),
        }
    )


def parameter_file(name: str | Path) -> Path:
    """Find a parameter file by path, or a shipped one by name.

    Parameters
    ----------
    name : str or Path
        A path, or ``ct``, ``mr``, ``pet``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SettingsError
        There is none.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(_shipped_folder().glob("*.yaml"))}
    if str(name) in shipped:
        return shipped[str(name)]
    near = get_close_matches(str(name), list(shipped), n=1)
    raise SettingsError(
        "no such parameter file",
        where=str(name),
        expected="a YAML or JSON file, or one of " + ", ".join(shipped),
        remedy=f"did you mean {near[0]!r}?" if near else "mend the path",
    )


def _shipped_folder() -> Path:
    package = Path(str(files("radpipe")))
    inside = package / "params"
    return inside if inside.is_dir() else package.parent / "params"


def _load(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = path.read_text(encoding="utf-8-sig")
        # pure: libyaml reads YAML 1.1, in which `1e-3` is text and `no` is False.
        return (
            json.loads(text) if path.suffix == ".json" else YAML(typ="safe", pure=True).load(text)
        )
    except (YAMLError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            "cannot read the parameter file",
            where=str(path),
            found=" ".join(str(error).split()),
            expected="YAML or JSON",
        ) from error


def validated(content: Any, where: str) -> ExtractionSettings:
    """Check a parameter file's content, as it is: nothing is filled in.

    Parameters
    ----------
    content : object
        What the file holds.
    where : str
        What to call it in an error.

    Returns
    -------
    ExtractionSettings
        Typed settings.

    Raises
    ------
    SettingsError
        A key or a type is wrong.
    """
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise SettingsError(
            "not a parameter file",
            where=where,
            found=type(content).__name__,
            expected="a mapping of imageType, featureClass, setting, voxelSetting",
        )
    try:
        return ExtractionSettings.model_validate(_plain(content))
    except ValidationError as error:
        raise told(error, where, _keys_at) from None
    except SettingsError as error:
        raise SettingsError(
            error.what,
            where=f"{where}: {error.where}",
            expected=error.expected,
            remedy=error.remedy,
        ) from None


def _plain(content: Any) -> Any:
    """Turn what scripts put into settings, tuples and numpy arrays, into what a file could hold."""
    if isinstance(content, dict):
        return {name: _plain(value) for name, value in content.items()}
    if hasattr(content, "tolist"):
        content = content.tolist()
    return [_plain(value) for value in content] if isinstance(content, list | tuple) else content


def _keys_at(place: list[str]) -> list[str]:
    if not place:
        return list(ExtractionSettings.model_fields)
    section = VoxelSetting if place[0] == "voxelSetting" else Setting
    return list(section.model_fields)
