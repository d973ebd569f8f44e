"""Twelve names, one calling form, fractions met by all."""

import numpy as np
import pytest

from analysis.figures import style
from analysis.phases import Phase
from analysis.segmentation.methods import CATALOG, Inputs, available, trinarize
from analysis.segmentation.networks.conversion import CONVERSIONS
from analysis.segmentation.thresholding import deviations

from .test_clustering import TARGETS, tomogram


@pytest.fixture(scope="module")
def inputs():
    gray = tomogram((30, 32, 28))
    composition = np.random.default_rng(1).dirichlet([1, 1, 1], size=gray.shape)
    return Inputs(
        targets=TARGETS,
        gray=gray,
        seed=3,
        composition=np.moveaxis(composition, -1, 0),
        cbd_profile=np.linspace(1.1, 0.9, len(gray)),
    )


def test_twelve_methods_in_the_order_of_the_figures():
    assert len(CATALOG) == 12
    assert [*CATALOG, "truth"] == list(style.METHODS)
    assert set(CONVERSIONS) < set(CATALOG)


@pytest.mark.parametrize("name", list(CATALOG))
def test_each_method_meets_its_fractions(inputs, name):
    labels = trinarize(name, inputs)
    misses = {phase: abs(miss) for phase, miss in deviations(labels, TARGETS).items()}
    thousandth = 1e-3 * labels.size
    if name == "edx-closing":  # keeps the AM of k-means; its CBD is exact
        assert misses.pop(Phase.CBD) < 1
    exact = CATALOG[name].exact and name != "edx-closing"
    assert max(misses.values()) < (1 if exact else thousandth)


def test_edx_closing_keeps_the_am_of_kmeans(inputs):
    np.testing.assert_array_equal(
        trinarize("edx-closing", inputs) == Phase.AM, trinarize("kmeans", inputs) == Phase.AM
    )


def test_what_is_missing_is_said(inputs):
    gray_only = Inputs(targets=TARGETS, gray=inputs.gray, seed=1)
    assert available(gray_only) == ["thresholding", "kmeans"]
    with pytest.raises(ValueError, match="edx-closing needs cbd_profile.* thresholding, kmeans"):
        trinarize("edx-closing", gray_only)
    with pytest.raises(ValueError, match="no method 'watershed'"):
        trinarize("watershed", gray_only)
