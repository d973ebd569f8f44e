"""Noise in the last digits of the gray values changes next to nothing, in any method.

Another processor or another version of a library gives gray values that differ by less than a
millionth of their range. No result may hang on that.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analysis
from analysis.instruments import registration
from analysis.phases import VOXEL_SIZE_UM as H
from analysis.segmentation import clustering
from analysis.segmentation.methods import CATALOG, Inputs, trinarize
from analysis.segmentation.networks import fib, forest, neural, samples, training, unet

from ..instruments.test_registration import CORNERS, _draw, _scan, surface  # noqa: F401
from .test_clustering import TARGETS
from .test_neural import blurred_phases
from .test_unet import LABELLED, SMALL, TEST, stack  # noqa: F401

NOISE = 1e-6  # of the gray range
BAR = 1e-3  # share of the labels that may change
SHAPE = (32, 36, 28)


def noisy(gray, seed):
    noise = np.random.default_rng(seed).standard_normal(gray.shape)
    return (gray + NOISE * np.ptp(gray) * noise).astype(np.float32)


def real_valued(shape, seed):
    """Gray values that fill their range, unlike whole numbers, on which the noise is lost."""
    gray, composition = blurred_phases(shape, seed)
    blur = np.random.default_rng(seed).uniform(-0.5, 0.5, gray.shape)
    return (gray + blur).astype(np.float32), composition


@pytest.fixture(scope="module")
def volume():
    return real_valued(SHAPE, 1)[0]


def inputs_of(gray, composition=None):
    return Inputs(
        targets=TARGETS,
        gray=gray,
        seed=3,
        n_sample=8000,
        composition=composition,
        cbd_profile=np.linspace(1.1, 0.9, len(gray)),
    )


@pytest.mark.parametrize("start", ["quantiles", "extremes"])
@pytest.mark.parametrize("name", ["thresholding", "kmeans", "edx-closing"])
def test_labels_do_not_hang_on_the_last_digits(volume, name, start):
    labels, *others = (
        trinarize(name, replace(inputs_of(gray), kmeans_start=start))
        for gray in (volume, noisy(volume, 1), noisy(volume, 2))
    )
    for other in others:
        assert np.mean(other != labels) <= BAR


def test_the_weights_do_not_hang_on_the_last_digits(volume):
    first, second = (
        clustering.fit(gray, TARGETS, seed=3, n_sample=8000) for gray in (volume, noisy(volume, 4))
    )
    np.testing.assert_allclose(second.shell_weights, first.shell_weights, rtol=2e-2)
    near = 1e-4 * np.ptp(volume)
    np.testing.assert_allclose(second.centroids, first.centroids, rtol=0, atol=near)


@pytest.fixture(scope="module")
def compositions(volume):
    """Composition of the volume by a network trained on clean and on noisy gray values."""
    gray, composition = real_valued((28, 28, 40), 0)
    known = composition[:, 8:18, 8:18, 8:29]
    found = []
    for learned, applied in ((gray, volume), (noisy(gray, 5), noisy(volume, 6))):
        labeled = samples.collect_samples(learned, known, (8, 8, 8))
        settings = training.Settings(
            activation="tanh", max_epochs=3, samples_per_epoch=15_000, seed=1, keep="last"
        )
        split = samples.split_none(len(labeled))
        trained = training.train(labeled, split, settings, progress=False)
        scale = neural.align_gray(applied, learned, "moments")
        found.append(neural.predict_composition(trained.model, applied, scale=scale))
    return found


@pytest.mark.parametrize("name", [name for name in CATALOG if name.startswith("nn-")])
def test_a_network_trained_anew_gives_the_same_labels(volume, compositions, name):
    labels, other = (trinarize(name, inputs_of(volume, found)) for found in compositions)
    assert len(np.unique(labels)) == 3
    assert np.mean(other != labels) <= BAR


def test_a_unet_trained_anew_gives_the_same_labels(stack):  # noqa: F811
    gray, truth = stack
    settings = replace(SMALL, filters=(4, 8), steps=12, crop=32)
    found = []
    for seen in (gray, noisy(gray, 3)):
        active = fib.segment_active_material(seen)
        model, _ = unet.train(seen, LABELLED, truth[LABELLED], active, settings, progress=False)
        found.append(unet.segment(model, settings, seen, active, TEST[:4]))
    assert np.mean(found[0] != found[1]) <= BAR


def test_a_forest_grown_anew_gives_the_same_labels(stack):  # noqa: F811
    gray, truth = stack
    found = []
    for seen in (gray, noisy(gray, 3)):
        active = fib.segment_active_material(seen)
        grown = forest.train(
            seen, LABELLED[:2], truth[LABELLED[:2]], active, seed=0, context=(), n_pixels=800
        )
        found.append(forest.segment(grown, seen, active, TEST[:2], context=()))
    assert np.mean(found[0] != found[1]) <= BAR


@pytest.mark.slow
def test_a_scan_is_placed_where_it_was(surface):  # noqa: F811
    gray, labels = surface
    scan = _scan(labels, _draw(1), 1)
    first, second = (
        registration.register(one, H, other, H / 2)
        for one, other in ((gray, scan), (noisy(gray, 1), noisy(scan, 2)))
    )
    assert registration.error_um(first.placement, second.placement, CORNERS) < 0.01 * H


@pytest.mark.parametrize("room", ["specimen", "instruments"])
def test_nothing_before_the_labels_is_compiled_to_another_order_of_sums(room):
    """Fast-math lets each processor add in its own order; a truth at a level then flips voxels."""
    sources = sorted((Path(analysis.__file__).parent / room).glob("*.py"))
    assert sources
    assert [path.name for path in sources if "fastmath" in path.read_text(encoding="utf-8")] == []
