"""One implicit time step of the resolved cell.

Unknowns are psi = phi_e - B(c_e), phi_s and the salt c_e of every cell, and the lithium c_s of
every voxel. With
psi the current in the electrolyte is -kappa grad psi, whatever t₊(c) and the thermodynamic
factor do. A Newton iteration

1. solves the lithium response of the AM with Butler-Volmer implicit on its diagonal,
2. solves psi, phi_s and c_e together by BiCGStab, with the exact derivative of
   the conservative fluxes and with slopes of the reaction that are damped by the lumped
   response of the lithium, 1 / (1 + u S), and
3. solves the lithium again with the new potentials.

Convergence is judged by the largest change of any unknown in any voxel.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry import _cell, _stencil, balance, lithium, network, parts, reaction
from analysis.electrochemistry.coupled import PHI, PSI, SALT, Coupled
from analysis.electrochemistry.krylov import Workspace, bicgstab
from analysis.electrochemistry.materials import FARADAY_C_MOL as FARADAY
from analysis.electrochemistry.multigrid import padded

LEAST_SALT = 1.0  # mol/m³; the conductivity is not less than at this concentration
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
        islands of binder in full, badly conducting AM have none that matters.
    krylov : float
        Residual reduction asked of the linear solver; up to ten times less where changes grow
        from one iteration to the next.
    balance : float
        Largest relative correction of salt and of the lithium of the step by
        :func:`balance.close`.
    current : float
        Largest relative mismatch of the current of an electrode.
    max_iterations, max_cycles : int
        Newton iterations of a step, and V-cycles of an iteration.
    """

    potential_V: float = 1e-4
    salt_mol_m3: float = 1.0
    lithium_mol_m3: float = 50.0
    krylov: float = 0.1
    balance: float = 2e-4
    current: float = 1e-5
    max_iterations: int = 12
    max_cycles: int = 80


@dataclass(frozen=True)
class Outcome:
    """What a step of Newton iterations did."""

    converged: bool
    iterations: int
    cycles: int
    changes: tuple  # of the last iteration: psi, voltage, c_e, c_s
    reason: str = ""


class ResolvedCell:
    """
    Fields, coefficients and work arrays of one half cell.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    cell : materials.HalfCell
        Materials.
    team : Team
        Threads.
    """

    def __init__(self, geometry, cell, team):
        self.geometry, self.materials, self.team = geometry, cell, team
        shape = geometry.shape
        self.shape, self.nz, self.size = shape, shape[0], int(np.prod(shape))
        self.edge = geometry.edge_m
        self.columns = shape[1] * shape[2]
        self.heights = geometry.heights
        found = parts.find(geometry, cell)
        self.cell = np.zeros((shape[0] + 2, shape[1] + 2, _cell.PROPERTIES, shape[2] + 2), "f4")
        self.cell[:, :, _cell.R] = found.resistance
        self.storage = found.porosity
        self.storage *= (FARADAY * self.edge**2 * self.heights)[:, None, None]
        self.active, self.faces = found.active, found.faces
        self.network, self.electronic = found.network, found.electronic
        self._solid = found.solid if geometry.joined > 1 else None  # else made when asked for
        self.kinetics = reaction.tabulate(cell, self.edge, geometry.joined)
        self.voxel_edge = self.edge / geometry.joined
        self.inverse_f = geometry.joined / FARADAY  # of currents by the cell edge, for voxels
        electrolyte = cell.electrolyte
        c = np.arange(0, reaction.TABLE_TOP + 2 * reaction.TABLE_STEP, reaction.TABLE_STEP)
        self.table = np.stack(
            [
                np.maximum(
                    electrolyte.conductivity_S_m(c), electrolyte.conductivity_S_m(LEAST_SALT)
                ),
                electrolyte.diffusivity_m2_s(c),
                electrolyte.transference(c),
            ],
            axis=1,
        )
        self._allocate(found.islands, found.solid)
        self.coupled.set_slopes(self.slope_phi, self.slope_w)
        c0 = cell.electrolyte.initial_mol_m3
        self.unit = c0 / float(cell.electrolyte.diffusion_slope_V(c0))  # mol/m³ per volt

    def _allocate(self, islands, solid):
        shape, voxels = self.shape, self.geometry.voxels
        several = self.geometry.joined > 1
        self.psi, self.phi = (padded(shape, np.float64) for _ in range(2))
        grids = (shape, voxels) if several else (shape,)
        self.stores = [padded(grid, np.float64) for grid in grids]
        self.histories = [padded(grid, np.float64) for grid in grids]
        self.slow = False  # whether the linear solver was slow in the last step
        self.voxel_nz, self.voxel_size = voxels[0], int(np.prod(voxels))
        self.response, self.known, self.slope = (padded(voxels) for _ in range(3))
        n = self.faces.count
        self.current, self.slope_phi, self.slope_w, self.slope_c = (
            np.zeros(n, np.float32) for _ in range(4)
        )
        self.ocp_slope, self.factors = (np.zeros(len(self.faces.voxel), "f4") for _ in range(2))
        self.work = Workspace(shape)
        # vectors of the lithium; those of the linear solver are free when it is solved
        self.spare = (*self.work.u, *self.work.r2[1:])
        self.weight = self.known  # of the rows of the solid; free while potentials are solved
        if several:
            self.spare = tuple(padded(voxels) for _ in range(5))
            self.weight = padded(shape)
        self.sigma = self.work.y[0]  # used up before the linear solve
        self.coupled = Coupled(
            shape,
            self.heights[1:-1],
            self.faces,
            islands,
            solid,
            self.storage > 0,
            self.team,
            scratch=self.work.r2,  # free whenever the preconditioner runs
        )

    def set_rest(self, content):
        """Uniform concentrations, open-circuit potential."""
        for store in self.stores:
            store[:] = 0
        self.salt[self.storage > 0] = self.materials.electrolyte.initial_mol_m3
        self.lithium[self.active > 0] = content * self.materials.active.max_concentration_mol_m3
        self.psi[:] = 0
        self.phi[:] = 0
        self.phi[self.solid] = float(self.materials.active.ocp.potential(content))

    @property
    def solid(self):
        """Cells with a solid potential."""
        if self._solid is not None:
            return self._solid
        return (self.electronic[self.geometry.kind] > 0) | (self.active > 0)

    @property
    def salt(self):
        """Salt concentration of each cell [mol/m³]."""
        return self.stores[0]

    @property
    def lithium(self):
        """Lithium concentration of each voxel [mol/m³]; where cells are voxels, the same array."""
        return self.stores[-1]

    @property
    def voltage(self):
        """Potential of the collector against lithium [V]."""
        return float(self.phi[self.nz, 1:-1, 1:-1].mean())

    @property
    def voxel_thickness(self):
        """Volume of a voxel over the cross-section of a column of cells [m]."""
        return self.voxel_edge**3 / self.edge**2

    @property
    def bounds(self):
        """Lowest and highest lithium concentration [mol/m³]."""
        k = self.kinetics
        return k.low * k.full, k.high * k.full

    def run(self, function, *args):
        """Call a kernel over the slices of cells; the sum of what it returns."""
        return self.team.run(function, self.size, self.nz, *args)

    def run_lithium(self, function, *args):
        """Call a kernel over the slices of voxels, on which the lithium lives."""
        return self.team.run(function, self.voxel_size, self.voxel_nz, *args)

    def _over_faces(self, function, *args):
        f = self.faces
        return self.team.scatter(function, f.starts, f.voxel, f.first, f.wet, f.solid, *args)

    def evaluate_reaction(self):
        """Currents and slopes of all faces at the present state; their sum [A/m]."""
        return self._over_faces(
            reaction.evaluate,
            *(self.faces.weight, self.faces.bare, self.psi.ravel(), self.phi.ravel()),
            *(self.salt.ravel(), self.lithium.ravel()),
            *(*self.kinetics.numbers, self.unit),
            *(self.current, self.slope_phi, self.slope_c, self.slope_w, self.ocp_slope),
        )

    def lithium_electrode(self):
        """Currents from the metal [A/m] per column, their slopes with -psi and -c_e."""
        k = self.kinetics
        c = np.maximum(self.salt[1, 1:-1, 1:-1], 1e-15)
        nodes = np.arange(len(k.rest)) / k.inverse_c
        B = k.beta0 * (np.log(c + k.star) - k.log_c0) + np.interp(c, nodes, k.rest)
        slope = k.beta0 / (c + k.star) + np.interp(c, nodes, k.tail)
        rate = self.edge * self.materials.lithium.exchange_current_A_m2 / np.sqrt(1000.0)
        i0 = rate * c / np.sqrt(c + k.star)
        top = reaction.LARGEST_ARGUMENT
        z = np.clip(-k.thermal * (self.psi[1, 1:-1, 1:-1] + B), -top, top)
        current = 2 * i0 * np.sinh(z)
        rise = 2 * k.thermal * i0 * np.cosh(z)
        return current, rise, self.unit * (rise * slope - current * (1 / c - 0.5 / (c + k.star)))

    def solve_step(self, current_A_m2, weight, tolerance):
        """
        Newton iterations from the predicted fields to the end of a time step.

        Parameters
        ----------
        current_A_m2 : float
            Lithiation current per area, positive.
        weight : float
            Leading coefficient of the time difference [1/s]; its other terms are in ``history``.
        tolerance : Tolerance
            When to stop.

        Returns
        -------
        outcome : Outcome
            Whether it converged, and the work.
        """
        cycles, previous, failures, slowest = 0, np.inf, 0, 0.0
        exact = 0.1 * tolerance.krylov
        rtol = exact if self.slow else tolerance.krylov
        self.current[:] = 0  # the searches for currents start alike after a resume
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
            changes, n = self._iterate(current_A_m2, weight, rtol, tolerance.max_cycles)
            cycles += n
            pace = n / np.log10(1 / rtol)
            slowest = max(slowest, pace)
            if pace > SLOW and not self.slow:
                self.slow, rtol = True, exact
            if not np.all(np.isfinite(changes)):
                return Outcome(False, iteration, cycles, changes, "not finite")
            worst = float(np.max(np.array(changes) / limits))
            # what is left after a change is that change times the contraction
            left = worst * min(1.0, worst / previous) if iteration > 1 else worst
            solved = self.linear_residual < FAILED  # no change without a solution is no convergence
            failures += not solved
            if failures > 1:  # a shorter step has more of its storage on the diagonal
                return Outcome(False, iteration, cycles, changes, "the linear solver fails")
            if left < 1 and worst < 8 and solved:
                if current_A_m2 == 0:
                    return Outcome(True, iteration, cycles, changes)
                self.shifts, self.kirchhoff = balance.close(self, current_A_m2, weight)
                shift = max(abs(self.shifts[0]), abs(self.shifts[1]))
                if shift < tolerance.balance and self.kirchhoff < tolerance.current:
                    self.slow = self.slow and slowest > SLOW / 3
                    return Outcome(True, iteration, cycles, changes)
            if worst > previous:
                if iteration > 8 and worst > 2 * previous:
                    return Outcome(False, iteration, cycles, changes, "diverges")
                # parts that hardly show in the residual were left over: solve more exactly
                rtol = max(rtol / 3, exact)
            previous = worst
        return Outcome(False, iteration, cycles, changes, "too many iterations")

    def _iterate(self, current_A_m2, weight, rtol, max_cycles):
        work, coupled, k = self.work, self.coupled, self.kinetics
        inverse_f = self.inverse_f
        diffusion = np.float32(self.materials.active.diffusivity_m2_s)
        mass = np.float32(self.voxel_edge**2 * weight)
        self.run(
            _cell.properties,
            *(self.salt, self.table, k.inverse_c, self.cell),
        )
        self._solid_faces()
        self.evaluate_reaction()
        g, m = coupled.g[0], coupled.m[0]
        self.run(_stencil.clear, g)
        self.run(_stencil.clear, m)
        load, zero = self.spare[4], self.spare[3]
        self.run_lithium(_stencil.clear, load)
        self._over_faces(
            reaction.sum_slopes,
            *(self.slope_phi, self.slope_c, inverse_f, self.slope.ravel(), load.ravel()),
        )
        self.run_lithium(_stencil.clear, zero)
        lithium.solve(self, load, self.response, mass, diffusion, zero, 0.05)
        residual = self.spare[4]
        self._lithium_residual(weight, diffusion, residual)
        self._over_faces(lithium.subtract_currents, self.current, inverse_f, residual.ravel())
        self.run_lithium(_stencil.clear, self.known)
        lithium.solve(self, residual, self.known, mass, diffusion, self.slope, 0.05)
        self._over_faces(
            reaction.damp,
            *(self.ocp_slope, self.response.ravel(), self.slope_phi, self.slope_w),
            *(g.ravel(), m.ravel(), self.factors),
        )
        self._electrolyte_faces(weight)
        li_current, li_slope, li_salt = self.lithium_electrode()
        coupled.levels[PSI][0].cz[1, 1:-1, 1:-1] = li_slope
        coupled.levels[SALT][0].cz[1, 1:-1, 1:-1] = li_salt
        coupled.rebuild()

        self.run(
            _cell.electrolyte_residual,
            *(self.psi, self.salt, self.histories[0], self.cell, self.heights, self.storage),
            *(weight, work.r[PSI], work.r[SALT]),
        )
        source = work.r2[1]
        self.run(_stencil.clear, source)
        source[self.nz, 1:-1, 1:-1] = current_A_m2 * self.edge * -1.0
        solid = coupled.levels[PHI][0]
        self.run(
            _stencil.defect,
            *(self.phi, source, solid.cz, solid.cy, solid.cx, solid.e, False, work.r[PHI]),
        )
        self._over_faces(
            reaction.add_currents,
            *(self.current, self.slope_c, self.known.ravel()),
            *(part.ravel() for part in work.r),
        )
        for field in (PSI, SALT):
            work.r[field][1, 1:-1, 1:-1] += li_current
        li_slope, li_salt = li_slope.astype(np.float32), li_salt.astype(np.float32)

        def jacobian(x, y):
            self.run(
                _cell.electrolyte_jacobian,
                *(self.psi, self.salt, self.cell, self.heights, self.storage),
                *(np.float32(self.unit), np.float32(weight), x[PSI], x[SALT], y[PSI], y[SALT]),
            )
            self.run(
                _stencil.apply,
                *(x[PHI], solid.cz, solid.cy, solid.cx, solid.e, False, y[PHI]),
            )
            self._over_faces(
                reaction.exchange,
                *(self.slope_phi, self.slope_w),
                *(part.ravel() for part in (*x, *y)),
            )
            inner = (1, slice(1, -1), slice(1, -1))
            change = li_slope * x[PSI][inner] + li_salt * x[SALT][inner]
            y[PSI][inner] += change
            y[SALT][inner] += change

        cycles, self.linear_residual = bicgstab(
            work,
            jacobian,
            coupled.cycle,
            self.team,
            rtol=rtol,
            max_cycles=max_cycles,
            weights=coupled.weights(self.weight),
        )
        return self._update(weight, mass, diffusion), cycles

    def _update(self, weight, mass, diffusion):
        work = self.work
        x = work.x
        peak = self.team.peak
        psi = float(peak(_cell.largest_wet, self.size, self.nz, x[PSI], self.salt, self.cell))
        terminal = abs(float(x[PHI][self.nz, 1:-1, 1:-1].mean(dtype=float)))
        if not np.isfinite(psi + terminal):
            return (np.nan,) * 4
        for part in (x[PSI], x[PHI]):
            self.run(_cell.limit, np.float32(LARGEST_STEP_V), part)
        residual = self.spare[4]
        self._lithium_residual(weight, diffusion, residual)
        self._over_faces(
            reaction.lithium_load,
            *(self.current, self.slope_phi, self.slope_w, self.factors),
            *(part.ravel() for part in x),
            *(self.inverse_f, residual.ravel()),
        )
        self.run(_cell.add_potential, 1.0, x[PSI], self.psi)
        self.run(_cell.add_potential, 1.0, x[PHI], self.phi)
        salt = self.team.peak(
            _cell.add_salt, self.size, self.nz, self.unit, x[SALT], self.cell, self.salt
        )
        self.run_lithium(_stencil.clear, self.known)  # it held the weights of the linear solver
        lithium.solve(self, residual, self.known, mass, diffusion, self.slope, 0.01)
        moved = self.team.peak(
            lithium.add,
            *(self.voxel_size, self.voxel_nz),
            *(self.known, self.active, *self.bounds, self.lithium),
        )
        return psi, terminal, float(salt), float(moved)

    def _solid_faces(self):
        k, geometry, links = self.kinetics, self.geometry, self.network
        level = self.coupled.levels[PHI][0]
        faces, numbers = (level.cz, level.cy, level.cx), (k.log_full, k.log_slope, self.sigma)
        if links is None:
            self.run(
                _cell.solid_conductivity, self.lithium, geometry.kind, self.electronic, *numbers
            )
            self.run(_stencil.harmonic_faces, self.sigma, *faces)
        else:
            self.run(
                network.conductivity,
                *(self.lithium, self.active, geometry.n_separator, geometry.joined, *numbers),
            )
            self.run(network.conductances, self.sigma, *links.constant, *links.active, *faces)

    def _electrolyte_faces(self, weight):
        psi, salt = (self.coupled.levels[field][0] for field in (PSI, SALT))
        self.run(
            _cell.electrolyte_faces,
            *(self.cell, self.heights, self.storage, np.float32(self.unit), np.float32(weight)),
            *(psi.cz, psi.cy, psi.cx, salt.cz, salt.cy, salt.cx, salt.e),
        )

    def _lithium_residual(self, weight, diffusion, out):
        self.run_lithium(
            lithium.residual,
            *(self.lithium, self.histories[-1], self.active),
            *(self.voxel_edge**2, weight, diffusion, out),
        )
