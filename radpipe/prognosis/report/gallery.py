"""The overlay pictures of a run, for a person to see a wrong mask at a glance."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from radpipe.store import MASK_VOLUME, Run

MOST_PICTURES = 200
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """One picture of a gallery.

    Attributes
    ----------
    told : str
        What it shows, for who cannot see it.
    lines : sequence of str
        Under it.
    source : str or None
        The PNG as a data URI; None where there is none.
    """

    told: str
    lines: Sequence[str]
    source: str | None


def gallery(run: Run, most: int = MOST_PICTURES) -> tuple[list[Picture], int]:
    """Collect a run's pictures, smallest mask first.

    Wrong masks are mostly far too small or far too large, so of a large run the two ends are
    shown.

    Parameters
    ----------
    run : Run
        A finished run.
    most : int
        Pictures to show at most.

    Returns
    -------
    tuple of (list of Picture, int)
        The pictures, and how many cases the run has.
    """
    keys = run.features()[0].sort_values([MASK_VOLUME, "case_id"], kind="stable")
    # A run all of whose cases failed has no such column.
    sources: dict[str, str] = dict(run.diagnostics().set_index("case_id").get("picture", {}))
    if len(keys) > most:
        ends = [*range(most - most // 2), *range(len(keys) - most // 2, len(keys))]
        shown = keys.iloc[ends]
    else:
        shown = keys
    pictures = [
        _of_mask(
            case_id,
            patient_id,
            volume_in_words(volume),
            picture_in(run.path, sources.get(case_id)),
        )
        for case_id, patient_id, volume in zip(
            shown["case_id"], shown["patient_id"], shown[MASK_VOLUME], strict=True
        )
    ]
    return pictures, len(keys)


def volume_in_words(cubic_mm: float) -> str:
    """Write a volume as clinicians do.

    Parameters
    ----------
    cubic_mm : float
        Volume in mm³.

    Returns
    -------
    str
        In ml, with about two digits.

    Examples
    --------
    >>> volume_in_words(12_345), volume_in_words(210)
    ('12 ml', '0.21 ml')
    """
    ml = cubic_mm / 1000
    return f"{ml:,.0f} ml" if ml >= 10 else f"{ml:.1f} ml" if ml >= 1 else f"{ml:.2f} ml"


def picture_in(folder: Path, told: str | None) -> str | None:
    """Read a picture of a folder.

    Parameters
    ----------
    folder : Path
        A run, or another directory that radpipe made.
    told : str or None
        Where a table of it says that the picture lies.

    Returns
    -------
    str or None
        A data URI; None where there is no PNG file inside the folder.
    """
    if not told:
        return None
    path = (folder / told).resolve()
    # A run from elsewhere may name any file of this machine; only its own pictures are shown.
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    content = path.read_bytes()
    return png_uri(content) if content.startswith(_PNG) else None


def _of_mask(case_id: str, patient_id: str, volume: str, source: str | None) -> Picture:
    lines = dict.fromkeys((case_id, patient_id, volume))
    return Picture(f"Mask contour of case {case_id}, {volume}", [*lines], source)


def png_uri(content: bytes) -> str:
    """Put a picture into a page.

    Parameters
    ----------
    content : bytes
        A PNG file.

    Returns
    -------
    str
        A data URI.
    """
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
