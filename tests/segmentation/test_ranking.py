"""Exactly n voxels, the same ones every time."""

import numpy as np
import pytest

from analysis.phases import Phase
from analysis.segmentation.ranking import counts_for, highest


@pytest.mark.parametrize("n", [0, 1, 7, 499, 1000])
@pytest.mark.parametrize("levels", [3, 2**30])
def test_marks_what_a_stable_sort_would_mark(n, levels):
    values = np.random.default_rng(1).integers(0, levels, (10, 10, 10))
    expected = np.zeros(values.size, dtype=bool)
    expected[np.argsort(-values.ravel(), kind="stable")[:n]] = True
    np.testing.assert_array_equal(highest(values, n).ravel(), expected)


def test_marks_only_candidates_and_breaks_ties_by_the_second_value():
    rng = np.random.default_rng(2)
    values = rng.integers(0, 4, (8, 8, 8))
    second = rng.random((8, 8, 8))
    among = rng.random((8, 8, 8)) < 0.6
    marked = highest(values, 150, among=among, second=second)
    order = np.lexsort((-second.ravel(), -values.ravel()))
    expected = order[among.ravel()[order]][:150]
    assert set(np.flatnonzero(marked)) == set(expected)


def test_works_on_views_that_are_not_contiguous():
    values = np.random.default_rng(3).random((6, 7, 8))
    turned = values.transpose(2, 0, 1)[::-1]
    np.testing.assert_array_equal(highest(turned, 50), highest(values, 50).transpose(2, 0, 1)[::-1])


def test_too_many_voxels_is_an_error_with_both_numbers():
    with pytest.raises(ValueError, match="9 voxels were asked for, but there are 8"):
        highest(np.zeros((2, 2, 2)), 9)


def test_other_shape_is_an_error():
    with pytest.raises(ValueError, match="`among` has shape"):
        highest(np.zeros((2, 2, 2)), 1, among=np.ones(8, dtype=bool))


@pytest.mark.parametrize("n_voxels", [1, 10, 997, 256 * 96 * 96])
def test_counts_sum_up_and_stay_within_one_voxel(n_voxels):
    targets = {Phase.PORE: 0.1738, Phase.CBD: 0.2308, Phase.AM: 0.5954}
    counts = counts_for(targets, n_voxels)
    assert sum(counts.values()) == n_voxels
    for phase, count in counts.items():
        assert abs(count - targets[phase] * n_voxels) < 1
