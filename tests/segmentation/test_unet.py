"""Segmentation of a FIB-SEM stack: thresholds, flood fill, forest, U-Net."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from analysis.phases import Phase
from analysis.segmentation.networks import fib, forest, network, neural, unet


@pytest.fixture(scope="module")
def stack():
    """A small stack in which pores show the solid behind them, and its truth."""
    shape = (40, 64, 72)
    rng = np.random.default_rng(8)
    coarse, fine = (
        ndimage.gaussian_filter(rng.normal(size=shape), sigma, mode="wrap") for sigma in (7, 3)
    )
    am = coarse > np.quantile(coarse, 0.45)
    cbd = ~am & (fine > np.quantile(fine[~am], 0.45))
    truth = np.where(am, Phase.AM, np.where(cbd, Phase.CBD, Phase.PORE)).astype(np.uint8)
    level = np.choose(truth, [0.06, 0.42, 0.75])
    behind, depth = np.zeros(shape[1:]), np.full(shape[1:], 50.0)
    gray = np.empty(shape, dtype=np.float32)
    for index in range(shape[0] - 1, -1, -1):
        solid = truth[index] != Phase.PORE
        behind = np.where(solid, level[index], behind)
        depth = np.where(solid, 0.0, depth + 1)
        gray[index] = np.where(solid, level[index], 0.06 + 0.8 * behind * np.exp(-depth / 7))
    return gray + rng.normal(scale=0.03, size=shape).astype(np.float32), truth


LABELLED = [3, 11, 19, 27]
TEST = np.arange(31, 40, 2)
SMALL = unet.UNetSettings(filters=(8, 16), steps=40, crop=64, learning_rate=2e-2)


@pytest.fixture(scope="module")
def trained(stack):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    return unet.train(gray, LABELLED, truth[LABELLED], active, SMALL, progress=False)


def overlaps(labels, truth):
    return list(fib.jaccard(labels, truth).values())


def test_otsu_finds_the_active_material(stack):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    assert fib.jaccard(np.where(active, 2, 0), truth)[Phase.AM] > 0.97


def test_two_class_threshold_lies_below_the_upper_of_three(stack):
    gray = stack[0]
    two = fib.segment_active_material(gray, classes=2)
    three = fib.segment_active_material(gray, classes=3)
    assert (two | ~three).all() and two.sum() > three.sum()


def test_flood_fill_closes_rings_slice_by_slice():
    active = np.zeros((2, 9, 9), dtype=bool)
    active[:, 1:8, 1:8] = True
    active[:, 3:6, 3:6] = False  # enclosed
    active[1, 4, 5:] = False  # open to the right
    filled = fib.fill_inclusions(active)
    assert filled[0, 3:6, 3:6].all()
    assert not filled[1, 4, 4:].any()
    np.testing.assert_array_equal(filled[:, 0], active[:, 0])


def test_flood_fill_spares_large_inclusions():
    active = np.ones((1, 12, 12), dtype=bool)
    active[0, 2, 2] = False
    active[0, 6:9, 6:9] = False
    filled = fib.fill_inclusions(active, max_area_px=4)
    assert filled[0, 2, 2] and not filled[0, 6:9, 6:9].any()


def test_jaccard_by_hand():
    ours, truth = np.array([[[0, 0, 1, 2]]]), np.array([[[0, 1, 1, 2]]])
    assert fib.jaccard(ours, truth) == {Phase.PORE: 0.5, Phase.CBD: 0.5, Phase.AM: 1.0}


def test_context_repeats_the_end_slices():
    stack = np.arange(5)[:, None, None] * np.ones((5, 2, 3))
    channels = fib.with_context(stack, [0, 4], (-2, 0, 2))
    np.testing.assert_array_equal(channels[:, 0, 0], [[0, 0, 2], [2, 4, 4]])


def test_unet_beats_three_class_otsu_on_held_out_slices(stack, trained):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    ours = overlaps(unet.segment(trained[0], SMALL, gray, active, TEST), truth[TEST])
    otsu = overlaps(fib.segment_by_otsu(gray)[TEST], truth[TEST])
    assert ours[Phase.CBD] > otsu[Phase.CBD] + 0.02
    assert ours[Phase.PORE] > otsu[Phase.PORE] + 0.02


def test_forest_beats_three_class_otsu_on_held_out_slices(stack):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    grown = forest.train(gray, LABELLED, truth[LABELLED], active, seed=0)
    ours = overlaps(forest.segment(grown, gray, active, TEST), truth[TEST])
    otsu = overlaps(fib.segment_by_otsu(gray)[TEST], truth[TEST])
    assert ours[Phase.CBD] > otsu[Phase.CBD] + 0.02


def test_unet_loss_falls(trained):
    history = trained[1]
    assert list(history["step"]) == [10, 20, 30, 40]
    assert history["loss"].iloc[-1] < 0.4  # a coin has 0.69


def test_same_seed_gives_the_same_unet(stack):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    tiny = replace(SMALL, filters=(4, 4), context=(0,), steps=3, crop=32)
    first, again = (
        unet.train(gray, LABELLED, truth[LABELLED], active, tiny, progress=False)[0]
        for _ in range(2)
    )
    for ours, theirs in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    one, other = (unet.build_model(replace(tiny, seed=n), 0.5, 0.3) for n in range(2))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


def test_active_material_carries_no_weight(stack):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    feed = unet._crops(network.keras_module(), gray, LABELLED, truth[LABELLED], active, SMALL)
    _, target, weight = feed[0]
    assert target.shape == (4, 64, 64, 1) and weight.shape == (4, 64, 64)
    assert weight.mean() == pytest.approx(1, rel=1e-5)
    assert (weight == 0).mean() == pytest.approx(active[LABELLED].mean(), abs=0.15)


def test_slices_whose_size_is_no_multiple_of_four_are_padded_and_cropped(stack, trained):
    gray = stack[0][:, :61, :70]
    probability = unet.predict_cbd(trained[0], SMALL, gray, [0, 5, 9, 20, 39])
    assert probability.shape == (5, 61, 70)
    assert 0 <= probability.min() and probability.max() <= 1
    alone = unet.predict_cbd(trained[0], SMALL, gray, [39])
    np.testing.assert_allclose(alone[0], probability[4], atol=1e-6)


def test_unet_file_gives_the_same_probabilities(stack, trained, tmp_path):
    neural.save_model(trained[0], tmp_path / "unet.keras")
    loaded = unet.load_model(tmp_path / "unet.keras")
    ours, theirs = (
        unet.predict_cbd(model, SMALL, stack[0], TEST) for model in (trained[0], loaded)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_unet_file_is_not_taken_for_a_composition_network(trained, tmp_path):
    neural.save_model(trained[0], tmp_path / "unet.keras")
    with pytest.raises(ValueError, match="'fib_unet_2'.*expected 'composition_mlp_1'"):
        neural.load_model(tmp_path / "unet.keras")


@pytest.mark.parametrize("absent, name", [(0, "pore"), (1, "CBD"), (2, "AM")])
def test_missing_phase_in_the_training_labels_is_named(stack, absent, name):
    gray, truth = stack
    labels = truth[LABELLED].copy()
    labels[labels == absent] = (absent + 1) % 3
    active = fib.segment_active_material(gray)
    with pytest.raises(ValueError, match=f"hold no {name}"):
        unet.train(gray, LABELLED, labels, active, SMALL, progress=False)
    with pytest.raises(ValueError, match=f"hold no {name}"):
        forest.train(gray, LABELLED, labels, active, seed=0)


def test_labels_of_another_size_are_refused(stack):
    gray, truth = stack
    active = fib.segment_active_material(gray)
    with pytest.raises(ValueError, match="expected equal sizes"):
        unet.train(gray, LABELLED, truth[LABELLED, :32], active, SMALL, progress=False)
