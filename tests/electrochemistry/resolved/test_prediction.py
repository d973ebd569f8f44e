"""What a time step starts from: extrapolated fields, and potentials that carry a new current."""

import numpy as np
import pytest

from analysis.electrochemistry.resolved import conservation, time_differences


def run(kernel, *args):
    return kernel(0, 3, *args)


def padded(values):
    return np.pad(np.full((3, 3, 3), values, float), 1)


@pytest.mark.parametrize("steps", [(1.0, 1.0, 1.0), (1.0, 1.6, 2.56), (3.0, 0.7, 1.1)])
def test_a_parabola_in_time_is_predicted_exactly(steps):
    def field(t):
        return 3.0 + 2.0 * t - 0.05 * t * t

    t = np.cumsum((0.0, *steps))
    values = [padded(field(time)) for time in t]
    change, earlier = values[2] - values[1], values[1] - values[0]
    factors = time_differences.parabola(steps[2], steps[1], steps[0])
    out = np.zeros_like(values[0])
    run(time_differences.extrapolate_salt, values[2], change, earlier, factors, out)
    np.testing.assert_allclose(out[1:-1, 1:-1, 1:-1], field(t[3]), rtol=1e-12)


def test_a_line_is_predicted_where_there_was_one_step():
    factors = time_differences.parabola(2.0, 1.0, 0.0)
    assert time_differences.next_change(0.5, 7.0, factors) == 1.0


def test_a_bend_is_at_most_half_of_the_line():
    """Salt that has just been used up: the last change says nothing of the one before."""
    factors = time_differences.parabola(1.0, 1.0, 1.0)
    assert time_differences.next_change(-1.0, -100.0, factors) == pytest.approx(-0.5)
    assert time_differences.next_change(-1.0, 100.0, factors) == pytest.approx(-1.5)


def test_potentials_are_remembered_without_rounding_of_the_voltage():
    """A good conductor at 4 V: neighbors differ by less than float32 resolves there."""
    rng = np.random.default_rng(0)
    psi, phi = padded(-0.1), padded(4.0)
    past = time_differences.PastPotentials(psi, phi, 4.0)
    small = 1e-8 * rng.standard_normal((3, 3, 3))
    for voltage in (3.95, 3.91):
        phi[1:-1, 1:-1, 1:-1] = voltage + small
        past.remember(run, voltage, (psi, phi))
    found = [np.zeros_like(phi) for _ in range(2)]
    past.predict(run, time_differences.NO_CHANGE, found)
    np.testing.assert_allclose(found[1][1:-1, 1:-1, 1:-1] - 3.91, small, atol=2e-15)
    past.predict(run, time_differences.parabola(1.0, 1.0, 1.0), found)
    np.testing.assert_allclose(found[1][1:-1, 1:-1, 1:-1], 3.91 - 0.03, atol=1e-7)
    copy = time_differences.PastPotentials(psi, phi, 0.0)
    copy.restore(past.arrays())
    again = [np.zeros_like(phi) for _ in range(2)]
    copy.predict(run, time_differences.parabola(1.0, 1.0, 1.0), again)
    np.testing.assert_array_equal(again[1], found[1])


@pytest.mark.parametrize("current", [1.0, 50.0, -20.0])
def test_a_new_current_is_carried_by_a_shift(current):
    """An electrode with the kinetics of a sinh, far from the current that is asked for."""
    potential, scale = padded(0.0), abs(current)

    def mismatch():
        drive = -20.0 * potential[1, 1, 1]
        return (np.sinh(drive) - current) / scale, 20.0 * np.cosh(drive)

    assert conservation.carry(run, mismatch, potential, scale)
    assert abs(mismatch()[0]) < conservation.ABRUPT
    before = potential.copy()
    assert not conservation.carry(run, mismatch, potential, scale)
    np.testing.assert_array_equal(potential, before)
