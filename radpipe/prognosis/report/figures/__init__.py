"""The report's figures, as SVG in data URIs: same numbers, same bytes."""

from radpipe.prognosis.report.figures.calibration import calibration_figure
from radpipe.prognosis.report.figures.forest import forest_figure
from radpipe.prognosis.report.figures.histogram import histogram_figure
from radpipe.prognosis.report.figures.lines import Line, Lines, lines_figure
from radpipe.prognosis.report.figures.survival import follow_up_figure, kaplan_meier_figure

__all__ = [
    "Line",
    "Lines",
    "calibration_figure",
    "follow_up_figure",
    "forest_figure",
    "histogram_figure",
    "kaplan_meier_figure",
    "lines_figure",
]
