"""What an engine is, and which there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol

import SimpleITK as sitk

from radpipe.errors import SettingsError
from radpipe.extraction.settings import ExtractionSettings
from radpipe.extraction.shared import Shared

# name: module with a class `Engine`; imported when asked for, since an engine may be an extra.
ENGINES = {
    "fast": "radpipe.extraction.engines.fast",
    "pyradiomics": "radpipe.extraction.engines.pyradiomics",
}
DEFAULT_ENGINE = "fast"
# Of the engine `fast`: goes up with every change after which any value may differ; each has its
# line in CHANGELOG.md.
VALUES_VERSION = "1"


@contextmanager
def one_itk_thread() -> Iterator[None]:
    """Let ITK's filters run on one thread: their sums over threads have other last bits.

    Yields
    ------
    None
        To compute in; afterwards there are as many threads as before.
    """
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


class Engine(Protocol):
    """One way to compute features."""

    name: str
    values_version: str

    def check(self, settings: ExtractionSettings) -> None:
        """Refuse settings that the engine cannot follow, before any image is read.

        Parameters
        ----------
        settings : ExtractionSettings
            Settings.

        Raises
        ------
        SettingsError
            The engine, or a package that the settings need, is not installed.
        """

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
        """Compute all features of one ROI.

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
            Diagnostics and features under PyRadiomics' names.
        """

    def versions(self) -> Mapping[str, str]:
        """Tell the versions that decide the values.

        Returns
        -------
        mapping of str to str
            Package to version.
        """


def engine_named(name: str, threads: int = 1) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : str
        A key of :data:`ENGINES`.
    threads : int
        Threads for one case, where the engine has any use for them.

    Returns
    -------
    Engine
        Ready to use.

    Raises
    ------
    SettingsError
        There is no such engine.
    """
    if name not in ENGINES:
        raise SettingsError("no such engine", where=name, expected=" or ".join(ENGINES))
    engine: Engine = import_module(ENGINES[name]).Engine(threads)
    return engine
