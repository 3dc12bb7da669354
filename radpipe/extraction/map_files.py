"""Maps as files: a compressed NRRD each, and ``maps.json``, which tells what made them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from radpipe.errors import SettingsError
from radpipe.extraction.engines import engine_named
from radpipe.extraction.maps import compute_maps, map_names
from radpipe.extraction.preprocess.pair import checked_pair
from radpipe.extraction.settings import ExtractionSettings, read_settings
from radpipe.store.files import empty_directory, sha256_of, whole_file, write_json
from radpipe.version import VERSION


def write_maps(
    image: str | Path,
    mask: str | Path,
    params: str | Path | dict[str, Any] | None,
    out: str | Path,
    *,
    label: int | None = None,
    features: str = "*",
    full: bool = False,
    threads: int = 1,
    progress: bool = False,
) -> list[Path]:
    """Compute maps and write them, each as soon as it is there.

    Parameters
    ----------
    image, mask : str or Path
        The files.
    params : str, Path, dict or None
        A parameter file, the name of a shipped one, its content, or None for the defaults.
    out : str or Path
        A new or empty directory.
    label : int, optional
        Label of the ROI; the settings' label if not given.
    features : str
        Pattern of the names wanted, such as ``original_glcm_*``.
    full, threads, progress
        As for :func:`maps.feature_maps`.

    Returns
    -------
    list of Path
        The files written, without ``maps.json``.

    Raises
    ------
    SettingsError
        A setting is wrong, or no map has such a name.
    RunError
        The directory is not empty.
    ImageError
        Image or mask cannot be used.
    ExtractionError
        The settings do not fit the ROI.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    settings = read_settings(params)
    if label is not None:
        settings = settings.overridden(label=label)
    _refuse_no_match(features, map_names(settings))
    pair = checked_pair(image, mask, settings.setting)
    folder = empty_directory(out)
    written = [
        _written(folder / f"{name}.nrrd", drawn)
        for name, drawn in compute_maps(
            settings,
            *pair,
            full=full,
            threads=threads,
            progress=progress,
            keep=lambda name: fnmatchcase(name, features),
        )
    ]
    facts = {
        **_provenance(settings, image, mask),
        "full": full,
        "maps": [path.name for path in written],
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }
    write_json(folder / "maps.json", facts)
    return written


def _refuse_no_match(pattern: str, names: list[str]) -> None:
    if not any(fnmatchcase(name, pattern) for name in names):
        raise SettingsError(
            "no map has such a name",
            where="--features",
            found=pattern,
            expected=f"a pattern that fits one of {len(names)} maps, such as {names[0]}"
            if names
            else "settings with a feature class that has maps, which shape has not",
        )


def _written(path: Path, drawn: sitk.Image) -> Path:
    with whole_file(path) as part:
        # The format follows from the name's end, which a temporary name has not.
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("NrrdImageIO")
        writer.SetFileName(str(part))
        writer.UseCompressionOn()
        writer.Execute(drawn)
    return path


def _provenance(
    settings: ExtractionSettings, image: str | Path, mask: str | Path
) -> dict[str, Any]:
    engine = engine_named("fast")
    files = {"image": Path(image), "mask": Path(mask)}
    return {
        "engine": engine.name,
        "values_version": engine.values_version,
        "versions": {"radpipe": VERSION, **engine.versions()},
        "settings": settings.complete(),
        "inputs": {
            name: {"path": str(path), "sha256": sha256_of(path)} for name, path in files.items()
        },
    }
