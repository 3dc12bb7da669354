"""radpipe: from segmented medical images to an honest prognosis model.

The public names load on first use, so that ``import radpipe`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radpipe.errors import RadpipeError
    from radpipe.extraction.batch import extract
    from radpipe.extraction.embedding import embed
    from radpipe.extraction.extractor import FeatureExtractor
    from radpipe.extraction.maps import feature_maps
    from radpipe.prognosis.evaluation import (
        ModelOptions,
        evaluate,
        explain,
        predict,
        train,
        validate,
    )
    from radpipe.prognosis.report import write_report
    from radpipe.prognosis.tables import join_clinical, load_features

_HOMES = {
    "FeatureExtractor": "radpipe.extraction.extractor",
    "ModelOptions": "radpipe.prognosis.evaluation",
    "RadpipeError": "radpipe.errors",
    "embed": "radpipe.extraction.embedding",
    "evaluate": "radpipe.prognosis.evaluation",
    "explain": "radpipe.prognosis.evaluation",
    "extract": "radpipe.extraction.batch",
    "feature_maps": "radpipe.extraction.maps",
    "join_clinical": "radpipe.prognosis.tables",
    "load_features": "radpipe.prognosis.tables",
    "predict": "radpipe.prognosis.evaluation",
    "train": "radpipe.prognosis.evaluation",
    "validate": "radpipe.prognosis.evaluation",
    "write_report": "radpipe.prognosis.report",
}

__all__ = [
    "FeatureExtractor",
    "ModelOptions",
    "RadpipeError",
    "embed",
    "evaluate",
    "explain",
    "extract",
    "feature_maps",
    "join_clinical",
    "load_features",
    "predict",
    "train",
    "validate",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        from radpipe.version import VERSION

        return VERSION
    raise AttributeError(f"module 'radpipe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
