"""One implicit time step of the resolved cell.

A Newton iteration on the fields of a :class:`cell.ResolvedCell`

1. solves the lithium response of the AM with Butler-Volmer implicit on its diagonal,
2. solves psi, phi_s and c_e together by conjugate residuals, with the exact derivative of
   the conservative fluxes and with slopes of the reaction that are damped by the lumped
   response of the lithium, 1 / (1 + u S), and
3. solves the lithium again with the new potentials.

Convergence is judged by the largest change of any unknown in any voxel.
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
        Residual reduction asked of the linear solver; up to five times less where changes grow
        from one iteration to the next.
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
    balance: float = 2e-4
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
    rtol = exact if cell.slow else tolerance.krylov
    scale = abs(current_A_m2 if scale_A_m2 is None else scale_A_m2)
    if scale > 0:
        (metal, cathode), unit = _electrodes(cell, current_A_m2, scale)
        if conservation.carry(cell.run, metal, cell.psi, unit):
            conservation.carry(cell.run, cathode, cell.phi, unit)
    changes = (np.inf,) * 4
    limits = np.array(
        [
            tolerance.potential_V,
            tolerance.potential_V,
            tolerance.salt_mol_m3,
            tolerance.lithium_mol_m3,
        ]
    )
    for iteration in range(1, tolerance.max_iterations + 1):
        changes, n = _iterate(cell, current_A_m2, weight, rtol, tolerance.max_cycles)
        cycles += n
        pace = n / np.log10(1 / rtol)
        slowest = max(slowest, pace)
        if pace > SLOW and not cell.slow:
            cell.slow, rtol = True, exact
        if not np.all(np.isfinite(changes)):
            return NewtonResult(False, iteration, cycles, changes, "not finite")
        worst = float(np.max(np.array(changes) / limits))
        # what is left after a change is that change times the contraction
        left = worst * min(1.0, worst / previous) if iteration > 1 else worst
        solved = cell.linear_residual < FAILED  # no change without a solution is no convergence
        failures += not solved
        if failures > 1:  # a shorter step has more of its storage on the diagonal
            return NewtonResult(False, iteration, cycles, changes, "the linear solver fails")
        if left < 1 and worst < 8 and solved:
            if scale == 0:
                return NewtonResult(True, iteration, cycles, changes)
            cell.shifts, cell.kirchhoff = _close_balances(cell, current_A_m2, weight, scale)
            shift = max(abs(cell.shifts[0]), abs(cell.shifts[1]))
            if shift < tolerance.balance and cell.kirchhoff < tolerance.current:
                cell.slow = cell.slow and slowest > SLOW / 3
                return NewtonResult(True, iteration, cycles, changes)
        if worst > previous:
            if iteration > 8 and worst > 2 * previous:
                return NewtonResult(False, iteration, cycles, changes, "diverges")
            # parts that hardly show in the residual were left over: solve more exactly
            rtol = max(rtol / 3, exact)
        previous = worst
    return NewtonResult(False, iteration, cycles, changes, "too many iterations")


def _close_balances(cell, current_A_m2, weight, scale_A_m2):
    """
    Solve the sums of all rows exactly; returns the shifts and the largest mismatch of a current.

    The shifts are the relative changes of the salt and of the step's lithium, and those of psi and
    phi_s [V]. The mismatch is relative, of the currents of both electrodes before the last shifts,
    which leave far less; large if one was too large to be made.
    """
    (metal, cathode), scale = _electrodes(cell, current_A_m2, scale_A_m2)
    total = scale * current_A_m2 / scale_A_m2
    gain, unit = (one * cell.inverse_f / (cell.voxel_edge**2 * weight) for one in (total, scale))
    salt = conservation.close_salt(cell.run, cell.storage, cell.salt, cell.histories[0], weight)
    lithium = conservation.close_lithium(
        *(cell.pool.whole, cell.lithium, cell.histories[-1], cell.active, cell.bounds),
        *(weight, gain),
    )
    psi, off = conservation.close_current(cell.run, metal, cell.psi, scale)
    phi, other = conservation.close_current(cell.run, cathode, cell.phi, scale)
    return (salt, lithium / max(unit, 1e-300), psi, phi), max(off, other)


def _electrodes(cell, current_A_m2, scale_A_m2):
    """How much the currents of both electrodes are off, for :mod:`conservation`; their scale."""
    total, scale = (cell.edge * cell.columns * one for one in (current_A_m2, scale_A_m2))

    def metal():
        current, slope = cell.lithium_electrode()
        return (current - total) / scale, slope

    def cathode():
        current = cell.evaluate_reaction()
        return -(current + total) / scale, cell.exchange_slope

    return (metal, cathode), scale


def _iterate(cell, current_A_m2, weight, rtol, max_cycles):
    """One Newton iteration; returns the largest changes and the cycles of the linear solver."""
    with cell.voxel_beside.lent("known change of the lithium") as known:
        _linearize(cell, weight, known)
        _residual(cell, current_A_m2, weight, known)
    with cell.beside.lent("weights of the solid rows") as weights:
        system = (
            *(cell.work, lambda x, y: _jacobian(cell, weight, x, y)),
            *(cell.preconditioner.cycle, cell.pool),
        )
        options = dict(max_cycles=max_cycles, weights=cell.preconditioner.weights(weights))
        cycles, left = conjugate_residuals(*system, rtol=rtol, **options)
        cell.linear_residual = left
        if left > LEFT_OVER:
            more, rest = bicgstab(*system, rtol=rtol / left, **options)
            cycles, cell.linear_residual = cycles + more, left * rest
    _shift_potentials(cell)
    return _update(cell, weight), cycles


def _shift_potentials(cell):
    """
    Solve the sums of the rows of charge and of electrons exactly, by a shift of each potential.

    Two constants hardly show in the residual of single cells, but move all currents.
    """
    work = cell.work
    charge, electrons = (cell.run(field_sums.total, work.r[field]) for field in (PSI, PHI))
    psi = (charge + electrons) / cell.pool.whole(fields.sum_of, cell.metal.rise)
    phi = psi + electrons / cell.exchange_slope
    if np.isfinite(psi + phi):
        cell.run(field_sums.shift, np.float32(psi), work.x[PSI])
        cell.run(field_sums.shift, np.float32(phi), work.x[PHI])


def _linearize(cell, weight, known):
    """Coefficients, currents and slopes as they are; `known` receives the lithium's change."""
    solver = cell.preconditioner
    cell.run(
        _electrolyte.properties, cell.salt, cell.table, cell.kinetics.inverse_c, cell.properties
    )
    cell.set_solid_faces()
    cell.evaluate_reaction()
    g, m = solver.g[0], solver.m[0]
    cell.run(vectors.clear, g)
    cell.run(vectors.clear, m)
    with cell.voxel_between.lent("load") as load:
        cell.run_lithium(vectors.clear, load)
        cell.over_faces(
            interface.sum_slopes,
            *(cell.rates, cell.inverse_f, cell.slope.ravel(), load.ravel()),
        )
        cell.solve_lithium(load, cell.response, weight, 0.05, reacting=False, warm=True)
    with cell.voxel_between.lent("residual of the lithium") as residual:
        cell.lithium_residual(weight, residual)
        cell.over_faces(
            lithium.subtract_currents, cell.rates.current, cell.inverse_f, residual.ravel()
        )
        cell.solve_lithium(residual, known, weight, 0.05)
    cell.over_faces(interface.damp, cell.rates, cell.response.ravel(), g.ravel(), m.ravel())
    cell.set_electrolyte_faces(weight)
    cell.lithium_electrode()
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
    cell.over_faces(
        exchange.exchange, cell.preconditioner.slopes, exchange.flat(x), exchange.flat(y)
    )
    cell.pool.whole(
        lithium_electrode.add_change, cell.metal, *((part[PSI], part[SALT]) for part in (x, y))
    )


def _update(cell, weight):
    """Add the solution to the fields, solve the lithium again; returns the largest changes."""
    work = cell.work
    x = work.x
    psi = cell.pool.peak(
        field_sums.largest_in_electrolyte, cell.size, cell.nz, x[PSI], cell.salt, cell.properties
    )
    terminal = abs(cell.pool.whole(fields.mean_of_slice, cell.nz, x[PHI]))
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
