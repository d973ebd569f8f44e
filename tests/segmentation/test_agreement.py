"""Agreement of label volumes whose answer can be read off the page."""

from itertools import combinations

import numpy as np
import pytest

from analysis.phases import Phase
from analysis.segmentation.agreement import (
    chance,
    confusion,
    confusions,
    equally_assigned,
    jaccard,
    kappa,
    matrices,
)


@pytest.fixture
def labels():
    return np.random.default_rng(4).integers(0, 3, (6, 7, 8)).astype(np.uint8)


def test_a_volume_agrees_with_itself(labels):
    assert equally_assigned(labels, labels) == 1
    assert all(jaccard(labels, labels, phase) == 1 for phase in Phase)


def test_against_set_definitions(labels):
    other = np.random.default_rng(5).integers(0, 3, labels.shape).astype(np.uint8)
    assert equally_assigned(labels, other) == np.mean(labels == other)
    for phase in Phase:
        a, b = labels == phase, other == phase
        assert jaccard(labels, other, phase) == np.sum(a & b) / np.sum(a | b)


def test_swapping_two_phases_leaves_the_third(labels):
    swapped = np.array([1, 0, 2], np.uint8)[labels]
    assert jaccard(labels, swapped, Phase.AM) == 1
    assert jaccard(labels, swapped, Phase.CBD) == 0


def test_confusion_counts_every_voxel_once_and_transposes(labels):
    other = np.roll(labels, 1, axis=0)
    assert confusion(labels, other).sum() == labels.size
    np.testing.assert_array_equal(confusion(labels, other), confusion(other, labels).T)


def test_matrices_hold_the_single_numbers(labels):
    other = np.roll(labels, 1, axis=2)
    found = matrices({"a": labels, "b": other, "c": labels})
    assert found["equally assigned"][0, 1] == equally_assigned(labels, other)
    assert found["CBD"][1, 0] == jaccard(labels, other, Phase.CBD)
    assert found["pore"][0, 2] == 1
    for matrix in found.values():
        np.testing.assert_array_equal(matrix, matrix.T)


def test_confusions_hold_every_pair(labels):
    volumes = [labels, np.roll(labels, 1, axis=2), np.roll(labels, 1, axis=0)]
    found = confusions(volumes)
    for i, j in np.ndindex(3, 3):
        np.testing.assert_array_equal(found[i, j], confusion(volumes[i], volumes[j]))


def test_a_phase_that_neither_holds():
    empty = np.zeros((2, 2, 2), np.uint8)
    assert np.isnan(jaccard(empty, empty, Phase.AM))


def test_different_shapes(labels):
    with pytest.raises(ValueError, match="same volume"):
        equally_assigned(labels, labels[:-1])


def dealt(labels, rng):
    """The labels with the voxels beside their AM shuffled among themselves."""
    shuffled = labels.copy()
    rest = labels != Phase.AM
    shuffled[rest] = rng.permutation(labels[rest])
    return shuffled


def kappa_by_counting(a, b):
    """The textbook's kappa from two lists of raters' answers."""
    answers = [(x, y) for x, y in zip(a.flat, b.flat, strict=True) if Phase.AM not in (x, y)]
    agree = np.mean([x == y for x, y in answers])
    by_chance = sum(
        np.mean([x == phase for x, _ in answers]) * np.mean([y == phase for _, y in answers])
        for phase in (Phase.CBD, Phase.PORE)
    )
    return (agree - by_chance) / (1 - by_chance)


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_that_of_the_textbook(labels, seed):
    rng = np.random.default_rng(seed)
    other = np.where(rng.random(labels.shape) < 0.4, labels, rng.permuted(labels)).astype(np.uint8)
    assert kappa(labels, other) == pytest.approx(kappa_by_counting(labels, other), abs=1e-12)
    assert kappa(other, labels) == pytest.approx(kappa(labels, other), abs=1e-12)


def test_kappa_does_not_count_the_active_material(labels):
    other = np.roll(labels, 1, axis=0)
    more = [np.concatenate([x, np.full((9, 7, 8), Phase.AM, np.uint8)]) for x in (labels, other)]
    assert kappa(*more) == pytest.approx(kappa(labels, other))


def test_kappa_of_equal_opposite_and_dealt_maps():
    rng = np.random.default_rng(1)
    labels = rng.choice([0, 1, 2], (40, 40, 40), p=[0.2, 0.2, 0.6]).astype(np.uint8)
    assert kappa(labels, labels) == 1
    assert kappa(labels, np.array([1, 0, 2], np.uint8)[labels]) < -0.9
    assert abs(kappa(labels, dealt(labels, rng))) < 0.02


def test_kappa_where_chance_leaves_no_room():
    am, pore = np.full((2, 2, 2), Phase.AM, np.uint8), np.zeros((2, 2, 2), np.uint8)
    assert np.isnan(kappa(am, pore)) and np.isnan(kappa(pore, pore))
    with pytest.raises(ValueError, match="same volume"):
        kappa(am, pore[:1])


@pytest.mark.parametrize("phase", [Phase.CBD, Phase.PORE])
def test_chance_is_the_mean_over_all_dealings(phase):
    """Twelve voxels, of which some true CBD and pore lie in the AM of the judged volume."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2], np.uint8).reshape(3, 2, 2)
    truth = np.array([0, 1, 1, 0, 1, 2, 0, 2, 1, 0, 2, 2], np.uint8).reshape(3, 2, 2)
    exact = []
    for chosen in combinations(range(7), 3):
        one = labels.copy()
        one.flat[:7] = 0
        one.flat[list(chosen)] = 1
        exact.append(jaccard(one, truth, phase))
    assert chance(labels, truth, phase) == pytest.approx(np.mean(exact), abs=0.004)


@pytest.mark.parametrize(
    ("shape", "shares"), [((8, 9, 10), (0.2, 0.2)), ((24, 24, 24), (0.1, 0.3))]
)
def test_chance_is_what_dealing_gives(shape, shares):
    rng = np.random.default_rng(7)
    weights = [*shares, 1 - sum(shares)]
    truth = rng.choice([0, 1, 2], shape, p=weights).astype(np.uint8)
    labels = np.where(rng.random(shape) < 0.7, truth, rng.permuted(truth)).astype(np.uint8)
    for phase in (Phase.CBD, Phase.PORE):
        found = [jaccard(dealt(labels, rng), truth, phase) for _ in range(200)]
        error = np.std(found) / np.sqrt(len(found))
        assert chance(labels, truth, phase) == pytest.approx(np.mean(found), abs=4 * error)
        assert jaccard(labels, truth, phase) > chance(labels, truth, phase) + 10 * np.std(found)


def test_chance_at_the_ends(labels):
    assert chance(labels, labels, Phase.AM) == 1
    full, none = np.ones((2, 2, 2), np.uint8), np.zeros((2, 2, 2), np.uint8)
    assert chance(full, full, Phase.CBD) == 1  # all that is dealt is CBD, and all of it is right
    assert chance(none, full, Phase.CBD) == 0
    assert chance(np.full_like(full, Phase.AM), full, Phase.CBD) == 0
    assert np.isnan(chance(none, none, Phase.CBD))
