"""Predicted against observed risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from radpipe.prognosis.report.figures.style import FAINT, MAIN, canvas, style, svg


def calibration_figure(points: Sequence[Mapping[str, Any]], what: str) -> str:
    """Draw groups of patients with similar predictions beside the line of agreement.

    Parameters
    ----------
    points : sequence of mapping
        ``predicted``, ``observed``, ``low``, ``high``, ``patients``; probabilities.
    what : str
        What is predicted, under the axis.

    Returns
    -------
    str
        A data URI.
    """
    with style():
        # Both axes alike, so that the line of agreement rises at 45 degrees.
        figure, axes = canvas(3.9, (0.72, 0.58, 0.36, 0.1))
        axes.plot([0, 100], [0, 100], color=FAINT, ls=(0, (3, 2)), lw=1)
        x, y, low, high = (
            [100 * point[name] for point in points]
            for name in ("predicted", "observed", "low", "high")
        )
        axes.vlines(x, low, high, color=MAIN.colour, lw=1.3)
        # A marker at 0 or 100 % is shown whole.
        axes.plot(x, y, color=MAIN.colour, lw=1.2, marker="o", ms=6, clip_on=False, zorder=3)
        axes.set(xlim=(0, 100), ylim=(0, 100))
        axes.set(xlabel=f"Predicted {what} (%)", ylabel="Observed (%)")
        axes.set_xticks(range(0, 101, 25))
        axes.set_yticks(range(0, 101, 25))
        axes.grid(color=FAINT, alpha=0.25, lw=0.6)
        return svg(figure)
