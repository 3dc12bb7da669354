"""Step curves with numbers at risk: Kaplan and Meier's, and its reverse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radpipe.prognosis.report.curves import Curve, TimeAxis
from radpipe.prognosis.report.figures.style import COLOURS, FAINT, INK, canvas, style, svg
from radpipe.prognosis.survival.endpoint import Floats

_DASHES = {"low": "solid", "high": (0, (5, 1.5))}


def kaplan_meier_figure(curves: Sequence[Curve], axis: TimeAxis) -> str:
    """Draw the curves of the risk groups with bands, censoring and numbers at risk.

    Parameters
    ----------
    curves : sequence of Curve
        One a group.
    axis : TimeAxis
        The unit and ticks of the curves.

    Returns
    -------
    str
        A data URI.
    """
    with style():
        figure, axes = _with_room_below(len(curves))
        for curve in curves:
            _draw_curve(axes, curve)
        longest = max((curve.times[-1] for curve in curves), default=1.0)
        _dress(axes, float(longest), axis, "Patients without the event (%)")
        axes.legend(loc="lower left", frameon=False, handlelength=2.6)
        counts = [(one.group.capitalize(), COLOURS[one.group], one.at_risk) for one in curves]
        _numbers_at_risk(axes, counts, axis, "Patients at risk")
        return svg(figure)


def follow_up_figure(
    times: Floats, followed: Floats, at_risk: Sequence[int], axis: TimeAxis, median: float | None
) -> str:
    """Draw the reverse Kaplan-Meier curve of a cohort.

    Parameters
    ----------
    times, followed : ndarray of float64, shape (k,)
        The curve, from time 0, in the axis' unit.
    at_risk : sequence of int
        At the axis' ticks.
    axis : TimeAxis
        Unit and ticks.
    median : float, optional
        Median follow-up, in the axis' unit.

    Returns
    -------
    str
        A data URI.
    """
    with style():
        figure, axes = _with_room_below(1)
        axes.step(times, 100 * followed, where="post", color=INK, lw=1.8)
        if median is not None:
            axes.plot([0, median, median], [50, 50, 0], color=FAINT, ls=(0, (3, 2)), lw=1)
        _dress(axes, float(times[-1]), axis, "Still followed (%)")
        _numbers_at_risk(axes, [("All", INK, at_risk)], axis, "Patients under observation")
        return svg(figure)


def _with_room_below(lines: int) -> tuple[Figure, Axes]:
    below = 0.86 + 0.22 * lines
    return canvas(2.75 + below, (0.68, below, 0.16, 0.08))


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


def _dress(axes: Axes, longest: float, axis: TimeAxis, what: str) -> None:
    axes.set(xlim=(0, longest * 1.02 or 1.0), ylim=(0, 103), xlabel=axis.label)
    axes.set_ylabel(what)
    axes.set_xticks(axis.ticks)
    axes.set_yticks(range(0, 101, 25))
    axes.grid(axis="y", color=FAINT, alpha=0.25, lw=0.6)


def _numbers_at_risk(
    axes: Axes,
    counts: Sequence[tuple[str, str, Iterable[int]]],
    axis: TimeAxis,
    title: str,
) -> None:
    place = axes.get_xaxis_transform()
    # Inches below the axis, as a share of its height of 2.67 inches.
    inch = 1 / 2.67
    axes.text(
        -0.17, -0.68 * inch, title, transform=axes.transAxes, weight="bold", size=8.5, va="center"
    )
    for line, (name, colour, at_risk) in enumerate(counts):
        height = -(0.9 + 0.22 * line) * inch
        axes.text(-0.17, height, name, transform=axes.transAxes, color=colour, size=9, va="center")
        for time, count in zip(axis.ticks, at_risk, strict=True):
            axes.text(time, height, str(count), transform=place, ha="center", size=9, va="center")
