"""Diffusion in spheres and the reaction on their surface against analytic results."""

import numpy as np
import pytest

from analysis.electrochemistry.constants import SOFT_LOGARITHM_MOL_M3
from analysis.electrochemistry.materials import DEFAULT
from analysis.electrochemistry.porous_electrode import newton_kernels as _newton1d
from analysis.electrochemistry.porous_electrode.block_elimination import eliminate
from analysis.electrochemistry.porous_electrode.butler_volmer import react, reaction
from analysis.electrochemistry.porous_electrode.mesh import exponential_fitting
from analysis.electrochemistry.porous_electrode.newton_model import BandedNewton, _packed
from analysis.electrochemistry.porous_electrode.particle_diffusion import spheres


def test_modes_have_the_exact_decay_rates():
    # roots of tan(b) = b
    roots = np.array([4.493409457909064, 7.725251836937707, 10.904121659428899])
    np.testing.assert_allclose(spheres(20).rate[1:4], roots**2, rtol=1e-8)


def test_slow_flux_gives_the_parabolic_profile():
    sphere = spheres(12)
    drop = np.sum(sphere.surface[1:] ** 2 / sphere.rate[1:])
    assert drop == pytest.approx(1 / 5, rel=1e-10)


def test_short_times_follow_the_planar_law():
    sphere = spheres(40)
    time = 1e-3  # in units of R²/D
    rise = np.sum(sphere.surface[1:] ** 2 * -np.expm1(-sphere.rate[1:] * time) / sphere.rate[1:])
    rise += time * sphere.surface[0] ** 2
    # flux into a half-space, and the first correction for the curvature
    assert rise == pytest.approx(2 * np.sqrt(time / np.pi) + time, rel=2e-3)


def surfaces(n=200):
    rng = np.random.default_rng(0)
    return (
        rng.uniform(2.9, 4.4, n),
        10 ** rng.uniform(-6, 3.3, n),
        rng.uniform(0.2, 0.96, n),
        10 ** rng.uniform(-6, -1, n),
    )


def test_reaction_solves_its_equation_and_knows_its_slopes():
    difference, c, base, response = surfaces()
    found = react(difference, c, base, response, DEFAULT, np.full(c.size, 3.8))
    np.testing.assert_allclose(base - response * found.current, found.content, atol=1e-12)
    assert np.all(found.by_potential > 0)
    step = 1e-5
    more = react(difference + step, c, base, response, DEFAULT, found.equilibrium_V)
    less = react(difference - step, c, base, response, DEFAULT, found.equilibrium_V)
    numeric = (more.current - less.current) / (2 * step)
    np.testing.assert_allclose(found.by_potential, numeric, rtol=5e-3, atol=1e-4)
    more = react(difference, c * (1 + step), base, response, DEFAULT, found.equilibrium_V)
    less = react(difference, c * (1 - step), base, response, DEFAULT, found.equilibrium_V)
    numeric = (more.current - less.current) / (2 * step * c)
    np.testing.assert_allclose(found.by_salt * c, numeric * c, rtol=1e-2, atol=1e-3)


def test_compiled_reaction_is_the_same():
    difference, c, base, response = surfaces()
    found = react(difference, c, base, response, DEFAULT, np.full(c.size, 3.8))
    numbers = _packed(DEFAULT)
    for k in range(c.size):
        i, gain, by_salt, x, U = reaction(
            *(difference[k], c[k], base[k], response[k], 3.8),
            *(numbers.rate0, numbers.soft, numbers.half_F_RT, numbers.offset, numbers.sites),
        )
        expected = found.current[k], found.by_potential[k], found.by_salt[k] * c[k]
        # Both stop at 1e-11 V; a stiff surface magnifies that in its current.
        assert U == pytest.approx(found.equilibrium_V[k], abs=1e-9)
        assert x == pytest.approx(found.content[k], abs=1e-9)
        np.testing.assert_allclose((i, gain, by_salt * c[k]), expected, rtol=2e-3, atol=1e-5)


def test_compiled_electrolyte_is_the_same():
    kap, dif, tra, bet, *_ = _packed(DEFAULT)
    electrolyte = DEFAULT.electrolyte
    for c in (0.3, 40.0, 1000.0, 2200.0):
        kappa, kappa_c, D, D_c, t, t_c = _newton1d.electrolyte(c, kap, dif, tra)
        assert kappa == pytest.approx(electrolyte.conductivity_S_m(c), rel=1e-12)
        assert D == pytest.approx(electrolyte.diffusivity_m2_s(c), rel=1e-12)
        assert t == pytest.approx(electrolyte.transference(c), rel=1e-12)
        h = 1e-4 * c
        for slope, function in (
            (kappa_c, electrolyte.conductivity_S_m),
            (D_c, electrolyte.diffusivity_m2_s),
            (t_c, electrolyte.transference),
        ):
            assert slope == pytest.approx((function(c + h) - function(c - h)) / (2 * h), rel=1e-5)
        B, B_c = _newton1d.diffusion_potential(c, 1000.0, bet, SOFT_LOGARITHM_MOL_M3)
        assert B == pytest.approx(electrolyte.diffusion_potential_V(c), rel=1e-12, abs=1e-15)
        assert B_c == pytest.approx(electrolyte.diffusion_potential_slope(c), rel=1e-12)


def test_exponential_fitting_is_exact_and_smooth():
    P = np.array([-30.0, -1.0, -1e-3, 0.0, 1e-4, 2.0, 800.0])
    factor, slope = exponential_fitting(P)
    exact = [1.0 if p == 0 else p / 2 / np.tanh(p / 2) for p in P]
    np.testing.assert_allclose(factor, exact, rtol=1e-9)
    more, _ = exponential_fitting(P + 1e-6)
    less, _ = exponential_fitting(P - 1e-6)
    np.testing.assert_allclose(slope, (more - less) / 2e-6, atol=1e-6)


def test_block_elimination_against_a_dense_solve():
    rng = np.random.default_rng(3)
    n = 7
    lower, diagonal, upper = (rng.normal(size=(n, 3, 3)) for _ in range(3))
    diagonal += 6 * np.eye(3)
    rhs = rng.normal(size=(n, 3))
    dense = np.zeros((3 * n, 3 * n))
    for k in range(n):
        dense[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] = diagonal[k]
        if k:
            dense[3 * k : 3 * k + 3, 3 * k - 3 : 3 * k] = lower[k]
        if k < n - 1:
            dense[3 * k : 3 * k + 3, 3 * k + 3 : 3 * k + 6] = upper[k]
    expected = np.linalg.solve(dense, rhs.ravel()).reshape(n, 3)
    assert eliminate(lower, diagonal, upper, rhs)
    np.testing.assert_allclose(rhs, expected, rtol=1e-9)
    assert BandedNewton  # the class uses these kernels
