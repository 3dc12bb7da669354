"""Lines of several models, with intervals where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from radpipe.prognosis.report.figures.style import (
    FAINT,
    INK,
    Pen,
    canvas,
    make_room,
    style,
    svg,
    wrapped,
)
from radpipe.prognosis.survival.endpoint import Floats

_HEIGHT = 3.2


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes
    ----------
    label : str
        In the legend.
    pen : Pen or None
        None: thin and grey, what others are compared with.
    x, y : ndarray of float64, shape (k,)
        Its points; NaN interrupts it.
    low, high : ndarray of float64, shape (k,), optional
        Intervals.
    points : bool
        Draw a marker at each point.
    """

    label: str
    pen: Pen | None
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    points: bool = False


@dataclass(frozen=True)
class Lines:
    """What stands around the lines.

    Attributes
    ----------
    across, up : str
        Under and beside the axes.
    xlim, ylim : tuple of float, optional
        What they show; by default all.
    level : float, optional
        A dashed level, such as chance.
    ticks : sequence of float, optional
        Under the axis.
    """

    across: str
    up: str
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    level: float | None = None
    ticks: Sequence[float] | None = None


def lines_figure(lines: Sequence[Line], frame: Lines) -> str:
    """Draw lines with a legend above them.

    Parameters
    ----------
    lines : sequence of Line
        The first is drawn last, on top.
    frame : Lines
        What stands around them.

    Returns
    -------
    str
        A data URI.
    """
    with style():
        labels = [wrapped(line.label, 52) for line in lines]
        columns = 2 if max(map(len, labels), default=0) <= 24 else 1
        rows = sum(label.count("\n") + 1 for label in labels)
        legend = 0.16 + 0.185 * -(-rows // columns)
        figure, axes = canvas(_HEIGHT + legend, (0.68, 0.52, 0.16, legend))
        for line, label in reversed(list(zip(lines, labels, strict=True))):
            _draw(axes, line, label)
        _dress(axes, frame)
        make_room(axes)
        handles, told = axes.get_legend_handles_labels()
        figure.legend(
            handles[::-1],
            told[::-1],
            loc="upper left",
            bbox_to_anchor=(0.02, 1.0),
            ncols=columns,
            frameon=False,
            fontsize=8.5,
            handlelength=2.8,
            columnspacing=1.2,
            borderaxespad=0.3,
        )
        return svg(figure)


def _draw(axes: Axes, line: Line, label: str) -> None:
    if line.pen is None:
        axes.plot(line.x, line.y, color=INK, lw=0.9, ls=(0, (1, 1.5)), label=label)
        return
    colour, dash, marker = line.pen
    shape = marker if line.points else ""
    axes.plot(line.x, line.y, color=colour, lw=1.8, ls=dash, label=label, marker=shape, ms=5)
    if line.low is not None and line.high is not None:
        if line.points:
            axes.vlines(line.x, line.low, line.high, color=colour, lw=1.1)
        else:
            axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.14, lw=0)


def _dress(axes: Axes, frame: Lines) -> None:
    if frame.level is not None:
        axes.axhline(frame.level, color=FAINT, ls=(0, (3, 2)), lw=1)
    axes.set(xlabel=frame.across, ylabel=frame.up)
    if frame.xlim is not None:
        axes.set_xlim(frame.xlim)
    if frame.ylim is not None:
        axes.set_ylim(frame.ylim)
    if frame.ticks is not None:
        axes.set_xticks(np.asarray(frame.ticks))
    axes.grid(axis="y", color=FAINT, alpha=0.25, lw=0.6)
