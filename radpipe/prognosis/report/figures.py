"""The report's figures, as SVG in data URIs: same numbers, same bytes."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from radpipe.prognosis.report.curves import Curve, TimeAxis

# Okabe and Ito's blue and vermilion: apart for every kind of colour vision, and in grey.
COLOURS = {"low": "#0072B2", "high": "#D55E00"}
_DASHES = {"low": "solid", "high": (0, (5, 1.5))}
_INK, _FAINT = "#1f2933", "#9aa5b1"
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    # Names come from users' tables: a dollar sign in them is no formula.
    "text.parse_math": False,
    "svg.hashsalt": "radpipe",
    "svg.fonttype": "path",
}


class Estimate(NamedTuple):
    """One line of the forest plot.

    Attributes
    ----------
    label : str
        What is estimated.
    estimate, low, high : float
        C-index and its interval.
    """

    label: str
    estimate: float
    low: float
    high: float


def kaplan_meier_figure(curves: Sequence[Curve], axis: TimeAxis, event: str) -> str:
    """Draw the curves of the risk groups with bands, censoring and numbers at risk.

    Parameters
    ----------
    curves : sequence of Curve
        One a group.
    axis : TimeAxis
        The unit and ticks of the curves.
    event : str
        Name of the event.

    Returns
    -------
    str
        A data URI.
    """
    with _style():
        figure = Figure(figsize=(5.4, 4.3))
        axes = figure.add_axes((0.13, 0.335, 0.84, 0.635))
        for curve in curves:
            _draw_curve(axes, curve)
        _dress(axes, curves, axis, event)
        _numbers_at_risk(axes, curves, axis)
        return _svg(figure)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    colour = COLOURS[curve.group]
    axes.fill_between(
        curve.times, 100 * curve.low, 100 * curve.high, step="post", color=colour, alpha=0.14, lw=0
    )
    axes.step(
        curve.times,
        100 * curve.survival,
        where="post",
        color=colour,
        lw=1.8,
        ls=_DASHES[curve.group],
        label=f"{curve.group.capitalize()} risk",
    )
    heights = [100 * point[0] for time in curve.censored if (point := curve.at(time))]
    axes.plot(curve.censored, heights, "|", color=colour, ms=5, mew=0.9)


def _dress(axes: Axes, curves: Sequence[Curve], axis: TimeAxis, event: str) -> None:
    longest = max((curve.times[-1] for curve in curves), default=1.0)
    axes.set(xlim=(0, longest * 1.02), ylim=(0, 103), xlabel=axis.label)
    axes.set_ylabel(f"Patients without {event[:40]} (%)")
    axes.set_xticks(axis.ticks)
    axes.set_yticks(range(0, 101, 25))
    axes.grid(axis="y", color=_FAINT, alpha=0.25, lw=0.6)
    axes.legend(loc="lower left", frameon=False, handlelength=2.6)


def _numbers_at_risk(axes: Axes, curves: Sequence[Curve], axis: TimeAxis) -> None:
    place = axes.get_xaxis_transform()
    axes.text(-0.13, -0.275, "Patients at risk", transform=axes.transAxes, weight="bold", size=8.5)
    for line, curve in enumerate(curves):
        height = -0.36 - 0.082 * line
        colour = COLOURS[curve.group]
        axes.text(
            -0.13, height, curve.group.capitalize(), transform=axes.transAxes, color=colour, size=9
        )
        for time, count in zip(axis.ticks, curve.at_risk, strict=True):
            axes.text(time, height, str(count), transform=place, ha="center", size=9)


def forest_figure(estimates: Sequence[Estimate]) -> str:
    """Draw C-indices with their intervals and the line of chance.

    Parameters
    ----------
    estimates : sequence of Estimate
        From top to bottom.

    Returns
    -------
    str
        A data URI.
    """
    with _style():
        height = 0.95 + 0.55 * len(estimates)
        figure = Figure(figsize=(5.4, height))
        axes = figure.add_axes((0.31, 0.62 / height, 0.66, 1 - 0.68 / height))
        rows = np.arange(len(estimates))[::-1]
        for row, line in zip(rows, estimates, strict=True):
            axes.plot([line.low, line.high], [row, row], color=_INK, lw=1.6, solid_capstyle="butt")
            axes.plot(line.estimate, row, "s", color=_INK, ms=7)
        axes.axvline(0.5, color=_FAINT, ls=(0, (3, 2)), lw=1)
        axes.set_yticks(rows, [line.label for line in estimates])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(
            xlim=_forest_limits(estimates),
            ylim=(-0.6, len(estimates) - 0.4),
            xlabel="C-index (0.5 = chance, 1 = perfect)",
        )
        return _svg(figure)


def _forest_limits(estimates: Sequence[Estimate]) -> tuple[float, float]:
    lowest = min((line.low for line in estimates), default=0.5)
    highest = max((line.high for line in estimates), default=0.9)
    return max(0.0, min(0.4, lowest - 0.03)), min(1.0, max(0.9, highest + 0.03)) + 0.005


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context():
        # Not what the user's own matplotlibrc says: same numbers, same bytes.
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def _svg(figure: Figure) -> str:
    FigureCanvasSVG(figure)
    content = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the text beside it is right.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(content, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode("ascii")
