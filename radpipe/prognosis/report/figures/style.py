"""What all figures have in common."""

from __future__ import annotations

import base64
import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

# Inches: on a phone's screen its letters are still read, on a desk's they are not huge.
WIDTH = 4.3
INK, FAINT = "#1f2933", "#9aa5b1"
# Okabe and Ito's blue and vermilion: apart for every kind of colour vision, and in grey.
COLOURS = {"low": "#0072B2", "high": "#D55E00"}
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    # Names come from users' tables: a dollar sign in them is no formula.
    "text.parse_math": False,
    "svg.hashsalt": "radpipe",
    "svg.fonttype": "path",
}


class Pen(NamedTuple):
    """How one model is drawn, in every figure alike.

    Attributes
    ----------
    colour : str
        Of Okabe and Ito's palette.
    dash : object
        A matplotlib line style.
    marker : str
        A matplotlib marker.
    """

    colour: str
    dash: Any
    marker: str


MAIN = Pen("#0072B2", "solid", "o")
_NAMED = {
    "volume": Pen("#D55E00", (0, (5, 1.5)), "s"),
    "clinical": Pen("#009E73", (0, (1.2, 1.2)), "D"),
    "clinical_volume": Pen("#CC79A7", (0, (5, 1.5, 1.2, 1.5)), "^"),
}
_OTHERS = (
    Pen("#56B4E9", (0, (3, 1)), "v"),
    Pen("#E69F00", (0, (6, 1, 1, 1, 1, 1)), "P"),
    Pen("#7a5195", (0, (2, 2)), "X"),
    Pen("#52606d", (0, (8, 2)), "*"),
)


def pens(keys: list[str]) -> dict[str, Pen]:
    """Give each model a pen.

    Parameters
    ----------
    keys : list of str
        Models, the page's first.

    Returns
    -------
    dict of str to Pen
        By model.
    """
    others = [key for key in keys[1:] if key not in _NAMED]
    rest = {key: _OTHERS[place % len(_OTHERS)] for place, key in enumerate(others)}
    first = {keys[0]: _NAMED.get(keys[0], MAIN)} if keys else {}
    return {**rest, **{key: _NAMED[key] for key in keys[1:] if key in _NAMED}, **first}


def wrapped(label: str, width: int = 21) -> str:
    """Break a label into lines.

    Parameters
    ----------
    label : str
        Any text.
    width : int
        Characters of a line.

    Returns
    -------
    str
        Four lines at most.
    """
    # Names of columns may be broken after an underscore.
    parts = textwrap.wrap(label.replace("_", "_ "), width) or [""]
    lines = [part.replace("_ ", "_") for part in parts]
    return "\n".join([*lines[:3], "…"] if len(lines) > 4 else lines)


def breadth(labels: Iterable[str], size: float) -> float:
    """Measure the widest line of some labels.

    Parameters
    ----------
    labels : iterable of str
        Of one line or several.
    size : float
        Of the letters, points.

    Returns
    -------
    float
        Inches.
    """
    lines = [line for label in labels for line in label.split("\n") if line]
    with _quietly():
        widths = [TextPath((0, 0), line, size=size).get_extents().width for line in lines]
    return float(max(widths, default=0.0)) / 72


def canvas(height: float, box: tuple[float, float, float, float]) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes.

    Parameters
    ----------
    height : float
        Inches.
    box : tuple of float
        Left, bottom, right and top margin, inches.

    Returns
    -------
    figure : Figure
        Of the width of all.
    axes : Axes
        Within the margins.
    """
    left, bottom, right, top = box
    figure = Figure(figsize=(WIDTH, height))
    size = ((WIDTH - left - right) / WIDTH, (height - bottom - top) / height)
    return figure, figure.add_axes((left / WIDTH, bottom / height, *size))


def make_room(axes: Axes) -> None:
    """Move the left end of axes so far in that no label is cut off.

    Parameters
    ----------
    axes : Axes
        Drawn, with the label of their upright axis.
    """
    ticks = axes.yaxis.get_major_formatter().format_ticks([*axes.get_yticks()])
    # The label, and what stands between it, the numbers and the axis.
    left = (breadth(ticks, _STYLE["font.size"]) + 0.38) / WIDTH
    box = axes.get_position()
    if left > box.x0:
        axes.set_position((left, box.y0, box.x1 - left, box.height))


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style, whatever the user's own is.

    Yields
    ------
    None
        While it holds.
    """
    with mpl.rc_context():
        # Not what the user's own matplotlibrc says: same numbers, same bytes.
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the text beside it is right.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def svg(figure: Figure) -> str:
    """Write a figure.

    Parameters
    ----------
    figure : Figure
        Drawn.

    Returns
    -------
    str
        A data URI.
    """
    FigureCanvasSVG(figure)
    content = io.BytesIO()
    with _quietly():
        figure.savefig(content, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode("ascii")
