"""Estimates with their intervals, one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from radpipe.prognosis.report.evidence import Estimate
from radpipe.prognosis.report.figures.style import (
    FAINT,
    INK,
    WIDTH,
    breadth,
    canvas,
    style,
    svg,
    wrapped,
)

_SIZE, _MOST_LEFT, _RIGHT = 9.0, 2.2, 0.12


class Row(NamedTuple):
    """One line of a forest plot.

    Attributes
    ----------
    label : str
        What is estimated.
    found : Estimate or None
        None leaves the line empty.
    """

    label: str
    found: Estimate | None


def forest_figure(
    rows: Sequence[Row], quantity: str, reference: float, limits: tuple[float, float]
) -> str:
    """Draw estimates with their intervals, and the value that would mean nothing.

    Parameters
    ----------
    rows : sequence of Row
        From top to bottom.
    quantity : str
        Under the axis.
    reference : float
        Chance, or no difference.
    limits : tuple of float
        The axis reaches at least so far.

    Returns
    -------
    str
        A data URI.
    """
    with style():
        labels = [wrapped(row.label) for row in rows]
        heights = np.array([0.24 + 0.165 * (label.count("\n") + 1) for label in labels])
        middles = heights.sum() - np.cumsum(heights) + heights / 2
        left = min(breadth(labels, _SIZE) + 0.12, _MOST_LEFT)
        figure, axes = canvas(0.62 + heights.sum(), (left, 0.52, _RIGHT, 0.1))
        axes.axvline(reference, color=FAINT, ls=(0, (3, 2)), lw=1)
        for middle, row in zip(middles, rows, strict=True):
            if row.found is not None:
                value, low, high = row.found
                axes.plot([low, high], [middle] * 2, color=INK, lw=1.6, solid_capstyle="butt")
                axes.plot(value, middle, "s", color=INK, ms=6.5)
        axes.set_yticks(middles, labels, size=_SIZE)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(xlim=_reach(rows, limits), ylim=(0, heights.sum()))
        room = WIDTH - left - _RIGHT
        wide = breadth([quantity], _SIZE + 0.5) > room
        axes.set_xlabel(quantity, loc="right" if wide else "center")
        return svg(figure)


def _reach(rows: Sequence[Row], limits: tuple[float, float]) -> tuple[float, float]:
    found = [row.found for row in rows if row.found is not None]
    least, most = limits
    lowest = min((one.low for one in found), default=least)
    highest = max((one.high for one in found), default=most)
    margin = 0.03 * (max(most, highest) - min(least, lowest))
    return min(least, lowest) - margin, max(most, highest) + margin
