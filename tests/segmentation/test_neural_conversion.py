"""Nine conversions of predicted fractions into labels."""

from itertools import permutations

import numpy as np
import pytest

from analysis.phases import Phase
from analysis.segmentation.networks import neural

TARGETS = {Phase.PORE: 0.1738, Phase.CBD: 0.2308, Phase.AM: 0.5954}


@pytest.fixture
def composition():
    rng = np.random.default_rng(2022)
    return np.moveaxis(rng.dirichlet([1, 1, 1], size=(20, 21, 22)), -1, 0).astype(np.float32)


def test_there_are_six_orders_and_three_conditionals():
    orders = [phases for phases in neural.CONVERSIONS.values() if len(phases) == 3]
    assert sorted(orders) == sorted(permutations(Phase))
    singles = [phases[0] for phases in neural.CONVERSIONS.values() if len(phases) == 1]
    assert sorted(singles) == sorted(Phase)


@pytest.mark.parametrize("method", neural.CONVERSIONS)
def test_targets_are_met_to_one_voxel(composition, method):
    labels = neural.trinarize(composition, TARGETS, method)
    counts = np.bincount(labels.ravel(), minlength=3)
    exact = np.array([TARGETS[phase] for phase in Phase]) * labels.size
    assert np.abs(counts - exact).max() < 1
    assert labels.dtype == np.uint8 and labels.shape == composition.shape[1:]


@pytest.mark.parametrize("method", neural.CONVERSIONS)
def test_targets_are_met_when_every_voxel_is_alike(method):
    alike = np.full((3, 6, 6, 6), 1 / 3, dtype=np.float32)
    counts = np.bincount(neural.trinarize(alike, TARGETS, method).ravel(), minlength=3)
    assert np.abs(counts - 216 * np.array([TARGETS[phase] for phase in Phase])).max() < 1


@pytest.mark.parametrize("method", neural.CONVERSIONS)
def test_certain_prediction_is_returned_unchanged(method):
    truth = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], 9)).reshape(3, 3, 3)
    certain = np.stack([truth == phase for phase in Phase]).astype(float)
    labels = neural.trinarize(certain, dict.fromkeys(Phase, 1 / 3), method)
    np.testing.assert_array_equal(labels, truth)


@pytest.mark.parametrize("order", list(permutations(Phase)))
def test_ordered_conversion_equals_sorting_by_hand(composition, order):
    fractions = composition.reshape(3, -1)
    labels = np.full(fractions.shape[1], order[2])
    free = np.ones(labels.size, bool)
    for phase in order[:2]:
        count = round(TARGETS[phase] * labels.size)
        candidates = np.argsort(np.where(free, -fractions[phase], np.inf), kind="stable")
        labels[candidates[:count]] = phase
        free[candidates[:count]] = False
    ours = neural.trinarize_ordered(composition, TARGETS, order).ravel()
    assert np.count_nonzero(ours != labels) <= 1  # a count may round the other way


@pytest.mark.parametrize("first", Phase)
def test_conditional_conversion_ranks_by_the_share_among_the_rest(composition, first):
    labels = neural.trinarize_conditional(composition, TARGETS, first)
    second, third = (phase for phase in Phase if phase != first)
    conditional = composition[second] / (composition[second] + composition[third])
    assert conditional[labels == second].min() >= conditional[labels == third].max()
    assert composition[first][labels == first].min() >= composition[first][labels != first].max()


def test_conditional_conversion_does_not_depend_on_which_rival_is_named_second(composition):
    swapped = composition[[1, 0, 2]]
    targets = {Phase.PORE: TARGETS[Phase.CBD], Phase.CBD: TARGETS[Phase.PORE], Phase.AM: 0.5954}
    ours = neural.trinarize_conditional(composition, TARGETS, Phase.AM)
    theirs = neural.trinarize_conditional(swapped, targets, Phase.AM)
    relabelled = np.array([1, 0, 2], dtype=np.uint8)[theirs]
    assert np.count_nonzero(ours != relabelled) <= 2


def test_unknown_conversion_lists_the_known_ones(composition):
    with pytest.raises(ValueError, match="nn-am-cond"):
        neural.trinarize(composition, TARGETS, "nn-am")


def test_order_must_name_each_phase_once(composition):
    with pytest.raises(ValueError, match="once"):
        neural.trinarize_ordered(composition, TARGETS, (Phase.AM, Phase.AM, Phase.CBD))


def test_composition_of_wrong_shape_is_refused(composition):
    with pytest.raises(ValueError, match=r"expected \(3, Z, Y, X\)"):
        neural.trinarize_conditional(composition[:2], TARGETS, Phase.AM)


def test_composition_with_nan_is_refused(composition):
    composition[1, 2, 3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        neural.trinarize_ordered(composition, TARGETS, tuple(Phase))
