"""The columns that settings plan, in PyRadiomics' order.

PyRadiomics drops an image type that an image is too small for, and a class that does not apply;
a table needs the same columns for every case.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from radpipe.extraction.names import FEATURE_CLASSES
from radpipe.extraction.settings import ExtractionSettings, Setting

_NAMES = {
    "Original": "original",
    "Square": "square",
    "SquareRoot": "squareroot",
    "Logarithm": "logarithm",
    "Exponential": "exponential",
    "Gradient": "gradient",
    "LBP2D": "lbp-2D",
}


def planned_columns(settings: ExtractionSettings) -> list[str]:
    """List the feature columns that every case gets.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.

    Returns
    -------
    list of str
        ``<image type>_<feature class>_<feature>``: shape first, then by image type.
    """
    classes = _features(settings)
    shapes = [name for name in ("shape", "shape2D") if name in classes]
    columns = [f"original_{name}_{feature}" for name in shapes for feature in classes[name]]
    for image_type in image_type_names(settings):
        columns += [
            f"{image_type}_{name}_{feature}"
            for name, features in classes.items()
            if name not in shapes
            for feature in features
        ]
    return list(dict.fromkeys(columns))


def image_type_names(settings: ExtractionSettings) -> list[str]:
    """List the names that the image types' results have in columns.

    Parameters
    ----------
    settings : ExtractionSettings
        Settings.

    Returns
    -------
    list of str
        Such as ``original``, ``log-sigma-3-0-mm-3D``, ``wavelet-LLH``.
    """
    names: list[str] = []
    for image_type, overrides in settings.imageType.items():
        setting = settings.setting.model_copy(update=overrides.model_dump(exclude_unset=True))
        names += _results(image_type, setting)
    return names


def _features(settings: ExtractionSettings) -> dict[str, tuple[str, ...]]:
    wanted = settings.featureClass.items()
    return {name: tuple(some or FEATURE_CLASSES[name]) for name, some in wanted}


def _results(image_type: str, setting: Setting) -> Iterator[str]:
    if image_type == "LoG":
        for sigma in setting.sigma:
            yield f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D"
    elif image_type == "Wavelet":
        yield from _wavelets(setting)
    elif image_type == "LBP3D":
        yield from (f"lbp-3D-m{level}" for level in range(1, setting.lbp3DLevels + 1))
        yield "lbp-3D-k"
    else:
        yield _NAMES[image_type]


def _wavelets(setting: Setting) -> Iterator[str]:
    levels = setting.level
    bands = ["".join(band) for band in product("LH", repeat=2 if setting.force2D else 3)]
    for level in range(1, levels + 1):
        # The approximation is the input of the next level: only the last one is a result.
        for band in bands[1:] + (bands[:1] if level == levels else []):
            yield f"wavelet{level if level > 1 else ''}-{band}"
