"""Figures draw what they are given: values, order, and complaints about wrong shapes."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from analysis.figures import plots, style
from analysis.phases import Phase


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def curves():
    values = np.arange(2 * 3 * 2 * 5, dtype=float).reshape(2, 3, 2, 5)
    return xr.DataArray(
        values,
        {"specimen": ["SL", "TL"], "method": ["truth", "kmeans"], "r": np.arange(5.0)},
        ["specimen", "cutout", "method", "r"],
    )


def test_curves_are_means_of_the_cutouts_in_the_papers_order(curves):
    axes = plots.by_method(curves, ax=style.axes(), x="r")
    assert [line.get_label() for line in axes.lines] == ["k-means"] * 2 + ["Truth"] * 2
    expected = curves.mean("cutout").sel({"method": "kmeans", "specimen": "SL"})
    np.testing.assert_allclose(axes.lines[0].get_ydata(), expected)
    assert axes.lines[0].get_linestyle() == "-" and axes.lines[1].get_linestyle() == "--"
    assert len(axes.collections) == 4  # the ranges of the cutouts


def test_a_dimension_too_many_is_refused(curves):
    with pytest.raises(ValueError, match="phase"):
        plots.by_method(curves.expand_dims(phase=["AM"]), ax=style.axes(), x="r")


def test_methods_without_values_are_left_out(curves):
    curves.loc[{"method": "kmeans"}] = np.nan
    axes = plots.by_method(curves, ax=style.axes(), x="r")
    assert {line.get_label() for line in axes.lines} == {"Truth"}


def test_matrix_shows_one_specimen_above_and_one_below_the_diagonal():
    upper, lower = np.full((3, 3), 0.9), np.full((3, 3), 0.2)
    axes = plots.matrix(upper, lower, ["kmeans", "truth", "x"], ax=style.axes())
    drawn = np.asarray(axes.images[0].get_array())
    assert drawn[0, 2] == 0.9 and drawn[2, 0] == 0.2
    assert np.isnan(np.asarray(axes.images[0].get_array().filled(np.nan)).diagonal()).all()
    with pytest.raises(ValueError, match="one row and column"):
        plots.matrix(upper[:2], lower, ["a", "b", "c"], ax=style.axes())


def test_histogram_integrates_to_one_and_parts_add_up():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (20, 20, 20)).astype(np.uint8)
    gray = truth + rng.normal(0, 0.1, truth.shape)
    axes = plots.histogram(
        gray, ax=style.axes(), thresholds=(0.5, 1.5), truth=truth, gray_range=(-1, 3)
    )
    x, y = axes.lines[0].get_data()
    assert np.sum(y) * (x[1] - x[0]) == pytest.approx(1, abs=0.01)
    assert [line.get_xdata()[0] for line in axes.lines[1:]] == [0.5, 1.5]


def test_labels_get_phase_colors_and_gray_values_do_not():
    labels = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) % 3
    panels = plots.slices({"kmeans": labels, "gray": labels + 0.5}, voxel_size_um=1)
    assert [panel.get_title() for panel in panels] == ["k-means", "gray"]
    assert panels[0].images[0].get_cmap().N == 3
    assert panels[1].images[0].get_cmap().name == "gray"
    with pytest.raises(ValueError, match="volume"):
        plots.slices({"a": np.zeros(3)}, voxel_size_um=1)


def test_confusion_rows_sum_to_one():
    axes = plots.confusion(np.array([[8, 1, 1], [0, 5, 5], [0, 0, 2]]), ax=style.axes())
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()).sum(axis=1), 1)


def test_dots_follow_the_papers_order_and_mark_the_paper():
    table = pd.DataFrame({"method": ["truth", "kmeans"], "value": [0.1, 0.2]})
    axes = plots.dots(table, ax=style.axes(), value="value", reference={"kmeans": 0.3})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["k-means", "Truth"]
    assert any(np.allclose(line.get_xdata(), 0.3) for line in axes.lines)


def test_dots_mark_chance_and_explain_what_is_drawn():
    table = pd.DataFrame({"method": 2 * ["kmeans"], "specimen": ["SL", "TL"], "value": [0.4, 0.5]})
    axes = plots.dots(table, ax=style.axes(), value="value", chance={"kmeans": 0.33})
    assert any(np.allclose(line.get_xdata(), 0.33) for line in axes.lines)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["single-layer", "two-layer", "dealt at random"]
    silent = plots.dots(table, ax=style.axes(), value="value", legend=False)
    assert silent.get_legend() is None


@pytest.mark.parametrize("columns", [1, 3])
def test_legends_hide_no_data(columns):
    """Drawn for good, every legend lies below the panel that it explains."""
    curve = (np.linspace(0, 1, 20), np.linspace(4.2, 3.0, 20))
    panels = np.atleast_1d(style.axes(1, columns, height=3.0))
    for panel in panels:
        plots.voltage({key: curve for key in (1.0, 3.0, 6.0, 8.0, 10.0, 12.0)}, ax=panel)
    figure = panels[0].figure
    figure.canvas.draw()
    for panel in panels:
        legend = panel.get_legend().get_window_extent()
        assert legend.y1 < panel.get_window_extent().y0
        assert 0 <= legend.x0 and legend.x1 <= figure.bbox.x1 and 0 <= legend.y0


def test_voltage_takes_single_curves_and_cutouts():
    curve = (np.array([0.0, 1.0]), np.array([4.2, 3.5]))
    axes = plots.voltage({12.0: [curve, curve], 1.0: curve}, ax=style.axes(), measured={1.0: curve})
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["1", "12"]
    assert len(axes.lines) == 4


def test_spectra_have_equal_axes_and_negative_imaginary_part():
    impedance = np.array([1 - 2j, 3 - 1j])
    axes = plots.spectra({"kmeans": impedance}, ax=style.axes())
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [2, 1])
    assert axes.get_aspect() == 1


@pytest.mark.parametrize("order", [1, 2])
def test_convergence_line_has_its_slope(order):
    size = np.array([1.0, 0.5, 0.25])
    axes = plots.convergence(size, {"a": size**order}, ax=style.axes(), order=order)
    x, y = axes.lines[-1].get_data()
    assert np.polyfit(np.log(x), np.log(y), 1)[0] == pytest.approx(order)


@pytest.mark.parametrize(("title", "score"), [("CBD, SL", 0.35), (None, -0.2), ("", 0.98)])
def test_a_score_stands_above_the_points_not_among_them(title, score):
    axes = style.axes()
    plots.parity([0, 1], [0.1, 0.9], ax=axes, phase=Phase.CBD, title=title, score=score)
    assert not axes.texts
    heading = axes.get_title()
    assert f"{score:.2f}" in heading and heading.startswith(
        title or ("$R" if title == "" else "CBD")
    )


def test_remaining_figures_draw():
    left, middle, right = style.axes(1, 3)
    plots.learning({"loss": [1, 0.5], "val_loss": [1.2, 0.7]}, ax=left, best_epoch=2)
    plots.parity([0, 1], [0.1, 0.9], ax=middle, phase=Phase.CBD, score=0.98)
    plots.shares({"SL": {Phase.AM: 0.6, Phase.CBD: 0.4}}, ax=right)
    plots.profile(
        xr.DataArray([0.1, 0.2], {"z_um": [0.5, 1.5]}, ["z_um"]), ax=style.axes(), interface_um=1
    )
    plots.color_map(np.eye(3), ax=style.axes(), extent_um=(3, 3), label="F")
    plots.lines({"kmeans": ([0, 1], [1, 2]), "b": ([0, 1], [2, 1])}, ax=style.axes())
    plt.gcf().canvas.draw()


@pytest.mark.usefixtures("opengl")
def test_rendering_shows_only_the_asked_phase():
    from analysis.figures import render

    labels = np.zeros((12, 12, 12), np.uint8)
    labels[:6] = Phase.AM
    am = render.picture(labels, 0.642, (Phase.AM,), size=(120, 120), box=False)
    none = render.picture(labels, 0.642, (Phase.CBD,), size=(120, 120), box=False)
    assert (none >= 250).all()
    filled = np.argwhere((am < 245).any(axis=2))
    assert len(filled) > 500
