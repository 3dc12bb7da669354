"""Engines: each turns one image and one ROI into named values."""

from radpipe.extraction.engines.base import DEFAULT_ENGINE, Engine, engine_named
from radpipe.extraction.engines.columns import planned_columns

__all__ = ["DEFAULT_ENGINE", "Engine", "engine_named", "planned_columns"]
