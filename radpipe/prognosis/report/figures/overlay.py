"""Patches as pictures: three planes with what moves the risk, and thumbnails with a contour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from radpipe.prognosis.report.figures.style import WIDTH, style

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]
# The amber of a run's own pictures; red and blue that are apart for every kind of colour vision.
_CONTOUR = "#ffb000"
_RAISES, _LOWERS = (0.84, 0.10, 0.11), (0.15, 0.50, 1.00)
_DEEPEST = 0.8
_TITLE, _BAR, _GAP = 0.2, 0.3, 0.06
_DPI = 150
_THUMBNAIL = 1.3


class Plane(NamedTuple):
    """A plane through a patch, as a radiologist looks at it: left is the patient's right.

    Attributes
    ----------
    name : str
        In words.
    across : int
        The array's axis that it is a slice of.
    origin : {"upper", "lower"}
        Where matplotlib puts the first row: heads are above.
    """

    name: str
    across: int
    origin: Literal["upper", "lower"]


_PLANES = (Plane("axial", 0, "upper"), Plane("coronal", 1, "lower"), Plane("sagittal", 2, "lower"))


def overlay_picture(
    intensities: Floats,
    roi: Booleans,
    heat: Floats,
    spacing_mm: Sequence[float],
    strongest: float | None = None,
) -> bytes:
    """Draw three planes through an ROI's centroid, without and with what moves the risk.

    Parameters
    ----------
    intensities : ndarray of float, shape (z, y, x)
        A patch whose axes go to superior, posterior and left.
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the same grid.
    heat : ndarray of float, shape (z, y, x)
        Positive: raises the risk.
    spacing_mm : sequence of float
        Along (z, y, x).
    strongest : float, optional
        What the deepest colours stand for, where pictures share a scale; else this one's largest.

    Returns
    -------
    bytes
        A PNG file: the same bytes for the same numbers.
    """
    reach = np.array(intensities.shape) * spacing_mm
    wide, high = reach[[2, 2, 1]], reach[[1, 0, 0]]
    row = (WIDTH - 2 * _GAP) * high.max() / wide.sum()
    height = _TITLE + 2 * row + _GAP + _BAR
    largest = float(np.abs(heat).max()) if strongest is None else strongest
    share = heat / largest if largest > 0 else heat
    with style():
        figure = Figure(figsize=(WIDTH, height), dpi=_DPI)
        left = 0.0
        for plane, breadth in zip(_PLANES, (WIDTH - 2 * _GAP) * wide / wide.sum(), strict=True):
            for bottom, drawn in ((_BAR + row + _GAP, None), (_BAR, share)):
                box = (left / WIDTH, bottom / height, breadth / WIDTH, row / height)
                _draw(figure.add_axes(box), plane, intensities, roi, spacing_mm, drawn)
            figure.text(left / WIDTH, 1 - 0.14 / height, plane.name, size=8.5)
            left += breadth + _GAP
        _bar(figure, height)
        return _png(figure)


def thumbnail(intensities: Floats, roi: Booleans, spacing_mm: Sequence[float]) -> bytes:
    """Draw the axial plane through an ROI's centroid, with its contour.

    Parameters
    ----------
    intensities : ndarray of float, shape (z, y, x)
        A patch.
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the same grid.
    spacing_mm : sequence of float
        Along (z, y, x).

    Returns
    -------
    bytes
        A PNG file.
    """
    with style():
        figure = Figure(figsize=(_THUMBNAIL, _THUMBNAIL), dpi=_DPI, facecolor="black")
        _draw(figure.add_axes((0, 0, 1, 1)), _PLANES[0], intensities, roi, spacing_mm)
        return _png(figure)


def _draw(
    axes: Axes,
    plane: Plane,
    intensities: Floats,
    roi: Booleans,
    spacing_mm: Sequence[float],
    share: Floats | None = None,
) -> None:
    rows, columns = (spacing_mm[axis] for axis in range(3) if axis != plane.across)
    how: Any = {
        "aspect": rows / columns,
        "origin": plane.origin,
        "interpolation": "bilinear",
    }
    low, high = _greys(intensities, roi)
    axes.imshow(_slice(plane, intensities, roi), cmap="gray", vmin=low, vmax=high, **how)
    if share is not None:
        axes.imshow(_coloured(_slice(plane, share, roi)), **how)
    inside = _slice(plane, roi, roi)
    if inside.any() and not inside.all():
        axes.contour(inside.astype(float), [0.5], colors=[_CONTOUR], linewidths=1.0)
    axes.set_axis_off()


def _coloured(share: Floats) -> Floats:
    """Colour -1 to 1 from blue to red, and leave what is near 0 to see through."""
    colour = np.where((share > 0)[..., np.newaxis], _RAISES, _LOWERS)
    return np.concatenate([colour, _DEEPEST * np.abs(share)[..., np.newaxis]], axis=-1)


def _bar(figure: Figure, height: float) -> None:
    axes = figure.add_axes((0.36, 0.09 / height, 0.28, 0.1 / height))
    axes.imshow(_coloured(np.linspace(-1, 1, 101)[np.newaxis]), aspect="auto")
    axes.set_axis_off()
    for place, side, told in (
        (0.35, "right", "lowers the risk"),
        (0.65, "left", "raises the risk"),
    ):
        figure.text(place, 0.14 / height, told, ha=side, va="center", size=8.5)


def _slice(plane: Plane, values: NDArray[Any], roi: Booleans) -> NDArray[Any]:
    others = tuple({0, 1, 2} - {plane.across})
    counts = roi.sum(axis=others) if roi.any() else np.ones(roi.shape[plane.across])
    place = round(float(np.average(np.arange(len(counts)), weights=counts)))
    return np.asarray(np.take(values, place, axis=plane.across))


def _greys(intensities: Floats, roi: Booleans) -> tuple[float, float]:
    """Show the ROI's intensities in the middle of the greys; air and bone may saturate."""
    low, high = np.percentile(intensities[roi] if roi.any() else intensities, [1, 99])
    reach = max(high - low, 1e-6)
    return max(low - reach, intensities.min()), min(high + reach, intensities.max())


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    # Without the name of the program that drew it: another matplotlib may give the same bytes.
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
