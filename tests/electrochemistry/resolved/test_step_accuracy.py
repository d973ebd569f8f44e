"""What ends a step, what it leaves, and the parts that make it cheap, each against the long way."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import brentq

from analysis.electrochemistry.constants import FARADAY_C_MOL, GAS_J_MOL_K
from analysis.electrochemistry.resolved import butler_volmer, field_sums, newton
from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved.linear_solver import exchange, exchange_links
from analysis.electrochemistry.resolved.state import ResolvedCell
from analysis.electrochemistry.transport.threads import ThreadPool
from tests.electrochemistry.resolved.test_resolved import (
    EDGE_UM,
    THIN,
    cubes,
    make_cell,
    mixed,
    perturbed,
)


def cell_of_two(labels, content=0.4):
    geometry = domain.build(
        labels, 0.12, voxel_size_um=EDGE_UM / 2, cell=THIN, largest_inert=0.6, voxels_per_cell=2
    )
    cell = ResolvedCell(geometry, THIN, ThreadPool(1))
    cell.set_rest(content)
    return cell


def stepped(make, current, tolerance, seconds=20.0):
    """A cell after one step from rest."""
    cell = make()
    for store, history in zip(cell.stores, cell.histories, strict=True):
        history[:] = store / seconds
    return cell, newton.solve_step(cell, current, 1 / seconds, tolerance)


TIGHT = newton.Tolerance(1e-7, 1e-3, 0.05, 0.01, 1e-3, 1e-6, 30, 200)
STEPS = {
    "mixed": (lambda: make_cell(mixed()), 20.0),
    "cubes of particles": (lambda: make_cell(cubes()), 5.0),
    "nearly full": (lambda: make_cell(mixed(), content=0.85), 3.0),
    "cells of two": (lambda: cell_of_two(mixed((12, 8, 8))), 10.0),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_as_exact_as_its_tolerance(name):
    make, current = STEPS[name]
    cell, outcome = stepped(make, current, newton.Tolerance())
    exact, best = stepped(make, current, TIGHT)
    assert outcome.converged and best.converged
    assert outcome.iterations < best.iterations
    assert abs(cell.voltage - exact.voltage) < newton.Tolerance().potential_V
    wet = exact.storage > 0
    assert np.abs(cell.salt - exact.salt)[wet].max() < newton.Tolerance().salt_mol_m3
    moved = np.abs(cell.lithium - exact.lithium)[exact.active > 0].max()
    assert moved < newton.Tolerance().lithium_mol_m3


@pytest.mark.parametrize("name", STEPS)
def test_the_mismatch_of_the_currents_is_not_more_than_what_is_said(name):
    """The last shift of phi_s is not followed by another look at the currents: this is one."""
    make, current = STEPS[name]
    cell, outcome = stepped(make, current, newton.Tolerance())
    assert outcome.converged
    total = current * cell.edge * cell.columns
    cathode = abs(-(cell.evaluate_reaction() + total) / total)
    metal = abs((cell.lithium_electrode()[0] - total) / total)
    rounding = 2e-7  # currents of faces in float32, of which the search leaves as much
    assert cathode < cell.kirchhoff + rounding
    assert metal < cell.kirchhoff + rounding
    assert cell.kirchhoff < newton.Tolerance().current


@pytest.mark.parametrize("content, least", [(0.4, 1.0), (0.86, 1.0), (0.15, 1.0), (0.3, 1e-9)])
def test_the_reaction_solves_its_equation_at_every_face(content, least):
    """Ordinary faces, full ones, and such without salt, against a bracketing search for each."""
    cell = make_cell(mixed(), content=content)
    perturbed(cell)
    cell.salt[:] *= np.where(np.arange(cell.salt.shape[2]) % 3 == 0, least, 1.0)
    low, high = cell.bounds
    room = 1e-3 * (high - low)
    active = cell.active > 0
    cell.lithium[active] = np.clip(cell.lithium[active], low + room, high - room)
    cell.evaluate_reaction()
    k, faces, flat = cell.kinetics, cell.faces, [part.ravel() for part in (cell.psi, cell.phi)]
    psi, phi = flat
    salt, held = cell.salt.ravel(), cell.lithium.ravel()
    ocp = THIN.active.ocp
    thermal = FARADAY_C_MOL / (2 * GAS_J_MOL_K * THIN.temperature_K)
    owner = np.repeat(np.arange(len(faces.voxel)), np.diff(faces.first))
    chosen = np.random.default_rng(0).permutation(faces.count)[:60]
    scale = np.abs(cell.rates.current[chosen]).max()
    for f in chosen:
        here, e = held[faces.voxel[owner[f]]], faces.electrolyte[f]
        c = max(salt[e], 1e-15)
        B, _ = butler_volmer.diffusion_potential(
            c, k.beta0, k.log_c0, k.star, k.rest, k.tail, k.inverse_c
        )
        drop = 0.5 * np.exp(-k.log_face - k.log_slope * here) if faces.bare[f] else 0.0

        def excess(x, here=here, e=e, c=c, B=B, drop=drop, f=f):
            i = (here - k.full * x) / k.half
            z = thermal * (phi[faces.solid[f]] - psi[e] - B - drop * i - float(ocp.potential(x)))
            i0 = faces.weight[f] * k.rate * c / np.sqrt(c + k.star) * np.sqrt(x * (1 - x))
            return i0 * 2 * np.sinh(np.clip(z, -9, 9)) - i

        x = brentq(excess, k.low + 1e-9, k.high - 1e-9, xtol=1e-14)
        wanted = (here - k.full * x) / k.half
        assert abs(cell.rates.current[f] - wanted) < 2e-5 * abs(wanted) + 1e-5 * scale


def test_exponentials_are_those_of_numpy():
    v = np.linspace(-18, 18, 1001)
    found = np.array([field_sums.exponential(one) for one in v])
    np.testing.assert_allclose(found, np.exp(v), rtol=1e-9)
    v = np.linspace(-40, 40, 201)
    found = np.array([field_sums.exponential(one) for one in v])
    np.testing.assert_allclose(found, np.exp(v), rtol=1e-5)


@pytest.mark.parametrize("name", STEPS)
def test_links_carry_the_currents_of_their_faces(name):
    cell = STEPS[name][0]()
    rng = np.random.default_rng(4)
    faces, links = cell.faces, cell.preconditioner.links
    rates = cell.rates
    for part in (rates.slope_phi, rates.slope_w):
        part[:] = rng.random(faces.count)
    links.sum_slopes(cell.pool, faces, rates)
    assert links.ends.count < faces.count or name.startswith("cubes")  # where none can be joined
    pairs = np.stack([links.ends.electrolyte, links.ends.solid])
    assert len(np.unique(pairs, axis=1).T) == links.ends.count
    np.testing.assert_array_equal(pairs[:, links.of_face], [faces.electrolyte, faces.solid])
    x = [rng.standard_normal(cell.psi.shape).astype("f4") for _ in range(3)]
    out = [[np.zeros_like(part) for part in x] for _ in "ab"]
    each = exchange.Slopes(rates.slope_phi, rates.slope_w)
    exchange.exchange(0, len(faces.voxel), faces, each, exchange.flat(x), exchange.flat(out[0]))
    cell.preconditioner.over_links(
        exchange.exchange, links.slopes, exchange.flat(x), exchange.flat(out[1])
    )
    for one, other in zip(*out, strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-5, atol=2e-5)


def test_links_are_cut_at_slices():
    """Two threads may work on links of different slices: the starts are those of the slices."""
    cell = make_cell(mixed())
    ends = exchange_links.join(cell.faces, cell.shape).ends
    plane = (cell.shape[1] + 2) * (cell.shape[2] + 2)
    assert len(ends.starts) == len(cell.faces.starts)
    assert ends.starts[-1] == ends.count
    for k in range(cell.shape[0]):
        inside = ends.electrolyte[ends.starts[k] : ends.starts[k + 1]]
        assert np.all(inside // plane == k + 1)


def test_a_long_step_takes_more_iterations_than_a_short_one_and_says_so():
    make = STEPS["mixed"][0]
    short, long = (stepped(make, 20.0, newton.Tolerance(), s)[1] for s in (1.0, 60.0))
    assert short.converged and long.converged
    assert 1 <= short.iterations <= long.iterations
    none = dataclasses.replace(newton.Tolerance(), max_iterations=1)
    failed = stepped(make, 20.0, none, 60.0)[1]
    assert not failed.converged and failed.reason == "too many iterations"
