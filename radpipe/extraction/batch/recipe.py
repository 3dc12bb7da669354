"""What is made of each case of a run, and all that decides it but the images: a recipe."""

from __future__ import annotations

import platform
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from radpipe.errors import ImageError
from radpipe.extraction.case import LoadedCase, described, row_of
from radpipe.extraction.controls import control_note, require_control
from radpipe.extraction.engines import DEFAULT_ENGINE, engine_named, planned_columns
from radpipe.extraction.patches import PATCHES_VERSION, cut_patch
from radpipe.extraction.settings import UNDECIDING, ExtractionSettings, read_settings
from radpipe.networks.spec import PatchSpec
from radpipe.store import Provenance, Row, Run, row_key
from radpipe.store.patches import PATCHES, StoredPatch
from radpipe.version import VERSION


class Recipe(ABC):
    """What is made of each case.

    Attributes
    ----------
    settings : ExtractionSettings
        Under which a case is read and checked.
    engine : str
        What computes; by it memory is estimated.
    control : str or None
        What is done to each image first.
    doing : str
        What a progress bar calls it.
    """

    settings: ExtractionSettings
    engine: str
    control: str | None = None
    doing: ClassVar[str]

    @abstractmethod
    def check(self) -> None:
        """Refuse what cannot be followed, before any image is read.

        Raises
        ------
        SettingsError
            The engine, the control, or a package that the settings need, is not there.
        """

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """Columns that every case gets beside its mask's volume."""

    @property
    @abstractmethod
    def provenance(self) -> Provenance:
        """What the tables say of how they were made."""

    @property
    @abstractmethod
    def packages(self) -> dict[str, str]:
        """Versions of the packages that decide values."""

    @abstractmethod
    def made(self, loaded: LoadedCase) -> tuple[Row, StoredPatch | None]:
        """Compute what a case gets.

        Parameters
        ----------
        loaded : LoadedCase
            The case.

        Returns
        -------
        tuple of (Row, StoredPatch or None)
            The row, and what is kept beside it.

        Raises
        ------
        ImageError, ExtractionError
            Nothing can be computed of it.
        """

    @abstractmethod
    def is_whole(self, run: Run, key: str) -> bool:
        """Tell whether all that belongs to a row is still there.

        Parameters
        ----------
        run : Run
            The run.
        key : str
            Of a row that it holds.

        Returns
        -------
        bool
            Whether the row needs not be computed again.
        """

    @cached_property
    def decides(self) -> str:
        """Hash of all but the images that decides a row."""
        told = asdict(self.provenance)
        # The layout of tables decides no value; the columns do where a release adds a feature, and
        # a row without diagnostics is none for a command that asks for them.
        told.pop("schema")
        if told["control"] is None:
            told.pop("control")
        told |= {"columns": self.columns, "additionalInfo": self.settings.setting.additionalInfo}
        return row_key(told)

    def facts(self) -> dict[str, Any]:
        """Tell what ``run.json`` says besides.

        Returns
        -------
        dict
            Versions, and a note where there is something to say.
        """
        versions = {"radpipe": VERSION, "python": platform.python_version(), **self.packages}
        note = control_note(self.control, self.settings.setting)
        return {"versions": versions} | ({"control_note": note} if note else {})


@dataclass(frozen=True)
class FeatureRecipe(Recipe):
    """A row of features a case.

    Attributes
    ----------
    settings, engine, control, doing
        As of :class:`Recipe`.
    """

    settings: ExtractionSettings
    engine: str = DEFAULT_ENGINE
    control: str | None = None
    doing: ClassVar[str] = "extracting"

    def check(self) -> None:
        """Refuse an engine, a control or settings that are not there.

        Raises
        ------
        SettingsError
            As of :meth:`Recipe.check`.
        """
        require_control(self.control)
        engine_named(self.engine).check(self.settings)

    @property
    def columns(self) -> list[str]:
        """Features."""
        return planned_columns(self.settings)

    @property
    def provenance(self) -> Provenance:
        """What the tables say of how they were made."""
        engine = engine_named(self.engine)
        settings = _deciding(self.settings)
        return Provenance(engine.name, engine.values_version, settings, control=self.control)

    @property
    def packages(self) -> dict[str, str]:
        """Versions of the engine's packages."""
        return dict(engine_named(self.engine).versions())

    def made(self, loaded: LoadedCase) -> tuple[Row, None]:
        """Compute a case's features.

        Parameters
        ----------
        loaded : LoadedCase
            The case.

        Returns
        -------
        tuple of (Row, None)
            As of :meth:`Recipe.made`.
        """
        return row_of(loaded, self.settings, self.engine), None

    def is_whole(self, run: Run, key: str) -> bool:
        """Tell that a row is all there is.

        Parameters
        ----------
        run : Run
            The run.
        key : str
            Of a row that it holds.

        Returns
        -------
        bool
            True.
        """
        return True


@dataclass(frozen=True)
class PatchRecipe(Recipe):
    """A patch a case, and a row with nothing but the mask's volume.

    Attributes
    ----------
    spec : PatchSpec
        What an encoder is shown.
    crop : str or None
        Whose published cropping is followed, where a person asked for it.
    settings, engine, control, doing
        As of :class:`Recipe`.
    """

    spec: PatchSpec
    crop: str | None = None
    settings: ExtractionSettings = field(default_factory=lambda: read_settings(None), init=False)
    engine: str = field(default=PATCHES, init=False)
    doing: ClassVar[str] = "cutting patches"

    def check(self) -> None:
        """Refuse nothing: a patch needs no package of its own."""

    @property
    def columns(self) -> list[str]:
        """None but the mask's volume."""
        return []

    @property
    def provenance(self) -> Provenance:
        """What the tables say of how they were made."""
        checks = self.settings.setting.model_dump(include={"correctMask", "geometryTolerance"})
        told = {"patch": asdict(self.spec), "crop": self.crop, "setting": checks}
        return Provenance(PATCHES, PATCHES_VERSION, told)

    @property
    def packages(self) -> dict[str, str]:
        """Versions of what reads images for every engine."""
        return dict(engine_named(DEFAULT_ENGINE).versions())

    def made(self, loaded: LoadedCase) -> tuple[Row, StoredPatch]:
        """Cut a case's patch.

        Parameters
        ----------
        loaded : LoadedCase
            The case.

        Returns
        -------
        tuple of (Row, StoredPatch)
            As of :meth:`Recipe.made`.

        Raises
        ------
        ImageError
            The image is no volume.
        """
        if loaded.image.GetDimension() != 3:
            raise ImageError(
                "an encoder is shown a part of a volume",
                found="a 2D image",
                expected="a 3D image",
                remedy="leave the case out of the cohort",
            )
        patch = cut_patch(loaded.image, loaded.mask, loaded.label, self.spec, self.crop)
        row = described(loaded)
        row.diagnostics.update(patch_outside=patch.outside, patch_padded=patch.padded)
        return row, StoredPatch(patch.intensities, patch.roi)

    def is_whole(self, run: Run, key: str) -> bool:
        """Tell whether the row has its patch, undamaged.

        Parameters
        ----------
        run : Run
            The run.
        key : str
            Of a row that it holds.

        Returns
        -------
        bool
            As of :meth:`Recipe.is_whole`.
        """
        return run.patches.has(key)


def _deciding(settings: ExtractionSettings) -> dict[str, Any]:
    complete = settings.complete()
    # Settings of feature maps decide no column.
    complete.pop("voxelSetting")
    for name in UNDECIDING:
        complete["setting"].pop(name)
    return complete
