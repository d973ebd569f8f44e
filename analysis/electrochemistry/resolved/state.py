"""The resolved cell: its fields, what its voxels and cells hold, and the rates of its faces.

Unknowns are psi = phi_e - B(c_e), phi_s and the salt c_e of every cell, and the lithium c_s of
every voxel. With psi the current in the electrolyte is -kappa grad psi, whatever t₊(c) and the
thermodynamic factor do.
"""

import numpy as np

from analysis.electrochemistry.constants import FARADAY_C_MOL as FARADAY
from analysis.electrochemistry.resolved import butler_volmer, interface
from analysis.electrochemistry.resolved import electrolyte_fluxes as _electrolyte
from analysis.electrochemistry.resolved import field_sums as _cell
from analysis.electrochemistry.resolved import solid_diffusion as lithium
from analysis.electrochemistry.resolved.cell_properties import electron_conductance as network
from analysis.electrochemistry.resolved.cell_properties import properties as parts
from analysis.electrochemistry.resolved.linear_solver import lithium_electrode
from analysis.electrochemistry.resolved.linear_solver.conjugate_residuals import Workspace
from analysis.electrochemistry.resolved.linear_solver.loans import Loans
from analysis.electrochemistry.resolved.linear_solver.preconditioner import (
    PHI,
    PSI,
    SALT,
    BlockMultigrid,
)
from analysis.electrochemistry.transport import fields, vectors
from analysis.electrochemistry.transport import stencil as _stencil
from analysis.electrochemistry.transport.devices import put_each
from analysis.electrochemistry.transport.multigrid import padded_shape

LEAST_SALT = 1.0  # mol/m³; the conductivity is not less than at this concentration


class ResolvedCell:
    """
    Fields, coefficients and work arrays of one half cell.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    cell : materials.HalfCell
        Materials.
    pool : ThreadPool or CudaDevice
        Where the fields are and the kernels run.
    """

    def __init__(self, geometry, cell, pool):
        self.geometry, self.materials, self.pool = geometry, cell, pool
        shape = geometry.shape
        self.shape, self.nz, self.size = shape, shape[0], int(np.prod(shape))
        self.edge = geometry.edge_m
        self.diffusivity = np.float32(cell.active.diffusion_m2_s)
        self.columns = shape[1] * shape[2]
        found = parts.find(geometry, cell, pool.threads)
        properties = np.zeros(
            (shape[0] + 2, shape[1] + 2, _electrolyte.PROPERTIES, shape[2] + 2), "f4"
        )
        properties[:, :, _electrolyte.R] = found.resistance
        self.properties = pool.put(properties)
        storage = found.porosity
        storage *= (FARADAY * self.edge**2 * geometry.heights)[:, None, None]
        self.storage = pool.put(storage)
        self.electrolyte = _electrolyte.ElectrolyteCells(
            self.properties, pool.put(geometry.heights), self.storage
        )
        self.active, self.network = pool.put(found.active), put_each(pool, found.network)
        self.active_voxels = float(found.active.sum(dtype=float))
        n = geometry.voxels_per_cell
        # of voxels alone: what each is, and what it conducts if it is no AM
        self.kind = pool.put(geometry.kind) if n == 1 else None
        self.electronic = pool.put(found.electronic)
        self._solid = found.solid if n > 1 else None  # else made when asked for
        self.kinetics = put_each(pool, butler_volmer.tabulate(cell, self.edge, n))
        self.voxel_edge = self.edge / n
        self.inverse_f = n / FARADAY  # of currents by the cell edge, for voxels
        electrolyte = cell.electrolyte
        c = np.arange(
            0, butler_volmer.TABLE_TOP + 2 * butler_volmer.TABLE_STEP, butler_volmer.TABLE_STEP
        )
        table = np.stack(
            [
                np.maximum(
                    electrolyte.conductivity_S_m(c), electrolyte.conductivity_S_m(LEAST_SALT)
                ),
                electrolyte.diffusivity_m2_s(c),
                electrolyte.transference(c),
            ],
            axis=1,
        )
        self.table = pool.put(table)
        self._allocate(found, storage > 0)
        c0 = cell.electrolyte.initial_mol_m3
        self.unit = c0 / float(cell.electrolyte.diffusion_slope_V(c0))  # mol/m³ per volt

    def _allocate(self, found, electrolyte):
        shape, voxels, pool = self.shape, self.geometry.voxels, self.pool
        several = self.geometry.voxels_per_cell > 1

        def padded(cells, dtype=np.float32):
            return pool.zeros(padded_shape(cells), dtype)

        self.psi, self.phi = (padded(shape, np.float64) for _ in range(2))
        grids = (shape, voxels) if several else (shape,)
        self.stores = [padded(grid, np.float64) for grid in grids]
        self.histories = [padded(grid, np.float64) for grid in grids]
        self.slow = False  # whether the linear solver was slow in the last step
        self.first_change = np.inf  # of the last step's first iteration, in tolerances
        self.kirchhoff, self.shifts = 0.0, (0.0,) * 3  # what the balances of the last step took
        self.voxel_nz, self.voxel_size = voxels[0], int(np.prod(voxels))
        self.response, self.slope = (padded(voxels) for _ in range(2))
        self.rates = put_each(pool, interface.empty_rates(found.faces))
        self.metal = lithium_electrode.MetalRates(
            *(pool.zeros(shape[1:], dtype) for dtype in (np.float64, np.float32, np.float32))
        )
        self.work = Workspace(shape, pool)
        # Work arrays: those of the linear solver are free while it does not search; one is free
        # also then. Where cells are voxels, the lithium borrows the same.
        self.between = self.voxel_between = self.work.between
        self.beside = self.voxel_beside = Loans([padded(voxels)])
        if several:
            self.voxel_between = Loans([padded(voxels) for _ in range(3)])
            self.beside = Loans([padded(shape)])
        self.preconditioner = BlockMultigrid(
            shape,
            self.geometry.heights[1:-1],
            found.faces,
            found.clusters,
            found.solid,
            electrolyte,
            pool,
        )
        self.faces = put_each(pool, found.faces)

    def set_rest(self, content):
        """Uniform concentrations, open-circuit potential."""
        pool = self.pool
        start = [np.zeros(store.shape) for store in self.stores]
        start[0][pool.get(self.storage) > 0] = self.materials.electrolyte.initial_mol_m3
        lithium = content * self.materials.active.max_concentration_mol_m3
        start[-1][pool.get(self.active) > 0] = lithium
        potential = self.solid * float(self.materials.active.ocp.potential(content))
        for values, field in zip((*start, potential), (*self.stores, self.phi), strict=True):
            pool.whole(fields.assign, pool.put(values), field)
        self.run(vectors.clear, self.psi)

    @property
    def solid(self):
        """Cells with a solid potential, as an array of numpy."""
        if self._solid is not None:
            return self._solid
        get = self.pool.get
        return (get(self.electronic)[self.geometry.kind] > 0) | (get(self.active) > 0)

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
        return self.pool.whole(fields.mean_of_slice, self.nz, self.phi)

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
        return self.pool.run(function, self.size, self.nz, *args)

    def run_lithium(self, function, *args):
        """Call a kernel over the slices of voxels, on which the lithium lives."""
        return self.pool.run(function, self.voxel_size, self.voxel_nz, *args)

    def over_faces(self, function, *args):
        """Call a kernel over the reacting faces, without two threads at one cell."""
        return self.pool.scatter(function, self.faces.starts, self.faces, *args)

    def evaluate_reaction(self):
        """Currents and slopes of all faces at the present state; their sum [A/m]."""
        unknowns = (self.psi, self.phi, self.salt, self.lithium)
        flat = interface.FlatFields(*(field.ravel() for field in unknowns))
        return self.over_faces(butler_volmer.evaluate, self.kinetics, flat, self.unit, self.rates)

    @property
    def exchange_slope(self):
        """Sum of the slopes of all faces with the potential."""
        return self.pool.whole(fields.sum_of, self.rates.slope_phi)

    def lithium_electrode(self, shift=0.0):
        """
        Currents from the metal and their slopes, into ``metal``, with a `shift` added to psi [V].

        Returns the sum of the currents [A/m], and that of their slopes with -psi.
        """
        return self.pool.whole(
            lithium_electrode.evaluate,
            *(self.psi, self.salt, self.kinetics, self.unit, shift, self.metal),
        )

    def set_solid_faces(self):
        """Electronic conductances for the lithium as it is."""
        k, geometry, links = self.kinetics, self.geometry, self.network
        level = self.preconditioner.levels[PHI][0]
        faces = level.faces
        with self.between.lent("electronic conductivity") as sigma:
            numbers = k.log_full, k.log_slope, sigma
            if links is None:
                self.run(
                    _cell.solid_conductivity, self.lithium, self.kind, self.electronic, *numbers
                )
                self.run(_stencil.harmonic_faces, sigma, *faces)
            else:
                self.run(
                    network.conductivity,
                    *(self.lithium, self.active, geometry.n_separator),
                    *(geometry.voxels_per_cell, *numbers),
                )
                self.run(network.conductances, sigma, links.constant, links.active, faces)

    def set_electrolyte_faces(self, weight):
        """Coefficients of charge and salt for the preconditioner."""
        psi, salt = (self.preconditioner.levels[field][0] for field in (PSI, SALT))
        self.run(
            _electrolyte.faces,
            *(self.electrolyte, np.float32(self.unit), np.float32(weight)),
            *(psi.faces, salt.faces, salt.e),
        )

    def lithium_residual(self, weight, out):
        """Write the negative balance of the lithium, currents excluded."""
        self.run_lithium(
            lithium.residual,
            *(self.lithium, self.histories[-1], self.active),
            *(self.voxel_edge**2, weight, self.diffusivity, out),
        )

    def solve_lithium(self, b, x, weight, rtol, *, reacting=True, warm=False):
        """Solve the linear system of the lithium, see :func:`solid_diffusion.solve`."""
        mass = np.float32(self.voxel_edge**2 * weight)
        operator = lithium.Operator(
            self.active, mass, self.diffusivity, self.slope, np.float32(reacting)
        )
        with self.voxel_between.lent("direction", "image") as work:
            place = dict(pool=self.pool, size=self.voxel_size)
            lithium.solve(operator, b, x, rtol, **place, work=work, warm=warm)
