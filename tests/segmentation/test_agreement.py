"""Counts one can read off the page, and identities that must hold."""

import numpy as np
import pytest

from analysis.phases import Phase
from analysis.segmentation import agreement

FIRST = np.array([[[0, 0, 1], [1, 2, 2]]])
SECOND = np.array([[[0, 1, 1], [2, 2, 2]]])


@pytest.fixture
def volumes():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 3, (7, 8, 9)).astype(np.uint8) for _ in range(4)]


def test_by_hand():
    np.testing.assert_array_equal(
        agreement.confusion(FIRST, SECOND), [[1, 1, 0], [0, 1, 1], [0, 0, 2]]
    )
    assert agreement.equally_assigned(FIRST, SECOND) == pytest.approx(4 / 6)
    assert agreement.jaccard(FIRST, SECOND, Phase.PORE) == pytest.approx(1 / 2)
    assert agreement.jaccard(FIRST, SECOND, Phase.CBD) == pytest.approx(1 / 3)
    assert agreement.jaccard(FIRST, SECOND, Phase.AM) == pytest.approx(2 / 3)


@pytest.mark.parametrize("phase", list(Phase))
def test_jaccard_is_intersection_over_union(volumes, phase):
    a, b = volumes[0] == phase, volumes[1] == phase
    assert agreement.jaccard(*volumes[:2], phase) == pytest.approx((a & b).sum() / (a | b).sum())


def test_scores_are_symmetric_and_one_for_equal_volumes(volumes):
    first, second = volumes[:2]
    assert agreement.scores(first, second) == agreement.scores(second, first)
    assert set(agreement.scores(first, first).values()) == {1.0}
    assert list(agreement.scores(first, second)) == ["equally assigned", "AM", "CBD", "pore"]


def test_relabelling_both_volumes_permutes_the_scores(volumes):
    first, second = (np.array([2, 0, 1])[volume] for volume in volumes[:2])
    assert agreement.jaccard(first, second, Phase.AM) == agreement.jaccard(*volumes[:2], Phase.PORE)


def test_absent_phase_agrees(volumes):
    none = np.full((3, 3, 3), Phase.AM)
    assert agreement.jaccard(none, none, Phase.CBD) == 1


def test_pairwise_holds_every_pair(volumes):
    counts = agreement.pairwise(volumes)
    for i, first in enumerate(volumes):
        for j, second in enumerate(volumes):
            np.testing.assert_array_equal(counts[i, j], agreement.confusion(first, second))


def test_other_shape_is_refused(volumes):
    with pytest.raises(ValueError, match="same cutout"):
        agreement.equally_assigned(volumes[0], volumes[1][1:])
