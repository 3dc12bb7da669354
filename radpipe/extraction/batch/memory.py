"""Placeholder until the estimate is calibrated."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from radpipe.extraction.settings import ExtractionSettings


class Need(NamedTuple):
    """Bytes."""

    least: int
    expected: int


def estimate(
    image: Path, masks: list[Path], settings: list[ExtractionSettings], engine: str, enough: int
) -> Need:
    """Nothing yet."""
    return Need(0, 0)
