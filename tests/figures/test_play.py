"""Figures that answer a hand: what stands in the page before a script runs."""

import numpy as np
import pytest

from analysis import electrodes
from analysis.figures.play import gamma, thresholds
from analysis.phases import Phase

TARGETS = electrodes.electrode("SL").targets()


@pytest.mark.parametrize("shift", [0.0, -3.0, 1000.0])
def test_levels_do_not_hang_on_the_unit_of_gray(shift):
    gray = np.random.default_rng(1).normal(0, 1, (8, 9, 10))
    level, edges = thresholds.levels_of(gray)
    moved, moved_edges = thresholds.levels_of(2 * gray + shift)
    assert np.abs(level - moved).max() <= 1  # a value on an edge may fall to either side
    np.testing.assert_allclose(moved_edges, 2 * edges + shift)
    inside = (level > 0) & (level < thresholds.LEVELS - 1)
    assert np.all(gray[inside] >= edges[level[inside]] - 1e-9)
    assert np.all(gray[inside] <= edges[level[inside] + 1] + 1e-9)


def test_a_constant_volume_has_one_level():
    level, edges = thresholds.levels_of(np.full((2, 3, 4), 7.0))
    assert len(np.unique(level)) == 1 and np.all(np.diff(edges) > 0)


@pytest.mark.parametrize("targets", [(0.2, 0.3, 0.5), (0.1, 0.1, 0.8), (0.5, 0.25, 0.25)])
def test_the_first_thresholds_meet_the_fractions(targets):
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 50, (3, thresholds.LEVELS)).tolist()
    cbd, am = thresholds.meeting(counts, targets)
    total = np.sum(counts, axis=0) / np.sum(counts)
    assert total[:cbd].sum() == pytest.approx(targets[Phase.PORE], abs=0.01)
    assert total[cbd:am].sum() == pytest.approx(targets[Phase.CBD], abs=0.01)


def test_volumes_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3, 4\), the truth \(2, 3, 5\)"):
        thresholds.thresholds(
            np.zeros((2, 3, 4)), np.zeros((2, 3, 5), np.uint8), targets=TARGETS,
            voxel_size_um=0.642, name="t",
        )  # fmt: skip


def test_cells_of_different_gammas_are_refused():
    curve = ([0.0, 1.0], [4.0, 3.0])
    with pytest.raises(ValueError, match="2 different lists of gammas"):
        gamma.gamma(
            {("SL", "truth"): ({0.1: curve}, curve), ("TL", "truth"): ({0.2: curve}, curve)},
            gamma_true=0.1, name="g",
        )  # fmt: skip
    with pytest.raises(ValueError, match="0 different"):
        gamma.gamma({}, gamma_true=0.1, name="g")


@pytest.mark.parametrize("value", [0.31, 1.0, 5.2, 9.99, 23.0])
def test_the_end_of_an_axis_is_a_round_number_just_above(value):
    end = gamma._round_up(value)
    assert value <= end < 2 * value + 1e-12 or end == pytest.approx(value)
    assert float(f"{end:.1g}") == pytest.approx(end)


def test_paper_gets_a_still_picture():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (8, 6, 6)).astype(np.uint8)
    page = thresholds.thresholds(
        truth + rng.normal(0, 0.3, truth.shape), truth, targets=TARGETS, voxel_size_um=0.642,
        name="t",
    )  # fmt: skip
    assert page.png.startswith(b"\x89PNG")
