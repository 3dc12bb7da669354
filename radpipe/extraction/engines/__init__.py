"""Engines: each turns one image and one ROI into named values."""

from radpipe.extraction.engines.base import Engine, engine_named
from radpipe.extraction.engines.columns import planned_columns

__all__ = ["Engine", "engine_named", "planned_columns"]
