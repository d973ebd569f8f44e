"""Agreement of label volumes whose answer can be read off the page."""

import numpy as np
import pytest

from analysis.phases import Phase
from analysis.segmentation.agreement import (
    confusion,
    confusions,
    equally_assigned,
    jaccard,
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
