"""The columns that settings plan, in PyRadiomics' order.

PyRadiomics drops an image type that an image is too small for, and a class that does not apply;
a table needs the same columns for every case.
"""

from __future__ import annotations

from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.image_types import image_type_names
from radpipe.extraction.settings import ExtractionSettings


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
    columns = [
        f"original_{name}_{feature}"
        for name, each in FEATURE_CLASSES.items()
        if each.is_shape
        for feature in wanted.get(name, ())
    ]
    for image_type in image_type_names(settings):
        columns += [
            f"{image_type}_{name}_{feature}"
            for name, features in wanted.items()
            if not FEATURE_CLASSES[name].is_shape
            for feature in features
        ]
    return list(dict.fromkeys(columns))
