"""Colors that readers with any color vision, and gray prints, can tell apart."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from analysis.figures import style
from analysis.phases import Phase

# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(color):
    rgb = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(color, deficiency):
    rgb = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear(color), 0, 1)
    rgb = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return rgb2lab(rgb)


def closest(colors, deficiency):
    labs = [seen(color, deficiency) for color in colors]
    return min(float(deltaE_ciede2000(a, b)) for a, b in itertools.combinations(labs, 2))


def contrast_on_white(color):
    return 1.05 / (linear(color) @ [0.2126, 0.7152, 0.0722] + 0.05)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_methods_of_table_2_and_truth_differ_for_every_reader(deficiency):
    colors = [style.METHOD_COLORS[method] for method in style.MAIN_METHODS]
    assert closest(colors, deficiency) > 10


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("palette", [style.PHASE_COLORS, style.PHASE_LINES])
def test_phases_differ_for_every_reader(deficiency, palette):
    assert closest(palette.values(), deficiency) > 30


def test_phases_differ_in_gray_print():
    lightness = sorted(rgb2lab(np.array(seen_rgb))[0] for seen_rgb in map(as_rgb, Phase))
    assert min(np.diff(lightness)) > 25


def as_rgb(phase):
    color = style.PHASE_COLORS[phase]
    return [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def test_lines_of_the_main_methods_are_seen_on_white():
    for method in style.MAIN_METHODS:
        assert contrast_on_white(style.METHOD_COLORS[method]) >= 2.8, method


def test_markers_tell_all_methods_apart_without_color():
    assert len(set(style.METHOD_MARKERS.values())) == len(style.METHODS)


def test_the_catalogue_is_the_papers():
    assert len(style.METHODS) == 13
    assert list(style.METHODS)[-1] == "truth"
    assert style.label("nn-cbd-p-am") == "NN-CBD-P-AM"


def test_figures_are_white_cards_of_the_books_width():
    panels = style.axes(1, 2)
    figure = panels[0].figure
    assert figure.get_size_inches()[0] == pytest.approx(style.PAGE_WIDTH_IN)
    assert figure.get_facecolor() == (1, 1, 1, 1)


@pytest.mark.parametrize(("label", "wider"), [("x", False), ("wider than its panel " * 4, True)])
def test_labels_are_not_cut_off_at_the_edge(label, wider):
    panels = style.axes(1, 4)
    panels[-1].set_xlabel(label)
    picture = Image.open(io.BytesIO(style.printed(panels[0].figure, kind="png")))
    assert (picture.width > style.PAGE_WIDTH_IN * style.DPI + 10) == wider


def test_ours_have_names_and_markers_that_no_method_of_the_paper_has():
    for name, shown in style.OURS.items():
        assert style.label(name) == shown.label
        assert style.color(name) == shown.color
        assert style.marker(name) == shown.marker
        assert shown.label not in {one.label for one in style.METHODS.values()}
    assert not set(style.OURS) & set(style.METHODS)
    lines = [style.OURS[name] for name in ("posterior", "posterior with profile")]
    taken = {one.marker for one in style.METHODS.values()} | {lines[0].marker}
    assert lines[1].marker not in taken
    assert style.marker("AM from k-means") is None
