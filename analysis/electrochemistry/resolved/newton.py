"""One implicit time step of the resolved cell.

A Newton iteration on the fields of a :class:`cell.ResolvedCell`

1. solves the lithium response of the AM with Butler-Volmer implicit on its diagonal,
2. solves psi, phi_s and c_e together by conjugate residuals, with the exact derivative of
   the conservative fluxes and with slopes of the reaction that are damped by the lumped
   response of the lithium, 1 / (1 + u S), and
3. solves the lithium again with the new potentials.

Convergence is judged by the largest change of any unknown in any voxel that is still to come.
What the residual after an iteration says of it is enough in most steps: one iteration does, which
therefore solves its linear system as far as the step needs.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.resolved import conservation, field_sums, interface
from analysis.electrochemistry.resolved import electrolyte_fluxes as _electrolyte
from analysis.electrochemistry.resolved import solid_diffusion as lithium
from analysis.electrochemistry.resolved.linear_solver import exchange, lithium_electrode
from analysis.electrochemistry.resolved.linear_solver.bicgstab import bicgstab
from analysis.electrochemistry.resolved.linear_solver.coarse_levels import PHI, PSI, SALT
from analysis.electrochemistry.resolved.linear_solver.conjugate_residuals import (
    conjugate_residuals,
    residual_norm,
)
from analysis.electrochemistry.transport import fields, vectors
from analysis.electrochemistry.transport import stencil as _stencil

LEFT_OVER = 0.3  # residual of conjugate residuals, relative, from which another method goes on
FAILED = 0.9  # residual of the linear solver, relative, that is no solution
# Levels of solid that full, badly conducting AM surrounds hardly show in the residual. They make
# the linear solver slow; from then on it must solve more exactly, or iterations seem to converge
# before these levels have moved.
SLOW = 28  # cycles for a tenth of the residual
LARGEST_STEP_V = 0.3  # of a potential per Newton iteration
# An iteration has converged if the residual after it says so. Parts that hardly show in the
# residual may be more wrong than the rest (measured: a third of it to eight times).
HIDDEN = 5.0
UNSEEN = 3.0  # that much larger than a cycle's may be the change that it stands for
AIM = 0.3  # part of the tolerances that the linear solver may leave
FINEST = 0.04  # residual asked of the linear solver at most, over the usual one
NEAR = 300.0  # tolerances, from which on the balances may be closed


@dataclass(frozen=True)
class Tolerance:
    """
    When a Newton iteration has converged.

    Attributes
    ----------
    potential_V, salt_mol_m3, lithium_mol_m3 : float
        Largest change of psi, of salt and of lithium in any voxel; the potential also of the
        collector. The solid potential of single voxels is judged by the lithium that it moves:
        floating clusters of binder in full, badly conducting AM have none that matters.
    krylov : float
        Residual asked of the linear solver, relative; less, to `FINEST` times, where the iteration
        may then be the last, and where changes grow from one to the next.
    balance : float
        Largest relative correction of salt and of the lithium of the step by the global balances,
        see :mod:`conservation`.
    current : float
        Largest relative mismatch of the current of an electrode.
    max_iterations, max_cycles : int
        Newton iterations of a step, and V-cycles of an iteration.
    """

    potential_V: float = 1e-4
    salt_mol_m3: float = 1.0
    lithium_mol_m3: float = 50.0
    krylov: float = 0.05
    balance: float = 1e-3
    current: float = 1e-5
    max_iterations: int = 12
    max_cycles: int = 80


@dataclass(frozen=True)
class NewtonResult:
    """What a step of Newton iterations did."""

    converged: bool
    iterations: int
    cycles: int
    changes: tuple  # of the last iteration: psi, voltage, c_e, c_s
    reason: str = ""


def solve_step(cell, current_A_m2, weight, tolerance, scale_A_m2=None):
    """
    Newton iterations from the predicted fields to the end of a time step.

    Parameters
    ----------
    cell : cell.ResolvedCell
        Predicted state; changed.
    current_A_m2 : float
        Current per area, positive for lithiation.
    weight : float
        Leading coefficient of the time difference [1/s]; its other terms are in ``history``.
    tolerance : Tolerance
        When to stop.
    scale_A_m2 : float, optional
        Current against which the balances are judged, for a rest has none of its own; by default
        the current.

    Returns
    -------
    outcome : NewtonResult
        Whether it converged, and the work.
    """
    cycles, previous, failures, slowest = 0, np.inf, 0, 0.0
    exact = 0.2 * tolerance.krylov
    balances = conservation.Balances(cell, current_A_m2, scale_A_m2)
    balances.carry()
    rtol = exact if cell.slow else _reduction(cell.first_change, tolerance)
    changes = (np.inf,) * 4
    volts = tolerance.potential_V
    limits = np.array([volts, volts, tolerance.salt_mol_m3, tolerance.lithium_mol_m3])
    pending = _evaluate(cell, current_A_m2, weight)
    for iteration in range(1, tolerance.max_iterations + 1):
        changes, n, before = _iterate(cell, weight, rtol, tolerance.max_cycles)
        cycles += n
        pace = n / np.log10(1 / rtol)
        slowest = max(slowest, pace)
        if not np.all(np.isfinite(changes)):
            return NewtonResult(False, iteration, cycles, changes, "not finite")
        worst = float(np.max(np.array(changes) / limits))
        if iteration == 1:
            cell.first_change = worst
        solved = cell.linear_residual < FAILED  # no change without a solution is no convergence
        failures += not solved
        if failures > 1:  # a shorter step has more of its storage on the diagonal
            return NewtonResult(False, iteration, cycles, changes, "the linear solver fails")
        near = worst < NEAR and solved
        if near:
            cell.shifts = balances.close_sums(weight)
        pending = _evaluate(cell, current_A_m2, weight)
        # what is left: what the residual says, some of which it may hide; what a cycle finds of
        # it; or, as the last change says, that change times the contraction
        left = HIDDEN * worst * (_norm(cell) / before if before > 0 else 0.0)
        if near and left >= 1:
            left = min(left, float(np.max(UNSEEN * np.array(_next_change(cell)) / limits[:3])))
        expected = left
        if iteration > 1 and worst < 8:
            left = min(left, worst * min(1.0, worst / previous))
        left = max(left, pending / limits[3])
        if near and left < 1:
            shift = max(abs(cell.shifts[0]), abs(cell.shifts[1]))
            if shift < tolerance.balance:
                if balances.close_cathode(tolerance.current) < tolerance.current:
                    cell.slow = (cell.slow or slowest > SLOW) and slowest > SLOW / 3
                    return NewtonResult(True, iteration, cycles, changes)
                pending = _evaluate(cell, current_A_m2, weight)
        if iteration > 8 and worst > 2 * previous:
            return NewtonResult(False, iteration, cycles, changes, "diverges")
        rtol = _reduction(min(expected, worst), tolerance)
        cell.slow = cell.slow or pace > SLOW
        if cell.slow or worst > previous:  # parts that hardly show in the residual were left over
            rtol = min(rtol, exact)
        previous = worst
    return NewtonResult(False, iteration, cycles, changes, "too many iterations")


def _reduction(expected, tolerance):
    """
    How far to reduce the residual where changes of `expected` tolerances are to come.

    So far that this iteration is the last, if it can be.
    """
    wanted = AIM / (HIDDEN * max(expected, 1e-3))
    usual = tolerance.krylov
    return usual if wanted < FINEST * usual else min(wanted, usual)


def _evaluate(cell, current_A_m2, weight):
    """
    Coefficients, currents and residuals at the present state.

    Returns the largest change of the lithium that is known before the potentials are.
    """
    cell.run(
        _electrolyte.properties, cell.salt, cell.table, cell.kinetics.inverse_c, cell.properties
    )
    cell.set_solid_faces()
    cell.cathode = cell.evaluate_reaction(), cell.exchange_slope
    cell.lithium_electrode()
    with cell.voxel_beside.lent("known change of the lithium") as known:
        with cell.voxel_between.lent("residual of the lithium") as residual:
            # the sums of g, which a linear system needs, are made again where there is one
            cell.over_faces(
                interface.sum_slopes,
                *(cell.rates, cell.inverse_f, cell.slope.ravel(), known.ravel()),
            )
            cell.lithium_residual(weight, residual)
            cell.over_faces(
                lithium.subtract_currents, cell.rates.current, cell.inverse_f, residual.ravel()
            )
            cell.solve_lithium(residual, known, weight, 0.05)
        pending = cell.pool.peak(field_sums.largest, cell.voxel_size, cell.voxel_nz, known)
        _residual(cell, current_A_m2, weight, known)
    return float(pending)


def _next_change(cell):
    """Changes of psi, of the voltage and of the salt by one cycle for the present residual."""
    with cell.between.lent(*range(6)) as six:
        x = six[:3]
        cell.preconditioner.cycle(cell.work.r, x, six[3:])
        psi, terminal = _largest_changes(cell, x)
        salt = cell.pool.peak(field_sums.largest, cell.size, cell.nz, x[SALT])
    return psi, terminal, float(salt) * cell.unit


def _largest_changes(cell, x):
    """Largest change of psi where there is salt, and that of the voltage."""
    psi = cell.pool.peak(
        field_sums.largest_in_electrolyte, cell.size, cell.nz, x[PSI], cell.salt, cell.properties
    )
    return psi, abs(cell.pool.whole(fields.mean_of_slice, cell.nz, x[PHI]))


def _norm(cell):
    """Weighted norm of the residual, with the weights of the last linear system."""
    with cell.beside.lent("weights of the solid rows") as solid:
        weights = cell.preconditioner.weights(solid)
        return residual_norm(cell.work.r, cell.pool, weights)


def _iterate(cell, weight, rtol, max_cycles):
    """
    One Newton iteration from what :func:`_evaluate` left.

    Returns the largest changes, the cycles of the linear solver and the norm of the residual that
    it began with.
    """
    _linearize(cell, weight)
    with cell.beside.lent("weights of the solid rows") as solid:
        system = (
            *(cell.work, lambda x, y: _jacobian(cell, weight, x, y)),
            *(cell.preconditioner.cycle, cell.pool),
        )
        weights = cell.preconditioner.weights(solid)
        before = residual_norm(cell.work.r, cell.pool, weights)
        options = dict(max_cycles=max_cycles, weights=weights)
        cycles, left = conjugate_residuals(*system, rtol=rtol, **options)
        cell.linear_residual = left
        if left > LEFT_OVER:
            more, rest = bicgstab(*system, rtol=rtol / left, **options)
            cycles, cell.linear_residual = cycles + more, left * rest
    conservation.shift_potentials(cell)
    return _update(cell, weight), cycles, before


def _linearize(cell, weight):
    """Coefficients of the linear system and of its preconditioner, beside those of `_evaluate`."""
    solver = cell.preconditioner
    g, m = solver.g[0], solver.m[0]
    cell.run(vectors.clear, g)
    cell.run(vectors.clear, m)
    with cell.voxel_between.lent("load") as load:
        cell.run_lithium(vectors.clear, load)
        cell.over_faces(
            interface.sum_slopes, cell.rates, cell.inverse_f, cell.slope.ravel(), load.ravel()
        )
        cell.solve_lithium(load, cell.response, weight, 0.05, reacting=False, warm=True)
    cell.over_faces(interface.damp, cell.rates, cell.response.ravel(), g.ravel(), m.ravel())
    solver.links.sum_slopes(cell.pool, cell.faces, cell.rates)
    cell.set_electrolyte_faces(weight)
    for field, slope in ((PSI, cell.metal.rise), (SALT, cell.metal.fall)):
        cell.pool.whole(lithium_electrode.set_boundary, slope, solver.levels[field][0].cz)
    solver.rebuild()


def _residual(cell, current_A_m2, weight, known):
    """Write the residuals of charge, electrons and salt, with the known change of the lithium."""
    work = cell.work
    cell.run(
        _electrolyte.residual,
        *(_electrolyte.ChargeSalt(cell.psi, cell.salt), cell.histories[0], cell.electrolyte),
        *(weight, _electrolyte.ChargeSalt(work.r[PSI], work.r[SALT])),
    )
    solid = cell.preconditioner.levels[PHI][0]
    with cell.between.lent("applied current") as source:
        cell.run(vectors.clear, source)
        cell.pool.whole(fields.set_slice, cell.nz, current_A_m2 * cell.edge * -1.0, source)
        cell.run(
            _stencil.defect,
            *(cell.phi, source, solid.faces, solid.e, False, work.r[PHI]),
        )
    cell.over_faces(interface.add_currents, cell.rates, known.ravel(), exchange.flat(work.r))
    cell.pool.whole(lithium_electrode.add_current, cell.metal, work.r[PSI], work.r[SALT])


def _jacobian(cell, weight, x, y):
    """Write the derivative of the three balances in the direction x."""
    cell.run(
        _electrolyte.jacobian,
        *(_electrolyte.ChargeSalt(cell.psi, cell.salt), cell.electrolyte),
        *(np.float32(cell.unit), np.float32(weight)),
        *(_electrolyte.ChargeSalt(part[PSI], part[SALT]) for part in (x, y)),
    )
    solid = cell.preconditioner.levels[PHI][0]
    cell.run(_stencil.apply, x[PHI], solid.faces, solid.e, False, y[PHI])
    solver = cell.preconditioner
    solver.over_links(exchange.exchange, solver.links.slopes, exchange.flat(x), exchange.flat(y))
    cell.pool.whole(
        lithium_electrode.add_change, cell.metal, *((part[PSI], part[SALT]) for part in (x, y))
    )


def _update(cell, weight):
    """Add the solution to the fields, solve the lithium again; returns the largest changes."""
    work = cell.work
    x = work.x
    psi, terminal = _largest_changes(cell, x)
    if not np.isfinite(psi + terminal):
        return (np.nan,) * 4
    for part in (x[PSI], x[PHI]):
        cell.run(field_sums.limit, np.float32(LARGEST_STEP_V), part)
    with (
        cell.voxel_between.lent("residual of the lithium") as residual,
        cell.voxel_beside.lent("change of the lithium") as change,
    ):
        cell.lithium_residual(weight, residual)
        cell.over_faces(
            interface.lithium_load, cell.rates, exchange.flat(x), cell.inverse_f, residual.ravel()
        )
        cell.run(field_sums.add_potential, 1.0, x[PSI], cell.psi)
        cell.run(field_sums.add_potential, 1.0, x[PHI], cell.phi)
        salt = cell.pool.peak(
            field_sums.add_salt, cell.size, cell.nz, cell.unit, x[SALT], cell.properties, cell.salt
        )
        cell.solve_lithium(residual, change, weight, 0.01)
        cell.over_faces(interface.follow_lithium, cell.rates, change.ravel())
        moved = cell.pool.peak(
            lithium.add,
            *(cell.voxel_size, cell.voxel_nz),
            *(change, cell.active, *cell.bounds, cell.lithium),
        )
    return float(psi), terminal, float(salt), float(moved)
