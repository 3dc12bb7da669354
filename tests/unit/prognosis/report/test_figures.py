"""Nothing of a figure is cut off at its edge."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from radpipe.prognosis.report.evidence import Estimate
from radpipe.prognosis.report.figures import calibration, forest, lines, style


@pytest.fixture
def drawn(monkeypatch):
    """Draw with a function of a module, and return the figure itself."""

    def draw(module, function, *arguments):
        figures = []
        monkeypatch.setattr(module, "svg", lambda figure: figures.append(figure) or "")
        function(*arguments)
        (figure,) = figures
        FigureCanvasAgg(figure).draw()
        return figure

    return draw


@pytest.mark.parametrize("top", [0.15, 0.0015, 0.9, 15000.0])
def test_the_upright_label_is_whole_whatever_its_numbers(drawn, top):
    line = lines.Line("model", style.MAIN, np.array([0.0, 50.0]), np.array([top, -top / 6]))
    frame = lines.Lines("Threshold (%)", "Net benefit", (0, 60), (-top / 6, 1.1 * top))
    figure = drawn(lines, lines.lines_figure, [line], frame)
    label = figure.axes[0].yaxis.label.get_window_extent()
    assert label.x0 >= 0
    low, high = figure.axes[0].get_ylim()
    numbers = [
        tick.label1.get_window_extent().x0
        for tick in figure.axes[0].yaxis.get_major_ticks()
        if low <= tick.get_loc() <= high
    ]
    assert label.x1 <= min(numbers)


@pytest.mark.parametrize(
    "quantity", ["C-index", "C-index less that of clinical columns and volume"]
)
def test_what_a_forest_compares_is_whole(drawn, quantity):
    rows = [forest.Row("Fusion of clinical + volume and radiomics", Estimate(0.1, 0.0, 0.2))]
    figure = drawn(forest, forest.forest_figure, rows, quantity, 0.0, (-0.1, 0.1))
    label = figure.axes[0].xaxis.label.get_window_extent()
    assert label.x0 >= 0 and label.x1 <= figure.bbox.width


def test_a_group_of_whom_all_had_the_event_has_a_whole_marker(drawn):
    point = {"predicted": 0.5, "observed": 1.0, "low": 0.7, "high": 1.0, "patients": 9}
    figure = drawn(calibration, calibration.calibration_figure, [point], "probability")
    inside = figure.axes[0].get_window_extent()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    blue = np.all(abs(pixels - [0x00, 0x72, 0xB2]) < 40, axis=2)
    above = int(figure.bbox.height - inside.y1) - 1
    assert blue[:above].any()
