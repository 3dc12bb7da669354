"""The columns that settings plan, in PyRadiomics' order.

PyRadiomics drops an image type that an image is too small for, and a class that does not apply;
a table needs the same columns for every case.
"""

from __future__ import annotations

from radpipe.extraction.image_types import image_type_names
from radpipe.extraction.settings import ExtractionSettings

SHAPES = ("shape", "shape2D")


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
    wanted = settings.wanted_features()
    columns = [f"original_{name}_{each}" for name in SHAPES for each in wanted.get(name, ())]
    for image_type in image_type_names(settings):
        columns += [
            f"{image_type}_{name}_{feature}"
            for name, features in wanted.items()
            if name not in SHAPES
            for feature in features
        ]
    return list(dict.fromkeys(columns))
