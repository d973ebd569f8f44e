"""Intervals of conductivities: log-normal about the draws, and honest where draws are too sure."""

import numpy as np
import pytest

from analysis.study.limit import intervals


@pytest.mark.parametrize("scatter", [0.05, 0.096, 0.3])
def test_one_draw_has_the_interval_of_the_scatter(scatter):
    low, high = intervals.of_conductivity([0.04], scatter=scatter)
    assert high / 0.04 == pytest.approx(np.exp(1.645 * scatter), rel=0.01)
    assert low * high == pytest.approx(0.04**2, rel=1e-6)


def test_without_scatter_the_draws_stand_alone():
    values = np.linspace(1, 2, 101)
    found = intervals.of_conductivity(values, scatter=0)
    assert found == pytest.approx((1.05, 1.95), abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_truths_that_lie_as_far_as_the_scatter_says_are_held(seed):
    """Draws that are too sure hold few truths by their own spread, and the share with it."""
    rng = np.random.default_rng(seed)
    held = {0.0: 0, 0.1: 0}
    for _ in range(300):
        middle = np.log(0.05)
        truth = np.exp(middle + 0.1 * rng.normal())
        values = np.exp(middle + 0.02 * rng.normal(size=8))
        for scatter in held:
            low, high = intervals.of_conductivity(values, scatter=scatter)
            held[scatter] += low <= truth <= high
    assert held[0.1] / 300 == pytest.approx(0.9, abs=0.05)
    assert held[0.0] / 300 < 0.4


@pytest.mark.parametrize("values", [[], [0.0, 0.1], [-0.1], [np.nan]])
def test_what_is_no_conductivity_is_refused(values):
    with pytest.raises(ValueError, match="positive"):
        intervals.of_conductivity(values)
