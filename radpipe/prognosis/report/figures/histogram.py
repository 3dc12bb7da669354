"""What chance alone gives, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from radpipe.prognosis.report.figures.style import FAINT, INK, MAIN, canvas, style, svg


def histogram_figure(
    values: Sequence[float], found: float | None, quantity: str, chance: float = 0.5
) -> str:
    """Draw the values of permutations and the value that was found.

    Parameters
    ----------
    values : sequence of float
        One a permutation.
    found : float or None
        The model's own.
    quantity : str
        Under the axis.
    chance : float
        A dashed line.

    Returns
    -------
    str
        A data URI.
    """
    with style():
        figure, axes = canvas(2.9, (0.68, 0.52, 0.16, 0.36))
        ends = [*values, *([] if found is None else [found]), chance]
        low, high = min(ends), max(ends)
        # Whole hundredths, so that bars begin where a reader expects them.
        width = max(0.01, np.ceil((high - low) / 25 * 100) / 100)
        first = np.floor(low / width) * width
        edges = np.arange(first, high + 1.5 * width, width)
        axes.hist(values, bins=list(edges), color=FAINT, edgecolor="white", lw=0.6)
        axes.axvline(chance, color=INK, ls=(0, (3, 2)), lw=1)
        if found is not None:
            axes.axvline(found, color=MAIN.colour, lw=2)
            axes.text(
                found,
                1.03,
                f"found: {found:.2f}",
                color=MAIN.colour,
                ha="right" if found > (edges[0] + edges[-1]) / 2 else "left",
                transform=axes.get_xaxis_transform(),
                size=9,
            )
        axes.set(xlabel=quantity, ylabel="Permutations")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        return svg(figure)
