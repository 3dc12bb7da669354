"""A page of a run's cases for a person to walk through: contours, flags, failures."""

from radpipe.extraction.overview.page import write_overview

__all__ = ["write_overview"]
