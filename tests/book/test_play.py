"""Figures that answer a hand: what the page says is what Python counts, by keyboard alone."""

import re

import numpy as np
import pytest

from analysis import electrodes
from analysis.figures.play import gamma, thresholds
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import agreement
from analysis.study.trinarization import standing

pytestmark = pytest.mark.book
TARGETS = electrodes.electrode("SL").targets()


@pytest.fixture(scope="module")
def volume():
    """Gray values that know something of the truth, and the truth."""
    rng = np.random.default_rng(3)
    truth = rng.choice(3, size=(30, 12, 20), p=[TARGETS[p] for p in Phase]).astype(np.uint8)
    return np.array([0.1, 0.3, 1.0])[truth] + rng.normal(0, 0.15, truth.shape), truth


@pytest.fixture
def opened(visit, tmp_path):
    """Opens a figure alone on a page, network cut."""
    tabs = []

    def show(figure, width=700):
        file = tmp_path / "figure.html"
        file.write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8">{figure.html}</html>'
        )
        tabs.append(visit(width))
        page = tabs[-1].open(file)
        return page, tabs[-1]

    yield show
    for tab in tabs:
        tab.context.close()


def counted(gray, truth, cbd, am):
    """Scores of two thresholds, by the functions of the package."""
    level, _ = thresholds.levels_of(gray)
    labels = np.select([level >= am, level >= cbd], [Phase.AM, Phase.CBD], Phase.PORE)
    scores = standing.score(agreement.confusion(truth, labels.astype(np.uint8)))
    return scores, volume_fractions(labels.astype(np.uint8))


def said(page):
    return page.locator(".cbd-play-said").inner_text()


@pytest.mark.parametrize(("cbd", "am"), [(40, 120), (70, 90), (10, 180)])
def test_the_page_counts_as_the_package_does(opened, volume, cbd, am):
    figure = thresholds.thresholds(*volume, targets=TARGETS, voxel_size_um=0.642, name="t")
    page, tab = opened(figure)
    for key, value in (("am", 200), ("cbd", cbd), ("am", am)):
        page.locator(f'input[data-key="{key}"]').fill(str(value))
    scores, fractions = counted(*volume, cbd, am)
    text = said(page)
    assert float(re.search(r"Kappa of CBD against pore (-?[\d.]+)", text)[1]) == pytest.approx(
        scores["kappa"], abs=6e-4
    )
    for phase in Phase:
        shown = float(re.search(rf"{phase.title} ([\d.]+) %", text)[1])
        assert shown == pytest.approx(100 * fractions[phase], abs=0.051)
    shares = [int(share) for share in re.findall(r"(?:true CBD: |AM finds )(\d+) %", text)]
    expected = [100 * scores["recall CBD"], 100 * scores["chance recall"]]
    assert shares == pytest.approx(expected, abs=0.51)
    assert not tab.problems


def test_thresholds_move_by_keyboard_push_each_other_and_come_back(opened, volume):
    page, tab = opened(
        thresholds.thresholds(*volume, targets=TARGETS, voxel_size_um=0.642, name="t")
    )
    start = said(page)
    cbd, am = (page.locator(f'input[data-key="{key}"]') for key in ("cbd", "am"))
    cbd.focus()
    page.keyboard.press("ArrowRight")
    assert said(page) != start
    page.keyboard.press("End")  # above the upper one, which gives way
    assert am.input_value() == cbd.input_value() == str(thresholds.LEVELS)
    assert "AM 0.0 %" in said(page)
    page.locator("button").focus()
    page.keyboard.press("Enter")
    assert said(page) == start
    for phase in Phase:
        shown = float(re.search(rf"{phase.title} ([\d.]+) %", start)[1])
        assert shown == pytest.approx(100 * TARGETS[phase], abs=1.0)
    assert not tab.problems


def cells():
    """Curves whose voltage falls the slower, the larger gamma is."""
    q = np.linspace(0, 5, 80)
    one = {g: (q * g / 0.1, 4 - 0.2 * q) for g in (0.05, 0.08, 0.1, 0.2)}
    two = {g: (q * g / 0.1, 4.1 - 0.3 * q) for g in one}
    measured = (q, 4 - 0.2 * q)
    return {("SL", "truth"): (one, measured), ("TL", "kmeans"): (two, measured)}


def test_gamma_is_fitted_by_keyboard(opened):
    data = cells()
    page, tab = opened(gamma.gamma(data, gamma_true=0.1, name="g"))
    slider = page.locator("input")
    slider.focus()
    simulated, experiment = data["SL", "truth"]
    page.keyboard.press("Home")
    for value in sorted(simulated):
        thinned = [gamma._thinned(*curve) for curve in (simulated[value], experiment)]
        shown = float(re.search(r"experiment ([\d.]+) mV", said(page))[1])
        assert shown == pytest.approx(1e3 * gamma.misfit_V(*thinned), abs=0.06)
        page.keyboard.press("ArrowRight")
    assert "Best so far: γ = 0.100 with 0.0 mV" in said(page)
    assert "made with" not in said(page)
    page.locator("button").focus()
    page.keyboard.press("Enter")
    assert "made with γ = 0.100: your best is 1.00 times" in said(page)
    page.locator("select").nth(1).select_option("kmeans")
    assert "not fitted in this run" in said(page)
    page.locator("select").nth(0).select_option("TL")
    assert "Rms difference" in said(page)
    assert not tab.problems


def test_figures_fit_a_phone(opened, volume):
    for figure in (
        thresholds.thresholds(*volume, targets=TARGETS, voxel_size_um=0.642, name="t"),
        gamma.gamma(cells(), gamma_true=0.1, name="g"),
    ):
        page, _ = opened(figure, width=400)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 400
