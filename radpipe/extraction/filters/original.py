"""Image type ``Original``: the image itself."""

from __future__ import annotations

from radpipe.extraction.filters.base import Derived
from radpipe.extraction.grid import Box, Grid, Mask
from radpipe.extraction.section import Section


def names(setting: Section) -> list[str]:
    """``original``."""
    return ["original"]


def apply(image: Grid, roi: Mask, box: Box, setting: Section) -> Derived:
    """The image inside the box, a view of it."""
    yield "original", image.array[box]
