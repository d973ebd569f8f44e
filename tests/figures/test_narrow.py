"""Figures for phones: panels below each other, nothing lost, nothing changed in the wide form."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from analysis.figures import narrow, plots, style

X = np.linspace(0, 6)


def curves(rows=1, columns=3, **kwargs):
    panels = np.ravel(style.axes(rows, columns, **kwargs))
    for number, panel in enumerate(panels):
        plots.lines(
            {"kmeans": (X, np.sin(X + number))}, ax=panel,
            xlabel="x" if number >= len(panels) - columns else "",
            ylabel="y" if number % columns == 0 else "", legend=False,
        )  # fmt: skip
    return panels


@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (1, 3), (2, 3)])
def test_panels_come_below_each_other_in_reading_order(rows, columns):
    panels = curves(rows, columns)
    before = panels[0].figure.get_size_inches().copy()
    copy = narrow.stacked(panels[0].figure)
    copy.draw_without_rendering()
    tops = [panel.get_position().y0 for panel in copy.axes]
    lefts = {round(panel.get_position().x0, 2) for panel in copy.axes}
    assert tops == sorted(tops, reverse=True) and len(set(tops)) == rows * columns
    assert len(lefts) == 1 and copy.get_figwidth() == narrow.WIDTH_IN
    np.testing.assert_array_equal(panels[0].figure.get_size_inches(), before)
    for mine, theirs in zip(copy.axes, panels, strict=True):
        np.testing.assert_array_equal(mine.lines[0].get_ydata(), theirs.lines[0].get_ydata())


@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (2, 2), (2, 3)])
def test_an_axis_that_panels_share_is_written_at_each(rows, columns):
    panels = curves(rows, columns, sharex=True, sharey=True)
    copy = narrow.stacked(panels[0].figure)
    for panel in copy.axes:
        assert panel.get_ylabel() == "y" and panel.get_xlabel() == "x"
        assert panel.yaxis.get_tick_params()["labelleft"]
        assert panel.xaxis.get_tick_params()["labelbottom"]


@pytest.mark.parametrize("count", [3, 4, 5])
def test_pictures_stand_two_in_a_row(count):
    pictures = {str(n): np.random.default_rng(n).random((40, 20)) for n in range(count)}
    panels = plots.slices(pictures, voxel_size_um=0.642, columns=count)
    copy = narrow.stacked(panels[0].figure)
    copy.draw_without_rendering()
    shown = [panel for panel in copy.axes if panel.images]
    assert len(shown) == count
    assert len({round(panel.get_position().x0, 1) for panel in shown}) == 2
    texts = [text.get_text() for panel in shown for text in panel.texts]
    assert any("µm" in text for text in texts)  # the scale bar


def test_a_legend_of_the_figure_gets_as_many_columns_as_fit():
    panels = curves()
    style.legend(panels[0], methods=style.MAIN_METHODS, specimens=("SL", "TL"))
    picture = Image.open(io.BytesIO(base64.b64decode(style.printed_narrow(panels[0].figure))))
    assert picture.width <= 1.05 * narrow.WIDTH_IN * style.DPI
    copy = narrow.stacked(panels[0].figure)
    labels = [text.get_text() for text in copy.legends[0].get_texts()]
    assert labels == [t.get_text() for t in panels[0].figure.legends[0].get_texts()]


def test_a_narrow_figure_has_no_second_form():
    panel = style.axes(width=0.5)
    assert narrow.stacked(panel.figure) is None and style.printed_narrow(panel.figure) is None
